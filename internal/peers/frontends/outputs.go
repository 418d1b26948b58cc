package frontends

import (
	"encoding/json"
	"strings"
	"testing"

	"deeplearning.example/kernelext/nbformat"
)

// Outputs gives the outputs of each code cell as JSON, without what may differ between two programs that run the same
// notebook: how a stream is cut into pieces, and identifiers of displays.
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

// normal joins adjacent pieces of a stream.
func normal(outputs []nbformat.Output) []map[string]any {
	result := []map[string]any{}
	for _, o := range outputs {
		last := len(result) - 1
		switch {
		case o.Type == nbformat.Stream && last >= 0 && result[last]["stream"] == o.Name:
			result[last]["text"] = result[last]["text"].(string) + o.Text
		case o.Type == nbformat.Stream:
			result = append(result, map[string]any{"stream": o.Name, "text": o.Text})
		case o.Type == nbformat.ErrorOutput:
			result = append(result, map[string]any{"ename": o.Ename, "evalue": o.Evalue, "traceback": o.Traceback})
		default:
			result = append(result, map[string]any{"type": o.Type, "data": o.Data})
		}
	}
	return result
}
