package store

import (
	"crypto/sha256"
	"encoding"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Key identifies an entry. Two keys are the same entry when their names and their fields, written as canonical JSON,
// are the same.
type Key struct {
	Name   string         // for people and for file names: "vae-20"
	Fields map[string]any // numbers, strings, bools, slices, maps with string keys, structs with exported fields

	value bool // set for keys of Put and Get, so that a value and a model of the same name are different entries
}

// JSON returns the key as canonical JSON: map keys are sorted, there are no spaces, 1 and 1.0 are written alike, and −0
// as 0. It returns an error for values without a stable text: NaN, infinities, functions, channels, structs with
// unexported fields, invalid UTF-8.
func (k Key) JSON() ([]byte, error) {
	if k.Name == "" {
		return nil, fmt.Errorf("store: key has no name")
	}
	fields := k.Fields
	if fields == nil {
		fields = map[string]any{}
	}
	whole := map[string]any{"name": k.Name, "fields": fields}
	if k.value {
		whole["value"] = true
	}
	text, err := appendCanonical(nil, reflect.ValueOf(whole), "")
	if err != nil {
		return nil, fmt.Errorf("store: key %q: %w", k.Name, err)
	}
	return text, nil
}

// ID returns the entry's id, which is also the stem of its file name: the name, made safe for a file, and 12 hex digits
// of the SHA-256 of the key's JSON. It returns the errors of JSON.
func (k Key) ID() (string, error) {
	text, err := k.JSON()
	if err != nil {
		return "", err
	}
	return idOf(k.Name, text), nil
}

func idOf(name string, keyJSON []byte) string {
	sum := sha256.Sum256(keyJSON)
	return fileName(name) + "-" + hex.EncodeToString(sum[:6])
}

// fileName keeps the characters that are safe in a file name on every system. Names that become equal are told apart by
// the digits of the id.
func fileName(name string) string {
	clean := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '.', r == '_':
			return r
		}
		return '_'
	}, name)
	clean = strings.TrimLeft(clean, ".-")
	if clean == "" {
		return "entry"
	}
	return clean[:min(len(clean), 80)]
}

// keyFromJSON is the inverse of JSON; numbers stay as their text.
func keyFromJSON(text []byte) (Key, error) {
	var parsed struct {
		Name   string         `json:"name"`
		Fields map[string]any `json:"fields"`
		Value  bool           `json:"value"`
	}
	dec := json.NewDecoder(strings.NewReader(string(text)))
	dec.UseNumber()
	if err := dec.Decode(&parsed); err != nil {
		return Key{}, fmt.Errorf("store: key of an entry: %w", err)
	}
	return Key{Name: parsed.Name, Fields: parsed.Fields, value: parsed.Value}, nil
}

// appendCanonical appends v as canonical JSON. path names the place of v in the key, for errors.
func appendCanonical(dst []byte, v reflect.Value, path string) ([]byte, error) {
	if !v.IsValid() {
		return append(dst, "null"...), nil
	}
	if text, ok, err := appendMarshaled(dst, v, path); ok || err != nil {
		return text, err
	}
	switch v.Kind() {
	case reflect.Bool:
		return strconv.AppendBool(dst, v.Bool()), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.AppendInt(dst, v.Int(), 10), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return strconv.AppendUint(dst, v.Uint(), 10), nil
	case reflect.Float32, reflect.Float64:
		return appendFloat(dst, v, path)
	case reflect.String:
		return appendString(dst, v.String(), path)
	case reflect.Slice, reflect.Array:
		return appendList(dst, v, path)
	case reflect.Map:
		return appendMap(dst, v, path)
	case reflect.Struct:
		return appendStruct(dst, v, path)
	case reflect.Pointer, reflect.Interface:
		return appendCanonical(dst, v.Elem(), path)
	}
	return nil, fmt.Errorf("field %s: a %s cannot be part of a key; give a number or a string that names it",
		fieldName(path), v.Type())
}

