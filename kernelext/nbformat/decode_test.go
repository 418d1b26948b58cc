package nbformat_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"deeplearning.example/kernelext/nbformat"
)

func TestDecodeRefuses(t *testing.T) {
	cell := func(cell string) string {
		return `{"nbformat":4,"nbformat_minor":5,"metadata":{},"cells":[` + cell + `]}`
	}
	cases := []struct{ name, data, want string }{
		{"empty", " \n", "line 1, column 1: not JSON: the file is empty; fix that place in a text editor, " +
			"or restore the file"},
		{"comma", "{\n \"é\": 1,}", "line 2, column 9: not JSON: invalid character '}' looking for beginning of " +
			"object key string; fix that place in a text editor, or restore the file"},
		{"cut off", "{\n \"cells\": [", "line 2, column 12: not JSON: unexpected end of JSON input; fix that " +
			"place in a text editor, or restore the file"},
		{"conflict", "<<<<<<< HEAD\n{}", "line 1, column 1: not JSON: invalid character '<' looking for " +
			"beginning of value; fix that place in a text editor, or restore the file"},
		{"more behind", "{}\n{}", "line 2, column 1: not JSON: invalid character '{' after top-level value; fix " +
			"that place in a text editor, or restore the file"},
		{"latin 1", "{\n\"caf\xe9\": 1}", "line 2, column 5: not JSON: not UTF-8 text; fix that place in a text " +
			"editor, or restore the file"},
		{"a list", "[]", "notebook: JSON, but not a notebook (no number nbformat): want an .ipynb file of format 4"},
		{"an object", "{}", "notebook: JSON, but not a notebook (no number nbformat): want an .ipynb file of format 4"},
		{"format 3", `{"nbformat":3,"nbformat_minor":1,"worksheets":[]}`, "nbformat 3.1, want 4.x: open and save " +
			"it in JupyterLab, or run `jupyter nbconvert --to notebook` on it"},
		{"format 5", `{"nbformat":5,"nbformat_minor":0}`, "nbformat 5.0, want 4.x: save it as nbformat 4 with the program that " +
			"made it"},
		{"no minor", `{"nbformat":4,"cells":[]}`, "notebook: nbformat_minor is missing or null, want a whole " +
			"number from 0"},
		{"no cells", `{"nbformat":4,"nbformat_minor":5}`, "notebook: cells are missing, want a list"},
		{"cells", `{"nbformat":4,"nbformat_minor":5,"cells":{}}`, "notebook: cells is an object, want a list"},
		{"a cell", cell(`{"cell_type":"raw"},7`), "notebook: cells contains the number 7, want objects"},
		{"no type", cell(`{"source":""}`), "cell 1: cell_type is missing, want code, markdown or raw"},
		{"source", cell(`{"cell_type":"raw"},{"cell_type":"code","source":[1]}`), "cell 2: source is a list, want a " +
			"string or a list of strings"},
		{"metadata", cell(`{"cell_type":"raw","metadata":[]}`), "cell 1: metadata is a list, want an object"},
		{"count", cell(`{"cell_type":"code","execution_count":1.5}`), "cell 1: execution_count is the number 1.5, " +
			"want a whole number or null"},
		{"output", cell(`{"cell_type":"code","outputs":[{"output_type":"stream"},{"output_type":"error",` +
			`"traceback":"x"}]}`), "cell 1 output 2: traceback is a string, want a list of strings"},
		{"output kind", cell(`{"cell_type":"code","outputs":[{}]}`), "cell 1 output 1: output_type is missing, " +
			"want stream, display_data, execute_result or error"},
		{"attachment", cell(`{"cell_type":"raw","attachments":{"a":1}}`), `cell 1: attachment "a" is the number 1, ` +
			"want an object of MIME types"},
	}
	for _, c := range cases {
		if _, err := nbformat.Decode([]byte(c.data)); err == nil || err.Error() != "nbformat: "+c.want {
			t.Errorf("%s: error\n%v\nwant\nnbformat: %s", c.name, err, c.want)
		}
	}
}

func TestReadNamesTheFile(t *testing.T) {
	_, err := nbformat.Read("testdata/v3.ipynb")
	var version *nbformat.VersionError
	if !errors.As(err, &version) || version.Major != 3 || !strings.Contains(err.Error(), "testdata/v3.ipynb: ") {
		t.Errorf("format 3: %v", err)
	}
	if _, err := nbformat.Read("testdata/none.ipynb"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	file := filepath.Join(t.TempDir(), "text.ipynb")
	if err := os.WriteFile(file, []byte("# text"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err = nbformat.Read(file)
	var syntax *nbformat.SyntaxError
	if !errors.As(err, &syntax) || syntax.Line != 1 || syntax.Column != 1 || !strings.Contains(err.Error(), file) {
		t.Errorf("no JSON: %v", err)
	}
}

func TestDecodeFillsIn(t *testing.T) {
	nb := decode(t, []byte(`{"nbformat":4,"nbformat_minor":5,"cells":[{"cell_type":"code","source":"x"}]}`))
	if err := nb.Validate(); err != nil {
		t.Errorf("after Decode of a notebook with gaps: %v", err)
	}
}

func TestKernelName(t *testing.T) {
	if got := small().KernelName(); got != "lecture11" {
		t.Errorf("kernel %q, want lecture11", got)
	}
	if got := (&nbformat.Notebook{}).KernelName(); got != "" {
		t.Errorf("kernel %q of no metadata, want none", got)
	}
}

// FuzzDecode checks that an accepted notebook is written and read again without loss, and that a second writing returns
// the same bytes.
func FuzzDecode(f *testing.F) {
	for _, file := range append(jupyterFiles(f), "testdata/v3.ipynb") {
		f.Add(read(f, file))
	}
	f.Add([]byte(`{"nbformat":4,"nbformat_minor":4,"cells":[{"cell_type":"code","outputs":[{"output_type":"x"}]}]}`))
	f.Add([]byte(`{"nbformat":4,"nbformat_minor":5,"cells":[{"cell_type":"raw","id":"\u0000\ud800"}],"a":-0e+1}`))
	f.Add([]byte("{\"nbformat\":4,\"nbformat_minor\":5,\"metadata\":null}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		nb, err := nbformat.Decode(data)
		if err != nil {
			if nb != nil || strings.Contains(err.Error(), "\n") {
				t.Errorf("notebook %v with error %q, want none with one line", nb, err)
			}
			return
		}
		written := encode(t, nb)
		again := encode(t, decode(t, written))
		if !bytes.Equal(written, again) {
			t.Errorf("written twice, differs at %s", firstDifference(again, written))
		}
		if err := nb.Validate(); err == nil {
			if err := nbformat.Check(written); err != nil {
				t.Errorf("Validate accepts, Check of what is written says %v", err)
			}
		}
	})
}
