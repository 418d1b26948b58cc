package data

import (
	"fmt"
	"math"
	"slices"
)

// FromRows returns a set of the objects in rows, l slices of n numbers, with a label for each: []string, []int,
// []uint8, or nil for a set without classes. Texts become labels in sorted order. Numbers are used as they are and
// must be 0, 1, … . NaN marks a missing value. The rows are copied.
//
// The error names the row and column of a value that is infinite, or the row whose length differs from the first.
func FromRows(rows [][]float64, labels any) (*Points, error) {
	if len(rows) == 0 || len(rows[0]) == 0 {
		return nil, fmt.Errorf("data: FromRows: no rows or no columns, want at least one object with one feature")
	}
	p := &Points{Features: featureNames(len(rows[0])), Values: make([]float64, 0, len(rows)*len(rows[0]))}
	for i, row := range rows {
		if len(row) != p.Dim() {
			return nil, fmt.Errorf("data: FromRows: row %d has %d numbers, want %d as in row 0", i, len(row), p.Dim())
		}
		for j, v := range row {
			if math.IsInf(v, 0) {
				return nil, fmt.Errorf("data: FromRows: row %d, column %d is %g, want a finite number, or NaN for a missing one", i, j, v)
			}
		}
		p.Values = append(p.Values, row...)
	}
	if err := p.setLabels(labels); err != nil {
		return nil, err
	}
	p.identify("rows")
	return p, nil
}

// setLabels labels the objects of FromRows.
func (p *Points) setLabels(labels any) (err error) {
	place := func(i int) string { return fmt.Sprintf("FromRows: row %d", i) }
	var numbers []float64
	switch labels := labels.(type) {
	case nil:
		return nil
	case []string:
		if err := p.checkCount(len(labels)); err != nil {
			return err
		}
		p.Labels, p.Classes, err = textLabels("FromRows", labels, nil, place)
		return err
	case []int:
		numbers = floats(labels)
	case []uint8:
		numbers = floats(labels)
	default:
		return fmt.Errorf("data: FromRows: labels of type %T, want []string, []int, []uint8 or nil", labels)
	}
	if err := p.checkCount(len(numbers)); err != nil {
		return err
	}
	p.Labels, p.Classes, err = numberLabels(numbers, place)
	return err
}

// checkCount returns an error unless there is a label for each object.
func (p *Points) checkCount(labels int) error {
	if labels != p.Len() {
		return fmt.Errorf("data: FromRows: %d labels for %d rows, want one for each row", labels, p.Len())
	}
	return nil
}

// floats returns whole numbers as floats.
func floats[T ~int | ~uint8](numbers []T) []float64 {
	values := make([]float64, len(numbers))
	for i, v := range numbers {
		values[i] = float64(v)
	}
	return values
}

// Missing returns the number of values that are missing, NaN.
func (p *Points) Missing() int {
	missing := 0
	for _, v := range p.Values {
		if math.IsNaN(v) {
			missing++
		}
	}
	return missing
}

// Complete returns the objects without missing values. Only Kohonen maps can be trained on objects with missing
// values.
func (p *Points) Complete() (*Points, error) {
	complete := *p
	complete.ID, complete.Values, complete.Labels = p.ID+"|complete", nil, nil
	for i, row := range p.Rows() {
		if slices.ContainsFunc(row, math.IsNaN) {
			continue
		}
		complete.Values = append(complete.Values, row...)
		if p.Labels != nil {
			complete.Labels = append(complete.Labels, p.Labels[i])
		}
	}
	if len(complete.Values) == 0 {
		return nil, fmt.Errorf("data: %s has no object without missing values", p.ID)
	}
	return &complete, nil
}

// Images returns the objects as images of the given size. The features must be the pixels row by row from the top,
// with the channels of a pixel together: 1 for grey, 3 for red, green and blue. The values must be whole numbers from
// 0 to 255.
func (p *Points) Images(width, height, channels int) (*Images, error) {
	s := &Images{ID: fmt.Sprintf("%s|images %d×%d×%d", p.ID, width, height, channels), Width: width, Height: height, Channels: channels,
		Labels: p.Labels, Classes: p.Classes, Source: p.Source, Pixels: make([]uint8, len(p.Values))}
	if width < 1 || height < 1 || channels != 1 && channels != 3 || s.Dim() != p.Dim() {
		return nil, fmt.Errorf("data: Images(%d, %d, %d) of %s with %d features, want width, height and channels (1 or 3) with this product",
			width, height, channels, p.ID, p.Dim())
	}
	for i, v := range p.Values {
		if !(v >= 0 && v <= 255) || v != math.Trunc(v) {
			return nil, fmt.Errorf("data: Images of %s: feature %d of object %d is %g, want whole numbers from 0 to 255", p.ID, i%p.Dim(), i/p.Dim(), v)
		}
		s.Pixels[i] = uint8(v)
	}
	return s, nil
}
