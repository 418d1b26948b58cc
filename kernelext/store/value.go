package store

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
)

// ErrType is in the chain of an error about a value whose type is not the one asked for, or has changed since Put.
var ErrType = errors.New("type differs")

const valuePayload = "value"

// Put stores v under name and replaces the value that was there. It accepts numbers, strings, structs, slices and maps
// of them, images, any type that has MarshalBinary, and the types of the store's codecs. It returns an error for a
// value that could not be restored completely: one with unexported fields, functions, channels or interfaces inside. An
// empty slice or map inside a struct is read back as nil.
func Put[T any](s *Store, name string, v T) error {
	t := reflect.TypeFor[T]()
	if t.Kind() == reflect.Interface {
		t = reflect.TypeOf(v)
	}
	if t == nil {
		return fmt.Errorf("store: value %q is nil, want something to keep", name)
	}
	codec := s.codecFor(t)
	schema, err := schemaFor(codec, t)
	if err != nil {
		return fmt.Errorf("store: value %q: %w", name, err)
	}
	meta := Meta{
		Kind: KindValue, Type: t.String(), Codec: codec.Name(), Schema: schema, Complete: true,
	}
	return s.Save(Key{Name: name, value: true}, meta, Payload{valuePayload, func(w io.Writer) error {
		return codec.Encode(w, v)
	}})
}

// Get returns the value that Put stored under name. T is the type given to Put; an image can also be read as an
// image.Image. The error is ErrNotFound, with the names that exist; ErrType, with both types; or a *DamagedError, with
// the file set aside.
func Get[T any](s *Store, name string) (T, error) {
	v, err := s.get(name, reflect.TypeFor[T]())
	if err != nil {
		var zero T
		return zero, err
	}
	return v.(T), nil
}

func (s *Store) get(name string, want reflect.Type) (any, error) {
	entry, err := s.Load(Key{Name: name, value: true})
	if errors.Is(err, ErrNotFound) {
		return nil, s.unknownValue(name)
	}
	if err != nil {
		return nil, err
	}
	defer entry.Close()
	codec, err := s.codecOf(name, entry.header.Meta, want)
	if err != nil {
		return nil, err
	}
	r, err := entry.Payload(valuePayload)
	if err != nil {
		return nil, err
	}
	v, err := codec.Decode(r, want)
	if err != nil {
		return nil, fmt.Errorf("store: value %q of type %s: %w", name, want, err)
	}
	if !reflect.TypeOf(v).AssignableTo(want) {
		return nil, fmt.Errorf("store: value %q: %w: it holds %T, asked for %s", name, ErrType, v, want)
	}
	return v, nil
}

// codecOf finds the codec of a stored value, after comparing its type with the one that is asked for.
func (s *Store) codecOf(name string, have Meta, want reflect.Type) (Codec, error) {
	codec := s.codecFor(want)
	if want == imageType && codec.Name() == have.Codec {
		return codec, nil // the decoded value shows whether its type fits
	}
	if have.Type != want.String() || codec.Name() != have.Codec {
		return nil, fmt.Errorf("store: value %q: %w: it holds %s, asked for %s", name, ErrType, have.Type, want)
	}
	schema, err := schemaFor(codec, want)
	if err != nil {
		return nil, fmt.Errorf("store: value %q: %w", name, err)
	}
	if schema != have.Schema {
		return nil, fmt.Errorf("store: value %q: %w: %s has changed since it was put (%s); put it again",
			name, ErrType, want, schemaChange(have.Schema, schema))
	}
	return codec, nil
}

func (s *Store) codecFor(t reflect.Type) Codec {
	for _, codec := range s.codecs {
		if codec.Handles(t) {
			return codec
		}
	}
	return gobCodec{}
}

func (s *Store) unknownValue(name string) error {
	infos, err := s.List()
	if err != nil {
		return err
	}
	var there []string
	for _, info := range infos {
		if info.Kind == KindValue && info.Damage == "" {
			there = append(there, fmt.Sprintf("%q (%s)", info.Key.Name, info.Type))
		}
	}
	return fmt.Errorf("store: value %q in %s: %w; there are: %s", name, s.dir, ErrNotFound, orNone(there))
}

// schemaFor describes t with all its fields if the codec writes fields, else only by name.
func schemaFor(codec Codec, t reflect.Type) (string, error) {
	if codec.Name() == (gobCodec{}).Name() {
		return schemaOf(t)
	}
	return typeName(t), nil
}

// schemaChange lists the lines that differ between two schemas.
func schemaChange(old, now string) string {
	var diff []string
	diff = append(diff, missingLines("was ", old, now)...)
	diff = append(diff, missingLines("is now ", now, old)...)
	return strings.Join(diff, ", ")
}

func missingLines(prefix, a, b string) []string {
	there := map[string]bool{}
	for _, line := range strings.Split(b, "\n") {
		there[line] = true
	}
	var missing []string
	for _, line := range strings.Split(a, "\n") {
		if !there[line] {
			missing = append(missing, prefix+strings.TrimSpace(line))
		}
	}
	return missing
}
