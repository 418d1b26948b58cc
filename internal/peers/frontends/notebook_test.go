package frontends

import (
	"encoding/json"
	"strings"
	"testing"

	"deeplearning.example/kernelext/nbformat"
	"deeplearning.example/kernelext/setup"
)

// TestNotebook: the notebook itself is valid, names the kernel and holds no outputs.
func TestNotebook(t *testing.T) {
	if err := nbformat.Check(original); err != nil {
		t.Fatal(err)
	}
	nb, some := Notebook(t), Notebook(t, TagAsks)
	if len(some.Cells) != len(nb.Cells)-1 {
		t.Errorf("%d of %d cells without the one that asks", len(some.Cells), len(nb.Cells))
	}
	for i, outputs := range Outputs(t, nb) {
		if outputs != "[]" {
			t.Errorf("cell %d has the outputs %s", i, outputs)
		}
	}
	data, err := json.Marshal(nb.Metadata)
	if err != nil || !strings.Contains(string(data), `"name":"`+setup.KernelName+`"`) {
		t.Errorf("metadata %s %v", data, err)
	}
}

func TestOutputs(t *testing.T) {
	pieces := []nbformat.Output{
		{Type: nbformat.Stream, Name: "stderr", Text: "c"},
		{Type: nbformat.Stream, Name: "stdout", Text: "a"},
		{Type: nbformat.Stream, Name: "stdout", Text: "b"},
		{Type: nbformat.DisplayData, Data: map[string]any{"text/html": "<b>"}},
		{Type: nbformat.Stream, Name: "stderr", Text: "d"},
		{Type: nbformat.ErrorOutput, Ename: "E", Evalue: "v", Traceback: []string{"t"}},
	}
	nb := &nbformat.Notebook{Cells: []*nbformat.Cell{{Type: nbformat.Markdown}, {Type: nbformat.Code, Outputs: pieces}}}
	want := `[{"stream":"stderr","text":"c"},{"stream":"stdout","text":"ab"},` +
		`{"data":{"text/html":"<b>"},"type":"display_data"},{"stream":"stderr","text":"d"},` +
		`{"ename":"E","evalue":"v","traceback":["t"]}]`
	if got := Outputs(t, nb); len(got) != 1 || got[0] != want {
		t.Errorf("%s, want %s", got, want)
	}
}
