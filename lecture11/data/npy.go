package data

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strings"
)

// NPYOptions selects the arrays of NumPy files. Zero fields take the default in their comment.
type NPYOptions struct {
	Array string // name of the array of objects in a .npz file; default: its only array that is not Labels

	// Labels names the labels: an array in a .npz file, or the path of another .npy file. Default "": no labels. Whole
	// numbers from 0 on are used as they are; texts become labels in sorted order.
	Labels string
}

// FromNPY reads the objects of a NumPy array: a .npy file of format 1, 2 or 3, or an array of a .npz file. The array
// holds floats (f2, f4, f8), whole numbers (i1 to i8, u1 to u8) or booleans, in either byte order and in C or Fortran
// order. The first axis counts the objects, and the others are flattened in C order into features: objects of shape
// [l] have one feature, those of shape [l, 28, 28] have 784. [Points.Source] reports the type and shape in the file.
// NaN marks a missing value.
//
// FromNPY returns an error for files that are shorter or longer than their header implies, infinite numbers, arrays of
// other types, and whole numbers from ±2⁵³ on, which a float64 may not represent exactly.
func FromNPY(path string, o NPYOptions) (*Points, error) {
	raw, err := readFile(path)
	if err != nil {
		return nil, err
	}
	name := filepath.Base(path)
	var x, y *npyArray
	if bytes.HasPrefix(raw, []byte("PK")) {
		x, y, err = readNPZ(name, raw, o)
	} else {
		x, y, err = readNPYs(name, raw, o)
	}
	if err != nil {
		return nil, err
	}
	p, err := x.points()
	if err != nil {
		return nil, err
	}
	if y != nil {
		if p.Labels, p.Classes, err = y.labels(p.Len()); err != nil {
			return nil, err
		}
		p.Source += ", labels from " + y.name
	}
	p.identify(x.name)
	return p, nil
}

// readNPYs reads a .npy file and the file of the labels.
func readNPYs(name string, raw []byte, o NPYOptions) (x, y *npyArray, err error) {
	if o.Array != "" {
		return nil, nil, fmt.Errorf("data: NPYOptions.Array = %q for %s, want \"\": only .npz files have several arrays", o.Array, name)
	}
	if x, err = parseNPY(name, raw); err != nil || o.Labels == "" {
		return x, nil, err
	}
	if raw, err = readFile(o.Labels); err != nil {
		return nil, nil, err
	}
	y, err = parseNPY(filepath.Base(o.Labels), raw)
	return x, y, err
}

// readNPZ reads two arrays of a .npz file.
func readNPZ(name string, raw []byte, o NPYOptions) (x, y *npyArray, err error) {
	archive, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return nil, nil, fmt.Errorf("data: %s: %w", name, err)
	}
	if o.Array == "" {
		var others []string
		for _, array := range arrayNames(archive) {
			if array != o.Labels {
				others = append(others, array)
			}
		}
		if len(others) != 1 {
			return nil, nil, fmt.Errorf("data: %s has the arrays %q, want the name of the objects in NPYOptions.Array", name, arrayNames(archive))
		}
		o.Array = others[0]
	}
	if x, err = arrayOf(name, archive, "Array", o.Array); err != nil || o.Labels == "" {
		return x, nil, err
	}
	y, err = arrayOf(name, archive, "Labels", o.Labels)
	return x, y, err
}

// arrayNames returns the names of the arrays of a .npz file.
func arrayNames(archive *zip.Reader) []string {
	var names []string
	for _, file := range archive.File {
		if array, ok := strings.CutSuffix(file.Name, ".npy"); ok {
			names = append(names, array)
		}
	}
	return names
}

// arrayOf reads an array of a .npz file. field is the option that names it, for errors.
func arrayOf(name string, archive *zip.Reader, field, array string) (_ *npyArray, err error) {
	for _, file := range archive.File {
		if file.Name != array+".npy" {
			continue
		}
		name := name + ":" + array
		content, err := file.Open()
		if err != nil {
			return nil, fmt.Errorf("data: %s: %w", name, err)
		}
		raw, err := io.ReadAll(content)
		if err = errors.Join(err, content.Close()); err != nil {
			return nil, fmt.Errorf("data: %s: %w", name, err)
		}
		return parseNPY(name, raw)
	}
	return nil, fmt.Errorf("data: NPYOptions.%s = %q, want one of the arrays %q of %s", field, array, arrayNames(archive), name)
}

// points returns the array as objects, one for each index of its first axis.
func (a *npyArray) points() (*Points, error) {
	if a.texts != nil {
		return nil, fmt.Errorf("data: %s has texts, want numbers", a.name)
	}
	if len(a.shape) == 0 || len(a.values) == 0 {
		return nil, fmt.Errorf("data: %s has the shape %s, want [l, …] with at least one object of at least one feature", a.name, dims(a.shape))
	}
	l := a.shape[0]
	n := len(a.values) / l
	for i, v := range a.values {
		if math.IsInf(v, 0) {
			return nil, fmt.Errorf("data: %s: feature %d of object %d is %g, want a finite number, or NaN for a missing one", a.name, i%n, i/n, v)
		}
	}
	source := fmt.Sprintf("NumPy array of %s with shape %s", a.dtype, dims(a.shape))
	if a.fortran {
		source += " in Fortran order"
	}
	return &Points{Features: featureNames(n), Values: a.values, Source: source}, nil
}

// labels returns the array as labels of l objects.
func (a *npyArray) labels(l int) ([]int, []string, error) {
	if number := max(len(a.values), len(a.texts)); number != l || len(a.shape) == 0 || a.shape[0] != l {
		return nil, nil, fmt.Errorf("data: %s: labels of shape %s, want [%d], one for each object", a.name, dims(a.shape), l)
	}
	place := func(i int) string { return fmt.Sprintf("%s: object %d", a.name, i) }
	if a.texts != nil {
		return textLabels(a.name, a.texts, nil, place)
	}
	return numberLabels(a.values, place)
}
