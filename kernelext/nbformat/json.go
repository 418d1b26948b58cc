package nbformat

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// jsonWriter writes JSON as Python's json.dumps(ensure_ascii=False, indent=1, sort_keys=True) does.
type jsonWriter struct {
	out    []byte
	indent int
}

func (w *jsonWriter) value(value any) error {
	switch value := value.(type) {
	case nil:
		w.out = append(w.out, "null"...)
	case bool:
		w.out = strconv.AppendBool(w.out, value)
	case string:
		w.string(value)
	case int:
		w.out = strconv.AppendInt(w.out, int64(value), 10)
	case float64:
		return w.float(value)
	case json.Number:
		return w.number(value)
	case []string:
		return list(w, value)
	case []any:
		return list(w, value)
	case map[string]any:
		return w.object(value)
	default:
		return w.other(value)
	}
	return nil
}

func list[T any](w *jsonWriter, items []T) error {
	w.out = append(w.out, '[')
	w.indent++
	for i, item := range items {
		w.nextLine(i > 0)
		if err := w.value(item); err != nil {
			return err
		}
	}
	w.close(len(items), ']')
	return nil
}

func (w *jsonWriter) object(object map[string]any) error {
	w.out = append(w.out, '{')
	w.indent++
	for i, key := range slices.Sorted(maps.Keys(object)) {
		w.nextLine(i > 0)
		w.string(key)
		w.out = append(w.out, ": "...)
		if err := w.value(object[key]); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	w.close(len(object), '}')
	return nil
}

func (w *jsonWriter) nextLine(comma bool) {
	if comma {
		w.out = append(w.out, ',')
	}
	w.out = append(w.out, '\n')
	for range w.indent {
		w.out = append(w.out, ' ')
	}
}

func (w *jsonWriter) close(items int, bracket byte) {
	w.indent--
	if items > 0 {
		w.nextLine(false)
	}
	w.out = append(w.out, bracket)
}

// plain returns value as parseJSON would read it from a file.
func plain(value any) (any, error) {
	switch value := value.(type) {
	case nil, bool, string:
		return value, nil
	case []string:
		items := make([]any, len(value))
		for i, item := range value {
			items[i] = item
		}
		return items, nil
	case []any:
		return plainList(value)
	case map[string]any:
		return plainObject(value)
	}
	var w jsonWriter
	if err := w.value(value); err != nil {
		return nil, err
	}
	return parseJSON(w.out)
}

func plainList(list []any) (any, error) {
	items := make([]any, len(list))
	for i, item := range list {
		var err error
		if items[i], err = plain(item); err != nil {
			return nil, err
		}
	}
	return items, nil
}

func plainObject(object map[string]any) (any, error) {
	items := make(map[string]any, len(object))
	for key, item := range object {
		var err error
		if items[key], err = plain(item); err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
	}
	return items, nil
}

// other writes any further Go value as encoding/json does.
func (w *jsonWriter) other(value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	plain, err := parseJSON(data)
	if err != nil {
		return err
	}
	return w.value(plain)
}

// number writes a number of a file digit for digit.
func (w *jsonWriter) number(number json.Number) error {
	if !json.Valid([]byte(number)) || !strings.ContainsRune("-0123456789", rune(number[0])) {
		return fmt.Errorf("%q is not a JSON number", string(number))
	}
	w.out = append(w.out, number...)
	return nil
}

// float writes a number as Python does, except that a whole one has no ".0": Go's JSON reader makes a float64 of 3.
func (w *jsonWriter) float(f float64) error {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return fmt.Errorf("%g is not a JSON number", f)
	}
	format := byte('f')
	if abs := math.Abs(f); f != 0 && (abs < 1e-4 || abs >= 1e16) {
		format = 'e'
	}
	w.out = strconv.AppendFloat(w.out, f, format, -1, 64)
	return nil
}

// string writes a string with only the escapes that JSON requires; bytes that are not UTF-8 become U+FFFD.
func (w *jsonWriter) string(text string) {
	w.out = append(w.out, '"')
	for start, i := 0, 0; i <= len(text); i++ {
		if i < len(text) && text[i] >= ' ' && text[i] != '"' && text[i] != '\\' {
			continue
		}
		w.out = append(w.out, validUTF8(text[start:i])...)
		if i < len(text) {
			w.escape(text[i])
		}
		start = i + 1
	}
	w.out = append(w.out, '"')
}

func validUTF8(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	return strings.ToValidUTF8(text, "\ufffd")
}

func (w *jsonWriter) escape(c byte) {
	const short = "\"\"\\\\\bb\ff\nn\rr\tt" // pairs: byte, letter after the backslash
	for i := 0; i < len(short); i += 2 {
		if short[i] == c {
			w.out = append(w.out, '\\', short[i+1])
			return
		}
	}
	w.out = fmt.Appendf(w.out, `\u%04x`, c)
}