func fieldName(path string) string { return strings.TrimPrefix(path, ".fields.") }

// appendMarshaled handles types that write themselves as JSON or text (json.Number, time.Time, big.Int …).
func appendMarshaled(dst []byte, v reflect.Value, path string) ([]byte, bool, error) {
	if v.Kind() == reflect.Pointer && v.IsNil() || !v.CanInterface() {
		return dst, false, nil
	}
	switch v.Interface().(type) {
	case json.Number, json.Marshaler, encoding.TextMarshaler:
	default:
		return dst, false, nil
	}
	text, err := json.Marshal(v.Interface())
	if err != nil {
		return nil, true, fmt.Errorf("field %s: %w", fieldName(path), err)
	}
	if _, ok := v.Interface().(json.Number); ok {
		return append(dst, text...), true, nil
	}
	var plain any
	dec := json.NewDecoder(strings.NewReader(string(text)))
	dec.UseNumber()
	if err := dec.Decode(&plain); err != nil {
		return nil, true, fmt.Errorf("field %s: %w", fieldName(path), err)
	}
	dst, err = appendCanonical(dst, reflect.ValueOf(plain), path)
	return dst, true, err
}

func appendFloat(dst []byte, v reflect.Value, path string) ([]byte, error) {
	x := v.Float()
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil, fmt.Errorf("field %s: %v cannot be part of a key, want a finite number", fieldName(path), x)
	}
	if x == 0 {
		return append(dst, '0'), nil // also for −0
	}
	text, err := json.Marshal(v.Interface()) // the shortest text from which this float32 or float64 can be read back
	return append(dst, text...), err
}

func appendString(dst []byte, s, path string) ([]byte, error) {
	if !utf8.ValidString(s) {
		return nil, fmt.Errorf("field %s: the string %q is not UTF-8", fieldName(path), s)
	}
	text, err := json.Marshal(s)
	return append(dst, text...), err
}

func appendList(dst []byte, v reflect.Value, path string) (_ []byte, err error) {
	dst = append(dst, '[')
	for i := range v.Len() {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, err = appendCanonical(dst, v.Index(i), path+"["+strconv.Itoa(i)+"]"); err != nil {
			return nil, err
		}
	}
	return append(dst, ']'), nil
}

func appendMap(dst []byte, v reflect.Value, path string) ([]byte, error) {
	if v.Type().Key().Kind() != reflect.String {
		return nil, fmt.Errorf("field %s: a %s cannot be part of a key, want string keys", fieldName(path), v.Type())
	}
	members := map[string]reflect.Value{}
	for iter := v.MapRange(); iter.Next(); {
		members[iter.Key().String()] = iter.Value()
	}
	return appendMembers(dst, members, path)
}

// appendStruct writes the fields under their names, or under those of their json tags. The tag `json:"-"` leaves a
// field out.
func appendStruct(dst []byte, v reflect.Value, path string) ([]byte, error) {
	members := map[string]reflect.Value{}
	for i := range v.NumField() {
		field := v.Type().Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case field.Tag.Get("json") == "-":
			continue
		case !field.IsExported():
			return nil, fmt.Errorf("field %s: %s has the unexported field %s, which a key cannot see",
				fieldName(path), v.Type(), field.Name)
		case name == "":
			name = field.Name
		}
		members[name] = v.Field(i)
	}
	return appendMembers(dst, members, path)
}

func appendMembers(dst []byte, members map[string]reflect.Value, path string) (_ []byte, err error) {
	dst = append(dst, '{')
	for i, name := range sortedKeys(members) {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, err = appendString(dst, name, path); err != nil {
			return nil, err
		}
		dst = append(dst, ':')
		if dst, err = appendCanonical(dst, members[name], path+"."+name); err != nil {
			return nil, err
		}
	}
	return append(dst, '}'), nil
}
