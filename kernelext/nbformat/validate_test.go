package nbformat_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"deeplearning.example/kernelext/nbformat"
)

// TestCheckAgreesWithJupyter compares Check with the results of Python's nbformat for 1508 changed notebooks.
func TestCheckAgreesWithJupyter(t *testing.T) {
	var file struct {
		Notebook json.RawMessage
		Changes  [][]json.RawMessage // path, valid, new value (deleted if there is none)
	}
	if err := json.Unmarshal(read(t, "testdata/verdicts.json"), &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Changes) < 1500 {
		t.Fatalf("%d changes, want 1500", len(file.Changes))
	}
	for _, change := range file.Changes {
		err := nbformat.Check(changed(t, file.Notebook, change))
		if valid := string(change[1]) == "true"; valid != (err == nil) {
			t.Errorf("change %s: Check says %v, Jupyter's verdict is valid = %v", change, err, valid)
		}
	}
}

// changed returns the notebook with the value at a path replaced or deleted.
func changed(t *testing.T, notebook json.RawMessage, change []json.RawMessage) []byte {
	t.Helper()
	var path []any
	var value any
	tree := map[string]any{}
	err := errors.Join(json.Unmarshal(notebook, &tree), json.Unmarshal(change[0], &path))
	if len(change) > 2 {
		err = errors.Join(err, json.Unmarshal(change[2], &value))
	}
	if err != nil {
		t.Fatal(err)
	}
	var place any = tree
	for _, step := range path[:len(path)-1] {
		if i, ok := step.(float64); ok {
			place = place.([]any)[int(i)]
		} else {
			place = place.(map[string]any)[step.(string)]
		}
	}
	switch last := path[len(path)-1].(type) {
	case float64:
		place.([]any)[int(last)] = value
	case string:
		place.(map[string]any)[last] = value
		if len(change) == 2 {
			delete(place.(map[string]any), last)
		}
	}
	data, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestCheckAcceptsJupyterFiles(t *testing.T) {
	for _, file := range jupyterFiles(t) {
		err := nbformat.Check(read(t, file))
		if old := strings.HasSuffix(file, "old.ipynb"); old != (err != nil) {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestValidateSaysWhere(t *testing.T) {
	count := -1
	cases := []struct {
		change func(nb *nbformat.Notebook)
		want   string
	}{
		{func(nb *nbformat.Notebook) { nb.Cells[1].Outputs[0].Data["text/plain"] = 7 },
			"nbformat: cell 2 output 1: display_data: data text/plain is the number 7, " +
				"want a string or a list of strings"},
		{func(nb *nbformat.Notebook) { nb.Cells[1].Outputs[1].Type = "picture" },
			`nbformat: cell 2 output 2: output_type is "picture", want one of display_data, error, ` +
				`execute_result, stream`},
		{func(nb *nbformat.Notebook) { nb.Cells[0].Type = "heading" },
			`nbformat: cell 1: cell_type is "heading", want one of code, markdown, raw`},
		{func(nb *nbformat.Notebook) { nb.Cells[1].ID = nb.Cells[0].ID },
			`nbformat: cell 2: id "text" is also that of cell 1, want ids that differ`},
		{func(nb *nbformat.Notebook) { nb.Cells[0].ID = "a b" },
			`nbformat: cell 1: markdown cell: id is "a b", want 1 to 64 letters, digits, - or _`},
		{func(nb *nbformat.Notebook) { nb.Cells[1].ExecutionCount = &count },
			`nbformat: cell 2: code cell: execution_count is the number -1, want null or a whole number from 0`},
		{func(nb *nbformat.Notebook) { nb.Cells[0].Extra = map[string]any{"colour": 1} },
			`nbformat: cell 1: markdown cell with field "colour", which nbformat 4.5 does not know`},
		{func(nb *nbformat.Notebook) { nb.Metadata["kernelspec"] = map[string]any{"name": "go"} },
			`nbformat: notebook: metadata.kernelspec without display_name`},
		{func(nb *nbformat.Notebook) { nb.Cells[0].Metadata = map[string]any{"tags": []any{"a", "a"}} },
			`nbformat: cell 1: metadata: tags is a list, want a list of different strings without commas`},
	}
	for i, c := range cases {
		nb := small()
		if err := nb.Validate(); err != nil {
			t.Fatal(err)
		}
		c.change(nb)
		if err := nb.Validate(); fmt.Sprint(err) != c.want {
			t.Errorf("case %d: Validate says\n%v\nwant\n%s", i, err, c.want)
		}
	}
}

func TestCheckSaysWhatIsMissing(t *testing.T) {
	cases := map[string]string{
		`{"cell_type":"code","id":"a","metadata":{},"source":"","execution_count":null,"outputs":[
			{"output_type":"display_data","metadata":{}}]}`: "cell 1 output 1: display_data without data",
		`{"cell_type":"code","id":"a","metadata":{},"source":"","execution_count":null}`: "cell 1: code cell without outputs",
		`{"cell_type":"raw","metadata":{},"source":""}`:                                  "cell 1: raw cell without id",
		`{"id":"a","metadata":{},"source":""}`: "cell 1: cell_type is missing or null, " +
			"want one of code, markdown, raw",
	}
	for cell, want := range cases {
		err := nbformat.Check([]byte(`{"nbformat":4,"nbformat_minor":5,"metadata":{},"cells":[` + cell + `]}`))
		var content *nbformat.ContentError
		if !errors.As(err, &content) || err.Error() != "nbformat: "+want {
			t.Errorf("Check says %v, want %s", err, want)
		}
	}
}

func TestValidateRefusesWhatJSONCannotHold(t *testing.T) {
	nb := small()
	nb.Cells[1].Outputs[0].Metadata = map[string]any{"rate": math.Inf(1)}
	if err := nb.Validate(); err == nil || !strings.Contains(err.Error(), "rate: +Inf is not a JSON number") {
		t.Errorf("Validate of an infinite number: %v", err)
	}
}

func TestValidateAcceptsGoValues(t *testing.T) {
	nb := small()
	nb.Metadata["run"] = struct{ Cores int }{2}
	nb.Cells[0].Metadata = map[string]any{"tags": []string{"a", "b"}, "n": int64(3), "map": map[string]int{"a": 1}}
	nb.Cells[1].Outputs[0].Data["application/json"] = []float64{1, 2}
	if err := nb.Validate(); err != nil {
		t.Error(err)
	}
}

// small returns a valid notebook of a text and a code cell.
func small() *nbformat.Notebook {
	return &nbformat.Notebook{
		Metadata: map[string]any{"kernelspec": map[string]any{"name": "lecture11", "display_name": "Go"}},
		Cells: []*nbformat.Cell{
			{ID: "text", Type: nbformat.Markdown, Source: "# Title"},
			{ID: "code", Type: nbformat.Code, Source: "%%\nprintln()", Outputs: []nbformat.Output{
				{Type: nbformat.DisplayData, Data: map[string]any{"text/plain": "x"}},
				{Type: nbformat.Stream, Name: "stdout", Text: "y\n"}}},
		},
	}
}
