package nbformat_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"deeplearning.example/kernelext/nbformat"
)

const sums = `{
 "cells": [
  {"cell_type": "markdown", "id": "title", "metadata": {}, "source": ["# Sums\n", "by hand"]},
  {"cell_type": "code", "id": "sum", "metadata": {}, "source": "%%\nfmt.Println(1 + 2)", "execution_count": 1,
   "outputs": [{"output_type": "stream", "name": "stdout", "text": ["3\n"]}]}
 ],
 "metadata": {"kernelspec": {"name": "lecture11", "display_name": "Go · Lecture 11", "language": "go"}},
 "nbformat": 4, "nbformat_minor": 5
}`

func ExampleDecode() {
	nb, err := nbformat.Decode([]byte(sums))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(nb.KernelName())
	for _, cell := range nb.Cells {
		fmt.Printf("%s %s: %q\n", cell.Type, cell.ID, cell.Source)
	}
	for _, output := range nb.CodeCells()[0].Outputs {
		fmt.Printf("%s %s: %q\n", output.Type, output.Name, output.Text)
	}
	// Output:
	// lecture11
	// markdown title: "# Sums\nby hand"
	// code sum: "%%\nfmt.Println(1 + 2)"
	// stream stdout: "3\n"
}

// Write replaces a file in one step, in the layout that Jupyter writes. Validate finds what Jupyter would refuse.
func ExampleWrite() {
	dir, err := os.MkdirTemp("", "notebooks")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	nb := &nbformat.Notebook{Cells: []*nbformat.Cell{{ID: "hello", Type: nbformat.Code, Source: "%%\nfmt.Println(\"hello\")"}}}
	path := filepath.Join(dir, "hello.ipynb")
	if err := nbformat.Write(path, nb); err != nil {
		log.Fatal(err)
	}
	again, err := nbformat.Read(path)
	fmt.Println(len(again.Cells), err)

	nb.Cells[0].ID = "not an id"
	fmt.Println(nb.Validate())
	// Output:
	// 1 <nil>
	// nbformat: cell 1: code cell: id is "not an id", want 1 to 64 letters, digits, - or _
}

// Check finds what is wrong with the text of a notebook file, and where.
func ExampleCheck() {
	fmt.Println(nbformat.Check([]byte(sums)))
	fmt.Println(nbformat.Check([]byte(strings.Replace(sums, `"code"`, `"cod"`, 1))))
	// Output:
	// <nil>
	// nbformat: cell 2: cell_type is "cod", want one of code, markdown, raw
}
