package nbformat

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// Decode reads a notebook of format 4. It fills in a missing id, metadata, outputs or execution count, and raises the
// minor version to 5.
//
// Errors are a *SyntaxError (not JSON), a *VersionError (format 3 and older, 5 and newer), or a *ContentError (a field
// that a Notebook cannot hold).
func Decode(data []byte) (*Notebook, error) {
	nb, err := decode(data)
	if err != nil {
		return nil, fmt.Errorf("nbformat: %w", err)
	}
	return nb, nil
}

func decode(data []byte) (*Notebook, error) {
	tree, minor, err := parse(data)
	if err != nil {
		return nil, err
	}
	d := decoder{}
	nb := d.notebook(tree)
	if d.err != nil {
		return nil, d.err
	}
	nb.NBFormat, nb.NBFormatMinor = Major, max(minor, Minor)
	nb.EnsureIDs()
	return nb, nil
}

// parse parses data into a JSON object that declares itself a notebook of format 4.
func parse(data []byte) (tree map[string]any, minor int, err error) {
	value, err := parseJSON(data)
	if err != nil {
		return nil, 0, err
	}
	return version(value)
}

// version returns the minor version of a JSON value that declares itself a notebook of format 4.
func version(value any) (tree map[string]any, minor int, err error) {
	tree, ok := value.(map[string]any)
	major, isInt := integer(tree["nbformat"])
	if !ok || !isInt {
		return nil, 0, at{}.errorf("JSON, but not a notebook (no number nbformat): want an .ipynb file of format 4")
	}
	minor, isInt = integer(tree["nbformat_minor"])
	if major != Major {
		return nil, 0, &VersionError{major, minor}
	}
	if !isInt || minor < 0 {
		return nil, 0, at{}.errorf("nbformat_minor is %s, want a whole number from 0", kind(tree["nbformat_minor"]))
	}
	return tree, minor, nil
}

// parseJSON is json.Unmarshal with numbers as json.Number and with the place of an error.
func parseJSON(data []byte) (any, error) {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, &SyntaxError{1, 1, "the file is empty"}
	}
	if !utf8.Valid(data) {
		line, column := position(data, invalidUTF8(data))
		return nil, &SyntaxError{line, column, "not UTF-8 text"}
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var value any
	err := decoder.Decode(&value)
	if err == nil && len(bytes.TrimSpace(data[decoder.InputOffset():])) == 0 {
		return value, nil
	}
	var whole json.RawMessage
	if wholeErr := json.Unmarshal(data, &whole); wholeErr != nil {
		err = wholeErr // this error also has the place, and covers text after the first value
	}
	return nil, syntaxError(data, err)
}

// invalidUTF8 returns the index of the first byte that is not UTF-8.
func invalidUTF8(data []byte) int {
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return len(data)
}

// integer returns value as an int, if it is a JSON number without fraction.
func integer(value any) (int, bool) {
	number, ok := value.(json.Number)
	if !ok {
		return 0, false
	}
	n, err := number.Int64()
	return int(n), err == nil
}

// decoder builds a Notebook from a JSON tree and keeps the first error. Each of its methods removes a field from an
// object. The fields that are left at the end are unknown to the format.
type decoder struct {
	at  at
	err error
}

func (d *decoder) notebook(tree map[string]any) *Notebook {
	nb := &Notebook{}
	delete(tree, "nbformat")
	delete(tree, "nbformat_minor")
	nb.Metadata = d.object(tree, "metadata")
	cells, ok := tree["cells"]
	delete(tree, "cells")
	if !ok {
		d.fail("cells are missing, want a list")
	}
	for i, item := range d.objects(cells, "cells") {
		d.at = at{cell: i + 1}
		nb.Cells = append(nb.Cells, d.cell(item))
	}
	nb.Extra = rest(tree)
	return nb
}

func (d *decoder) cell(tree map[string]any) *Cell {
	cell := &Cell{ID: d.text(tree, "id"), Type: d.text(tree, "cell_type")}
	cell.Source = d.lines(tree, "source")
	cell.Metadata = d.object(tree, "metadata")
	switch cell.Type {
	case Code:
		cell.ExecutionCount = d.count(tree)
		cell.Outputs = d.outputs(tree)
	case Markdown, Raw:
		cell.Attachments = d.attachments(tree)
	case "":
		d.fail("cell_type is missing, want code, markdown or raw")
	}
	cell.Extra = rest(tree)
	return cell
}

