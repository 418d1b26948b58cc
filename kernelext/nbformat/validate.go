package nbformat

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Validate checks whether the output of Encode would obey the JSON schema of nbformat 4.5, and whether cell ids are
// unique. The error is a *ContentError about the first fault, such as "cell 3 output 1: display_data without data".
//
// In a notebook of a later 4.x, unknown fields, cell types and output types are accepted, as in Jupyter.
func (nb *Notebook) Validate() error {
	tree, err := plain(nb.tree())
	if err == nil {
		err = check(tree)
	}
	if err != nil {
		return fmt.Errorf("nbformat: %w", err)
	}
	return nil
}

// Check is Validate for a file as it is: a field that Decode would fill in counts as missing. It also returns the
// errors of Decode, and an error for a format before 4.5, which has another schema.
func Check(data []byte) error {
	tree, err := parseJSON(data)
	if err == nil {
		err = check(tree)
	}
	if err != nil {
		return fmt.Errorf("nbformat: %w", err)
	}
	return nil
}

func check(value any) error {
	tree, minor, err := version(value)
	if err != nil {
		return err
	}
	if minor < Minor {
		return at{}.errorf("nbformat 4.%d, want 4.%d: open and save it in JupyterLab", minor, Minor)
	}
	return schema{future: minor > Minor}.notebook(tree)
}

// rule checks the value of one field; its result completes "field … ".
type rule func(value any) string

// fields maps the fields of one kind of object to their rules; optional ones have a name that ends with "?".
type fields map[string]rule

var (
	cellFields = fields{"id": cellID, "cell_type": isString, "metadata": isObject, "source": isMultiline}

	cellKinds = map[string]fields{
		Code:     with(cellFields, fields{"outputs": isList, "execution_count": isCount}),
		Markdown: with(cellFields, fields{"attachments?": isAttachments}),
		Raw:      with(cellFields, fields{"attachments?": isAttachments}),
	}
	outputKinds = map[string]fields{
		Stream:      {"output_type": isString, "name": isString, "text": isMultiline},
		DisplayData: {"output_type": isString, "data": isBundle, "metadata": isObject},
		ExecuteResult: {"output_type": isString, "data": isBundle, "metadata": isObject,
			"execution_count": isCount},
		ErrorOutput: {"output_type": isString, "ename": isString, "evalue": isString, "traceback": isStrings},
	}
	notebookFields = fields{"cells": isList, "metadata": isObject, "nbformat": isCount, "nbformat_minor": isCount}

	notebookMetadata = fields{"kernelspec?": isObject, "language_info?": isObject, "orig_nbformat?": isPositive,
		"title?": isString, "authors?": isList}
	kernelspecFields = fields{"name": isString, "display_name": isString}
	languageFields   = fields{"name": isString, "codemirror_mode?": isStringOrObject, "file_extension?": isString,
		"mimetype?": isString, "pygments_lexer?": isString}
	cellMetadata = map[string]fields{
		Code: {"jupyter?": isObject, "execution?": isTexts, "collapsed?": isBool, "scrolled?": isScrolled,
			"name?": isName, "tags?": isTags},
		Markdown: {"jupyter?": isObject, "name?": isName, "tags?": isTags},
		Raw:      {"jupyter?": isObject, "name?": isName, "tags?": isTags, "format?": isString},
	}
)

func with(a, b fields) fields {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// schema is the JSON schema of nbformat 4.5; future relaxes it for a later minor version.
type schema struct{ future bool }

func (s schema) notebook(tree map[string]any) error {
	here := at{}
	if err := s.closed(here, tree, notebookFields, "notebook"); err != nil {
		return err
	}
	if err := s.notebookMetadata(tree["metadata"].(map[string]any)); err != nil {
		return err
	}
	ids := map[string]int{}
	for i, item := range tree["cells"].([]any) {
		here.cell = i + 1
		cell, ok := item.(map[string]any)
		if !ok {
			return here.errorf("is %s, want an object", kind(item))
		}
		if err := s.cell(here, cell); err != nil {
			return err
		}
		id, _ := cell["id"].(string)
		if first := ids[id]; first > 0 {
			return here.errorf("id %q is also that of cell %d, want ids that differ", id, first)
		}
		ids[id] = here.cell
	}
	return nil
}

func (s schema) notebookMetadata(metadata map[string]any) error {
	if err := open(at{}, metadata, notebookMetadata, "metadata"); err != nil {
		return err
	}
	if spec, ok := metadata["kernelspec"].(map[string]any); ok {
		if err := open(at{}, spec, kernelspecFields, "metadata.kernelspec"); err != nil {
			return err
		}
	}
	if language, ok := metadata["language_info"].(map[string]any); ok {
		return open(at{}, language, languageFields, "metadata.language_info")
	}
	return nil
}

func (s schema) cell(here at, cell map[string]any) error {
	known, err := s.kindOf(here, cell, "cell_type", cellKinds)
	if err != nil || known == nil {
		return err
	}
	cellType := cell["cell_type"].(string)
	if err := s.closed(here, cell, known, cellType+" cell"); err != nil {
		return err
	}
	if err := open(here, cell["metadata"].(map[string]any), cellMetadata[cellType], "metadata"); err != nil {
		return err
	}
	outputs, _ := cell["outputs"].([]any)
	for i, item := range outputs {
		here.output = i + 1
		if err := s.output(here, item); err != nil {
			return err
		}
	}
	return nil
}

func (s schema) output(here at, item any) error {
	output, ok := item.(map[string]any)
	if !ok {
		return here.errorf("is %s, want an object", kind(item))
	}
	known, err := s.kindOf(here, output, "output_type", outputKinds)
	if err != nil || known == nil {
		return err
	}
	return s.closed(here, output, known, output["output_type"].(string))
}

// kindOf returns the fields for an object by the field that names its kind; nil for a kind of a later format.
func (s schema) kindOf(here at, tree map[string]any, key string, kinds map[string]fields) (fields, error) {
	names := strings.Join(slices.Sorted(maps.Keys(kinds)), ", ")
	name, isText := tree[key].(string)
	known := kinds[name]
	switch {
	case known != nil || isText && s.future:
		return known, nil
	case isText:
		return nil, here.errorf("%s is %q, want one of %s", key, name, names)
	}
	return nil, here.errorf("%s is %s, want one of %s", key, kind(tree[key]), names)
}

// closed checks an object that may have only the known fields.
func (s schema) closed(here at, tree map[string]any, known fields, what string) error {
	if err := open(here, tree, known, what); err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(tree)) {
		if known[key] == nil && known[key+"?"] == nil && !s.future {
			return here.errorf("%s with field %q, which nbformat 4.%d does not know", what, key, Minor)
		}
	}
	return nil
}

