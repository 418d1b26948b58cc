package nbformat_test

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"deeplearning.example/kernelext/nbformat"
)

// jupyterFiles are notebooks that Python's nbformat wrote; testdata/gen/notebooks.py made them.
func jupyterFiles(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/jupyter/*.ipynb")
	if err != nil || len(files) < 6 {
		t.Fatalf("found %d notebooks, want 6: %v", len(files), err)
	}
	return files
}

func TestRoundTripIsByteIdentical(t *testing.T) {
	for _, file := range jupyterFiles(t) {
		if filepath.Base(file) == "old.ipynb" {
			continue // upgraded when read: see TestOldMinorIsUpgraded
		}
		t.Run(filepath.Base(file), func(t *testing.T) {
			want := read(t, file)
			got := encode(t, decode(t, want))
			if !bytes.Equal(got, want) {
				t.Errorf("written differs from read at %s", firstDifference(got, want))
			}
		})
	}
}

func TestReadJoinsLines(t *testing.T) {
	nb, err := nbformat.Read("testdata/jupyter/strings.ipynb")
	if err != nil {
		t.Fatal(err)
	}
	ends := "a\nb\r\nc\rd\ve\ff\x1cg\x1dh\x1ei\u0085j\u2028k\u2029l"
	if got := nb.Cells[5].Source; got != ends {
		t.Errorf("source = %q, want %q", got, ends)
	}
	data := nb.Cells[7].Outputs[0].Data
	want := map[string]any{"text/plain": ends, "application/javascript": "1;\n2;", "application/json": "a\nb",
		"application/vnd.x.v1+json": []any{"a", "b"}, "image/svg+xml": "<svg>\n</svg>\n"}
	for mime, value := range want {
		if !reflect.DeepEqual(data[mime], value) {
			t.Errorf("%s = %#v, want %#v", mime, data[mime], value)
		}
	}
	if picture, _ := data["image/png"].(string); !strings.HasSuffix(picture, "ggg==\n") {
		t.Errorf("image/png = %q, want base64 in one string", picture)
	}
	if got := nb.Cells[7].Outputs[1].Text; !strings.HasSuffix(got, ends) {
		t.Errorf("stream text = %q, want it to end with %q", got, ends)
	}
	if got := nb.Cells[8].Outputs[0].Traceback; !slices.Equal(got, []string{"\x1b[31mx", "a\nb"}) {
		t.Errorf("traceback = %q", got)
	}
	attached := nb.Cells[0].Attachments["ä.png"].(map[string]any)
	if attached["text/plain"] != "a\nb" {
		t.Errorf("attachment = %v", attached)
	}
}

func TestReadOfAnExecutedNotebook(t *testing.T) {
	nb, err := nbformat.Read("testdata/jupyter/executed.ipynb")
	if err != nil {
		t.Fatal(err)
	}
	code := nb.CodeCells()
	if nb.KernelName() != "" || len(code) != 3 || *code[0].ExecutionCount != 1 {
		t.Fatalf("kernel %q, %d code cells, want none and 3", nb.KernelName(), len(code))
	}
	streams := map[string]string{}
	for _, output := range code[0].Outputs {
		if output.Type == nbformat.Stream {
			streams[output.Name] += output.Text
		}
	}
	if streams["stdout"] != "one\n" || streams["stderr"] != "two\n" {
		t.Errorf("streams = %q", streams)
	}
	last := code[2].Outputs[len(code[2].Outputs)-1]
	if last.Type != nbformat.ErrorOutput || last.Ename != "ZeroDivisionError" || len(last.Traceback) == 0 {
		t.Errorf("last output = %+v, want the division error", last)
	}
}

func TestOldMinorIsUpgraded(t *testing.T) {
	data := read(t, "testdata/jupyter/old.ipynb")
	first, second := decode(t, data), decode(t, data)
	if first.NBFormatMinor != 5 || len(first.Cells) != 2 {
		t.Fatalf("minor %d with %d cells, want 5 with 2", first.NBFormatMinor, len(first.Cells))
	}
	if err := first.Validate(); err != nil {
		t.Error(err)
	}
	if !bytes.Equal(encode(t, first), encode(t, second)) {
		t.Error("two readings differ, want ids that depend on the notebook only")
	}
}

func TestEnsureIDsKeepsAndSeparates(t *testing.T) {
	nb := &nbformat.Notebook{}
	for range 3 {
		nb.Cells = append(nb.Cells, &nbformat.Cell{Type: nbformat.Code, Source: "same"})
	}
	nb.EnsureIDs()
	taken := nb.Cells[2].ID
	nb.Cells[1].ID, nb.Cells[2].ID = taken, "" // the id that the third would get again
	nb.EnsureIDs()
	if nb.Cells[1].ID != taken || nb.Cells[2].ID == taken {
		t.Errorf("ids %q, %q: want the first kept, the second another", nb.Cells[1].ID, nb.Cells[2].ID)
	}
	if err := nb.Validate(); err != nil {
		t.Error(err)
	}
}

func TestUnknownFieldsStay(t *testing.T) {
	nb := decode(t, read(t, "testdata/jupyter/future.ipynb"))
	if nb.NBFormatMinor != 7 {
		t.Errorf("minor = %d, want 7 kept", nb.NBFormatMinor)
	}
	cell := nb.Cells[0]
	_, inOutput := cell.Outputs[0].Extra["later"]
	if nb.Extra["later"] == nil || cell.Extra["later"] == nil || !inOutput {
		t.Errorf("unknown fields: notebook %v, cell %v, output %v", nb.Extra, cell.Extra, cell.Outputs[0].Extra)
	}
	if err := nb.Validate(); err != nil {
		t.Errorf("a later format's fields are refused: %v", err)
	}
}

func TestEncodeGoValues(t *testing.T) {
	type point struct{ X, Y float64 }
	cases := []struct {
		value any
		want  string
	}{
		{3.0, "3"}, {0.1, "0.1"}, {1e-7, "1e-07"}, {1e16, "1e+16"}, {-0.5, "-0.5"}, {int64(7), "7"}, {uint8(7), "7"},
		{float32(0.5), "0.5"}, {[]int{1}, "[\n   1\n  ]"}, {point{1, 2}, "{\n   \"X\": 1,\n   \"Y\": 2\n  }"},
		{map[string]string{"a": "<é>"}, "{\n   \"a\": \"<é>\"\n  }"}, {"bad \xff.", `"bad ` + "\ufffd" + `."`},
		{[]byte("go"), `"Z28="`}, {json.RawMessage(`{}`), "{}"},
	}
	for _, c := range cases {
		nb := &nbformat.Notebook{Metadata: map[string]any{"v": c.value}}
		want := "{\n \"cells\": [],\n \"metadata\": {\n  \"v\": " + c.want +
			"\n },\n \"nbformat\": 4,\n \"nbformat_minor\": 5\n}\n"
		if got := string(encode(t, nb)); got != want {
			t.Errorf("%#v is written as\n%s\nwant\n%s", c.value, got, want)
		}
	}
}

func TestEncodeRefusesWhatJSONCannotHold(t *testing.T) {
	for _, value := range []any{math.NaN(), math.Inf(1), make(chan int), json.Number("true"), json.Number("")} {
		nb := &nbformat.Notebook{Metadata: map[string]any{"deep": map[string]any{"v": value}}}
		_, err := nb.Encode()
		if err == nil || !strings.Contains(err.Error(), "metadata: deep: v: ") {
			t.Errorf("Encode with %v: error %v, want one that names metadata: deep: v", value, err)
		}
	}
}

func TestLines(t *testing.T) {
	cases := map[string][]string{
		"":             nil,
		"a":            {"a"},
		"a\n":          {"a\n"},
		"\n\n":         {"\n", "\n"},
		"a\r\nb\rc\n":  {"a\r\n", "b\r", "c\n"},
		"é\u2028ü\x1f": {"é\u2028", "ü\x1f"},
	}
	for text, want := range cases {
		if got := nbformat.Lines(text); !slices.Equal(got, want) {
			t.Errorf("Lines(%q) = %q, want %q", text, got, want)
		}
	}
	cell := nbformat.Cell{Source: "a\r\n\nb"}
	if got := cell.Lines(); !slices.Equal(got, []string{"a", "", "b"}) {
		t.Errorf("lines of the cell = %q", got)
	}
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func decode(t testing.TB, data []byte) *nbformat.Notebook {
	t.Helper()
	nb, err := nbformat.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	return nb
}

func encode(t testing.TB, nb *nbformat.Notebook) []byte {
	t.Helper()
	data, err := nb.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// firstDifference shows the surroundings of the first byte in which got and want differ.
func firstDifference(got, want []byte) string {
	i := 0
	for i < min(len(got), len(want)) && got[i] == want[i] {
		i++
	}
	around := func(data []byte) string { return string(data[max(0, i-60):min(len(data), i+60)]) }
	return "\ngot:  …" + around(got) + "…\nwant: …" + around(want) + "…"
}
