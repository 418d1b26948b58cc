package nbformat

import (
	"fmt"
	"maps"
)

// Encode writes the notebook in Jupyter's layout, with a final newline. It does not check it: see Validate. A value in
// Metadata, Data or Extra that JSON cannot express (a channel, an infinite number) is an error.
func (nb *Notebook) Encode() ([]byte, error) {
	var w jsonWriter
	if err := w.value(nb.tree()); err != nil {
		return nil, fmt.Errorf("nbformat: %w", err)
	}
	return append(w.out, '\n'), nil
}

// tree returns the notebook as the JSON object of a file.
func (nb *Notebook) tree() map[string]any {
	cells := make([]any, len(nb.Cells))
	for i, cell := range nb.Cells {
		cells[i] = cell.tree()
	}
	return merge(nb.Extra, map[string]any{
		"cells":          cells,
		"metadata":       orEmpty(nb.Metadata),
		"nbformat":       orDefault(nb.NBFormat, Major),
		"nbformat_minor": orDefault(nb.NBFormatMinor, Minor),
	})
}

func (c *Cell) tree() map[string]any {
	tree := map[string]any{
		"id":        c.ID,
		"cell_type": c.Type,
		"metadata":  orEmpty(c.Metadata),
		"source":    Lines(c.Source),
	}
	if c.Type == Code {
		outputs := make([]any, len(c.Outputs))
		for i := range c.Outputs {
			outputs[i] = c.Outputs[i].tree()
		}
		tree["outputs"], tree["execution_count"] = outputs, count(c.ExecutionCount)
	}
	if c.Attachments != nil {
		tree["attachments"] = attachmentsTree(c.Attachments)
	}
	return merge(c.Extra, tree)
}

func attachmentsTree(attachments map[string]any) map[string]any {
	tree := make(map[string]any, len(attachments))
	for name, data := range attachments {
		if bundle, ok := data.(map[string]any); ok {
			data = splitBundle(bundle)
		}
		tree[name] = data
	}
	return tree
}

func (o *Output) tree() map[string]any {
	tree := map[string]any{"output_type": o.Type}
	switch o.Type {
	case Stream:
		tree["name"], tree["text"] = o.Name, Lines(o.Text)
	case ExecuteResult:
		tree["execution_count"] = count(o.ExecutionCount)
		fallthrough
	case DisplayData:
		tree["data"], tree["metadata"] = splitBundle(o.Data), orEmpty(o.Metadata)
	case ErrorOutput:
		tree["ename"], tree["evalue"], tree["traceback"] = o.Ename, o.Evalue, o.Traceback
	}
	return merge(o.Extra, tree)
}

// merge returns unknown and known fields together; the known ones take precedence.
func merge(extra, known map[string]any) map[string]any {
	if len(extra) == 0 {
		return known
	}
	all := maps.Clone(extra)
	maps.Copy(all, known)
	return all
}

func orEmpty(object map[string]any) map[string]any {
	if object == nil {
		return map[string]any{}
	}
	return object
}

func orDefault(n, def int) int {
	if n == 0 {
		return def
	}
	return n
}

// count returns an execution count as a JSON value: a nil pointer is null.
func count(n *int) any {
	if n == nil {
		return nil
	}
	return *n
}