// open checks the known fields of an object that may have others.
func open(here at, tree map[string]any, known fields, what string) error {
	for _, name := range slices.Sorted(maps.Keys(known)) {
		key, optional := strings.CutSuffix(name, "?")
		value, ok := tree[key]
		if !ok && !optional {
			return here.errorf("%s without %s", what, key)
		}
		if !ok {
			continue
		}
		if complaint := known[name](value); complaint != "" {
			return here.errorf("%s: %s %s", what, key, complaint)
		}
	}
	return nil
}

func wants(ok bool, value any, want string) string {
	if ok {
		return ""
	}
	return fmt.Sprintf("is %s, want %s", kind(value), want)
}

func isString(value any) string {
	_, ok := value.(string)
	return wants(ok, value, "a string")
}

func isBool(value any) string {
	_, ok := value.(bool)
	return wants(ok, value, "true or false")
}

func isObject(value any) string {
	_, ok := value.(map[string]any)
	return wants(ok, value, "an object")
}

func isList(value any) string {
	_, ok := value.([]any)
	return wants(ok, value, "a list")
}

func isStrings(value any) string {
	_, ok := stringList(value)
	return wants(ok, value, "a list of strings")
}

func isMultiline(value any) string {
	_, ok := joinText(value)
	return wants(ok, value, "a string or a list of strings")
}

func isStringOrObject(value any) string {
	if isString(value) == "" || isObject(value) == "" {
		return ""
	}
	return wants(false, value, "a string or an object")
}

func isCount(value any) string {
	n, ok := integer(value)
	return wants(value == nil || ok && n >= 0, value, "null or a whole number from 0")
}

func isPositive(value any) string {
	n, ok := integer(value)
	return wants(ok && n >= 1, value, "a whole number from 1")
}

func isScrolled(value any) string {
	_, ok := value.(bool)
	return wants(ok || value == "auto", value, `true, false or "auto"`)
}

// validName matches valid names of cells: one line, not empty.
var validName = regexp.MustCompile(`^.+\n?$`)

func isName(value any) string {
	name, ok := value.(string)
	return wants(ok && validName.MatchString(name), value, "one line of text that is not empty")
}

func cellID(value any) string {
	id, ok := value.(string)
	if ok && !validID.MatchString(id) {
		return fmt.Sprintf("is %q, want 1 to 64 letters, digits, - or _", id)
	}
	return wants(ok, value, "a string")
}

func isTags(value any) string {
	tags, ok := stringList(value)
	seen := map[string]bool{}
	for _, tag := range tags {
		ok = ok && tag != "" && !strings.Contains(tag, ",") && !seen[tag]
		seen[tag] = true
	}
	return wants(ok, value, "a list of different strings without commas")
}

func isTexts(value any) string {
	object, ok := value.(map[string]any)
	for _, item := range object {
		ok = ok && isString(item) == ""
	}
	return wants(ok, value, "an object of strings")
}

func isBundle(value any) string {
	object, ok := value.(map[string]any)
	for _, mime := range slices.Sorted(maps.Keys(object)) {
		if !IsJSON(mime) && isMultiline(object[mime]) != "" {
			return fmt.Sprintf("%s %s", mime, isMultiline(object[mime]))
		}
	}
	return wants(ok, value, "an object of MIME types")
}

func isAttachments(value any) string {
	object, ok := value.(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if complaint := isBundle(object[name]); complaint != "" {
			return fmt.Sprintf("%q %s", name, complaint)
		}
	}
	return wants(ok, value, "an object of files")
}