func (d *decoder) outputs(tree map[string]any) []Output {
	items := d.objects(tree["outputs"], "outputs")
	delete(tree, "outputs")
	var outputs []Output
	place := d.at
	for i, item := range items {
		d.at.output = i + 1
		outputs = append(outputs, d.output(item))
	}
	d.at = place
	return outputs
}

func (d *decoder) output(tree map[string]any) Output {
	out := Output{Type: d.text(tree, "output_type")}
	switch out.Type {
	case Stream:
		out.Name, out.Text = d.text(tree, "name"), d.lines(tree, "text")
	case ExecuteResult:
		out.ExecutionCount = d.count(tree)
		fallthrough
	case DisplayData:
		out.Data, out.Metadata = joinBundle(d.object(tree, "data")), d.object(tree, "metadata")
	case ErrorOutput:
		out.Ename, out.Evalue = d.text(tree, "ename"), d.text(tree, "evalue")
		out.Traceback = d.texts(tree, "traceback")
	case "":
		d.fail("output_type is missing, want stream, display_data, execute_result or error")
	}
	out.Extra = rest(tree)
	return out
}

func (d *decoder) attachments(tree map[string]any) map[string]any {
	if _, ok := tree["attachments"]; !ok {
		return nil
	}
	attachments := d.object(tree, "attachments")
	for name, data := range attachments {
		bundle, ok := data.(map[string]any)
		if !ok {
			d.fail("attachment %q is %s, want an object of MIME types", name, kind(data))
		}
		attachments[name] = joinBundle(bundle)
	}
	return attachments
}

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = d.at.errorf(format, args...)
	}
}

// take removes a field that may be missing from tree.
func take(tree map[string]any, key string) (value any, ok bool) {
	value, ok = tree[key]
	delete(tree, key)
	return value, ok
}

func (d *decoder) text(tree map[string]any, key string) string {
	value, ok := take(tree, key)
	text, isText := value.(string)
	if ok && !isText {
		d.fail("%s is %s, want a string", key, kind(value))
	}
	return text
}

func (d *decoder) lines(tree map[string]any, key string) string {
	value, ok := take(tree, key)
	text, isText := joinText(value)
	if ok && !isText {
		d.fail("%s is %s, want a string or a list of strings", key, kind(value))
	}
	return text
}

func (d *decoder) texts(tree map[string]any, key string) []string {
	value, ok := take(tree, key)
	texts, isList := stringList(value)
	if ok && !isList {
		d.fail("%s is %s, want a list of strings", key, kind(value))
	}
	return texts
}

func (d *decoder) object(tree map[string]any, key string) map[string]any {
	value, ok := take(tree, key)
	object, isObject := value.(map[string]any)
	if ok && !isObject {
		d.fail("%s is %s, want an object", key, kind(value))
	}
	if object == nil {
		object = map[string]any{}
	}
	return object
}

func (d *decoder) objects(value any, what string) []map[string]any {
	list, isList := value.([]any)
	if value != nil && !isList {
		d.fail("%s is %s, want a list", what, kind(value))
	}
	objects := make([]map[string]any, len(list))
	for i, item := range list {
		object, ok := item.(map[string]any)
		if !ok {
			d.fail("%s contains %s, want objects", what, kind(item))
			object = map[string]any{}
		}
		objects[i] = object
	}
	return objects
}

func (d *decoder) count(tree map[string]any) *int {
	value, _ := take(tree, "execution_count")
	if value == nil {
		return nil
	}
	n, ok := integer(value)
	if !ok {
		d.fail("execution_count is %s, want a whole number or null", kind(value))
	}
	return &n
}

// rest returns the remaining fields of an object, nil if there are none.
func rest(tree map[string]any) map[string]any {
	if len(tree) == 0 {
		return nil
	}
	return tree
}

// kind returns the name of the kind of a JSON value, for messages.
func kind(value any) string {
	switch value := value.(type) {
	case nil:
		return "missing or null"
	case bool:
		return "a truth value"
	case string:
		return "a string"
	case json.Number:
		return "the number " + value.String()
	case []any, []string:
		return "a list"
	case map[string]any:
		return "an object"
	}
	return fmt.Sprintf("a Go %T", value)
}
