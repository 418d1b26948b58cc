package kernelext

import (
	"fmt"
	"image"
	"reflect"
	"sort"
	"strings"

	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/plot"
)

const (
	maxTableRows = 50 // of a slice or map that Show turns into a table
	maxHead      = 20 // elements of a long slice that are written out
)

// Show shows any value in the best form known for it:
//
//   - a [Bundler] by its own Bundle
//   - an image.Image by [Image], a slice of images by [Grid]
//   - a *plot.Plot by [Plot], a *tensors.Tensor by [Tensor]
//   - an error and a fmt.Stringer as their text
//   - a slice of structs and a map as a table, a slice of numbers as its first elements and its range
//   - anything else as fmt's %+v
//
// Options are those of the function that it calls.
func Show(v any, opts ...Option) error {
	return here.present(func(o options) (Bundle, error) { return bundleOf(v, o) }, opts)
}

// Markdown shows text as Markdown; a terminal shows its source.
func Markdown(md string) error {
	return here.show(Bundle{Data: map[string]any{mimeMarkdown: md, mimeText: md}}, "")
}

// HTML shows HTML in a notebook and text everywhere else; text must not be empty.
func HTML(html, text string) error {
	return here.show(Bundle{Data: map[string]any{mimeHTML: html, mimeText: text}}, "")
}

func bundleOf(v any, o options) (Bundle, error) {
	if isNil(v) {
		return textBundle(fmt.Sprintf("%T(nil)", v), o), nil
	}
	switch v := v.(type) {
	case Bundler:
		return v.Bundle()
	case image.Image:
		return imageBundle(v, o)
	case *plot.Plot:
		return plotBundle(v, o)
	case *tensors.Tensor:
		return tensorBundle("tensor", v, o)
	case error:
		return textBundle("error: "+v.Error(), o), nil
	case fmt.Stringer:
		return textBundle(v.String(), o), nil
	case string:
		return textBundle(v, o), nil
	case []byte:
		return textBundle(fmt.Sprintf("%d bytes: % x", len(v), v[:min(len(v), maxHead)]), o), nil
	}
	switch value := reflect.ValueOf(v); value.Kind() {
	case reflect.Slice, reflect.Array:
		return sliceBundle(value, o)
	case reflect.Map:
		return mapBundle(value, o)
	default:
		return textBundle(fmt.Sprintf("%+v", v), o), nil
	}
}

// isNil reports whether v is nil or holds a nil pointer, on which a method could fail.
func isNil(v any) bool {
	if v == nil {
		return true
	}
	value := reflect.ValueOf(v)
	switch value.Kind() {
	case reflect.Pointer, reflect.Func, reflect.Chan, reflect.Interface:
		return value.IsNil()
	default:
		return false
	}
}

func textBundle(text string, o options) Bundle {
	if text == "" {
		text = `""`
	}
	return Bundle{Data: map[string]any{mimeText: withCaption(text, o.caption)}}
}

func sliceBundle(v reflect.Value, o options) (Bundle, error) {
	elem := v.Type().Elem()
	if v.Len() > 0 && elem.Implements(reflect.TypeFor[image.Image]()) {
		imgs := make([]image.Image, v.Len())
		for i := range imgs {
			imgs[i], _ = v.Index(i).Interface().(image.Image)
		}
		return gridBundle(imgs, 0, o)
	}
	for elem.Kind() == reflect.Pointer {
		elem = elem.Elem()
	}
	if elem.Kind() == reflect.Struct && v.Len() > 0 && len(exportedFields(elem)) > 0 {
		return structsBundle(v, elem, o)
	}
	return textBundle(sliceText(v), o), nil
}

// sliceText returns the first elements, and for numbers their range.
func sliceText(v reflect.Value) string {
	var parts []string
	for i := range min(v.Len(), maxHead) {
		parts = append(parts, cellText(v.Index(i).Interface()))
	}
	if v.Len() > maxHead {
		parts = append(parts, "…")
	}
	text := fmt.Sprintf("%s (%d): %s", v.Type(), v.Len(), strings.Join(parts, " "))
	if values := numbersOf(v); len(values) > 1 {
		s := summarize(values)
		text += fmt.Sprintf("\nmin %s, mean %s, max %s", number(s.min), number(s.mean), number(s.max))
	}
	return text
}

func exportedFields(t reflect.Type) []reflect.StructField {
	var fields []reflect.StructField
	for i := range t.NumField() {
		if field := t.Field(i); field.IsExported() {
			fields = append(fields, field)
		}
	}
	return fields
}

func structsBundle(v reflect.Value, t reflect.Type, o options) (Bundle, error) {
	fields := exportedFields(t)
	header := make([]string, len(fields))
	for i, field := range fields {
		header[i] = field.Name
	}
	var rows [][]any
	for i := range min(v.Len(), maxTableRows) {
		elem := v.Index(i)
		for elem.Kind() == reflect.Pointer && !elem.IsNil() {
			elem = elem.Elem()
		}
		row := make([]any, len(fields))
		for j, field := range fields {
			if elem.Kind() == reflect.Struct {
				row[j] = elem.FieldByIndex(field.Index).Interface()
			}
		}
		rows = append(rows, row)
	}
	return tableBundle(header, rows, o.moreRows(v.Len()))
}

func mapBundle(v reflect.Value, o options) (Bundle, error) {
	keys := v.MapKeys()
	if len(keys) == 0 {
		return textBundle(fmt.Sprintf("%s (0)", v.Type()), o), nil
	}
	sort.Slice(keys, func(i, j int) bool { return less(keys[i], keys[j]) })
	var rows [][]any
	for _, key := range keys[:min(len(keys), maxTableRows)] {
		rows = append(rows, []any{key.Interface(), v.MapIndex(key).Interface()})
	}
	return tableBundle([]string{"key", "value"}, rows, o.moreRows(len(keys)))
}

func less(a, b reflect.Value) bool {
	switch {
	case a.CanInt() && b.CanInt():
		return a.Int() < b.Int()
	case a.CanFloat() && b.CanFloat():
		return a.Float() < b.Float()
	default:
		return fmt.Sprint(a) < fmt.Sprint(b)
	}
}

// moreRows notes in the caption how many rows a table leaves out.
func (o options) moreRows(n int) options {
	if n > maxTableRows {
		o.caption = strings.TrimSpace(fmt.Sprintf("%s (the first %d of %d)", o.caption, maxTableRows, n))
	}
	return o
}
