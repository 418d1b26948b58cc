package frontends

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"deeplearning.example/kernelext/nbformat"
)

// Outputs returns the outputs of each code cell as JSON, without details that may differ between two runs of the same
// notebook: the pieces of a stream, the order of reading stdout and stderr, and identifiers of displays.
func Outputs(t testing.TB, nb *nbformat.Notebook) []string {
	t.Helper()
	all := []string{}
	for _, cell := range nb.Cells {
		if cell.Type != nbformat.Code {
			continue
		}
		var text strings.Builder
		encoder := json.NewEncoder(&text)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(normal(cell.Outputs)); err != nil {
			t.Fatal(err)
		}
		all = append(all, strings.TrimSuffix(text.String(), "\n"))
	}
	return all
}

// normal joins the text that was printed between two other outputs to one text for each stream.
func normal(outputs []nbformat.Output) []map[string]any {
	result, texts := []map[string]any{}, map[string]string{}
	flush := func() {
		for _, name := range slices.Sorted(maps.Keys(texts)) {
			result = append(result, map[string]any{"stream": name, "text": texts[name]})
		}
		clear(texts)
	}
	for _, o := range outputs {
		if o.Type == nbformat.Stream {
			texts[o.Name] += o.Text
			continue
		}
		flush()
		if o.Type == nbformat.ErrorOutput {
			result = append(result, map[string]any{"ename": o.Ename, "evalue": o.Evalue, "traceback": o.Traceback})
		} else {
			result = append(result, map[string]any{"type": o.Type, "data": o.Data})
		}
	}
	flush()
	return result
}
