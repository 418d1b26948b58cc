package store

import (
	"encoding"
	"encoding/gob"
	"fmt"
	"reflect"
	"strings"
)

// schemaOf describes a type with all the types in it, one line for the type and one for each field:
//
//	[]main.Point
//	main.Point struct
//		X float64
//
// It returns an error for what gob would lose silently.
func schemaOf(t reflect.Type) (string, error) {
	w := &schemaWriter{seen: map[reflect.Type]bool{}}
	if err := w.visit(t, t.String()); err != nil {
		return "", err
	}
	return strings.Join(append([]string{typeName(t)}, w.lines...), "\n"), nil
}

type schemaWriter struct {
	seen  map[reflect.Type]bool
	lines []string
}

// visit walks the types inside t. path names the place, for errors.
func (w *schemaWriter) visit(t reflect.Type, path string) error {
	if w.seen[t] || writesItself(t) {
		return nil
	}
	w.seen[t] = true
	if t.Name() != "" && t.PkgPath() != "" && t.Kind() != reflect.Struct {
		w.lines = append(w.lines, typeName(t)+" "+t.Kind().String())
	}
	switch t.Kind() {
	case reflect.Func, reflect.Chan, reflect.UnsafePointer, reflect.Interface:
		return fmt.Errorf("%s is a %s, which cannot be kept", path, t.Kind())
	case reflect.Pointer:
		return w.visit(t.Elem(), path)
	case reflect.Slice, reflect.Array:
		return w.visit(t.Elem(), path+"[]")
	case reflect.Map:
		if err := w.visit(t.Key(), path+" key"); err != nil {
			return err
		}
		return w.visit(t.Elem(), path+"[]")
	case reflect.Struct:
		return w.visitStruct(t, path)
	}
	return nil
}

func (w *schemaWriter) visitStruct(t reflect.Type, path string) error {
	w.lines = append(w.lines, typeName(t)+" struct")
	for field := range t.Fields() {
		if !field.IsExported() {
			return fmt.Errorf("%s.%s is unexported and would be lost: export it, or give %s the methods "+
				"MarshalBinary and UnmarshalBinary", path, field.Name, t)
		}
		if field.Type.Kind() == reflect.Pointer && isPlain(field.Type.Elem().Kind()) {
			return fmt.Errorf("%s.%s is a %s, whose zero would come back as nil: make it a %s",
				path, field.Name, field.Type, field.Type.Elem())
		}
		w.lines = append(w.lines, "\t"+field.Name+" "+typeName(field.Type))
	}
	for field := range t.Fields() {
		if err := w.visit(field.Type, path+"."+field.Name); err != nil {
			return err
		}
	}
	return nil
}

func isPlain(k reflect.Kind) bool {
	return k >= reflect.Bool && k <= reflect.Complex128 || k == reflect.String || k == reflect.Slice || k == reflect.Map
}

var (
	binaryMarshaler   = reflect.TypeFor[encoding.BinaryMarshaler]()
	binaryUnmarshaler = reflect.TypeFor[encoding.BinaryUnmarshaler]()
	gobEncoder        = reflect.TypeFor[gob.GobEncoder]()
	gobDecoder        = reflect.TypeFor[gob.GobDecoder]()
)

// writesItself reports whether t has methods by which gob writes it.
func writesItself(t reflect.Type) bool {
	if t.Kind() == reflect.Interface {
		return false
	}
	p := reflect.PointerTo(t)
	return p.Implements(binaryMarshaler) && p.Implements(binaryUnmarshaler) ||
		p.Implements(gobEncoder) && p.Implements(gobDecoder)
}

// typeName returns the name of the type with the full paths of its packages.
func typeName(t reflect.Type) string {
	switch {
	case t.Name() != "" && t.PkgPath() != "":
		return t.PkgPath() + "." + t.Name()
	case t.Name() != "":
		return t.Name()
	}
	switch t.Kind() {
	case reflect.Pointer:
		return "*" + typeName(t.Elem())
	case reflect.Slice:
		return "[]" + typeName(t.Elem())
	case reflect.Array:
		return fmt.Sprintf("[%d]%s", t.Len(), typeName(t.Elem()))
	case reflect.Map:
		return "map[" + typeName(t.Key()) + "]" + typeName(t.Elem())
	}
	return t.String()
}
