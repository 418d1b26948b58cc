package kernelext

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"deeplearning.example/kernelext/nbformat"
)

// TestChecks: the checks are found in the streams of notebooks, passed and failed ones, by file and in order, and nothing else.
func TestChecks(t *testing.T) {
	folder := t.TempDir()
	stream := func(name, text string) nbformat.Output {
		return nbformat.Output{Type: nbformat.Stream, Name: name, Text: text}
	}
	cell := func(id string, outputs ...nbformat.Output) *nbformat.Cell {
		return &nbformat.Cell{ID: id, Type: nbformat.Code, Source: "%%", Outputs: outputs}
	}
	for file, cells := range map[string][]*nbformat.Cell{
		"06_som.ipynb": {cell("a", stream("stdout", "said ✓ before\n✓ TE 0.04\n✓ a: got 1, want 1 ± 0.1\r\n")), cell("b", stream("stderr", "✗ too far\n\tcell:3\n"))},
		"02_new.ipynb": {cell("c"), {ID: "d", Type: nbformat.Markdown, Source: "✓ a claim in a text"}},
		"01_one.ipynb": {cell("e", stream("stdout", "✓ first"))},
	} {
		if err := nbformat.Write(filepath.Join(folder, file), &nbformat.Notebook{Cells: cells}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := Checks(folder)
	if err != nil {
		t.Fatal(err)
	}
	want := []Check{
		{"01_one.ipynb", "e", "first", true}, {"06_som.ipynb", "a", "TE 0.04", true},
		{"06_som.ipynb", "a", "a: got 1, want 1 ± 0.1", true}, {"06_som.ipynb", "b", "too far", false},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("checks %+v, want %+v", got, want)
	}
	if found := FindChecks(got, "06_som.ipynb", "got", "want"); !reflect.DeepEqual(found, want[2:3]) {
		t.Errorf("found %+v", found)
	}
	if found := FindChecks(got, "06_som.ipynb"); len(found) != 3 {
		t.Errorf("found %+v, want all three", found)
	}
}

// TestChecksRefused: a folder without notebooks and a file that is none are errors that name them.
func TestChecksRefused(t *testing.T) {
	folder := t.TempDir()
	if _, err := Checks(folder); err == nil || !strings.Contains(err.Error(), "has no notebook") || !strings.Contains(err.Error(), folder) {
		t.Errorf("an empty folder: %v", err)
	}
	if err := os.WriteFile(filepath.Join(folder, "half.ipynb"), []byte(`{"cells": [`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Checks(folder); err == nil || !strings.Contains(err.Error(), "half.ipynb") {
		t.Errorf("half a file: %v", err)
	}
}
