package kernelext

import (
	"fmt"
	"strings"

	"gonum.org/v1/plot"
)

// Scatter draws the points (x[i], y[i]). class[i] is the class of point i, from 0, which determines its
// colour and shape; nil means one class. names are the names of the classes for the legend and may be left out.
func Scatter(a Axes, x, y []float64, class []int, names ...string) (*plot.Plot, error) {
	p, err := newPlot("Scatter", a)
	if err != nil {
		return nil, err
	}
	if len(x) != len(y) || len(x) == 0 || class != nil && len(class) != len(x) {
		return nil, fmt.Errorf("kernelext: Scatter: %d x, %d y, %d classes, want as many of each, at least one",
			len(x), len(y), len(class))
	}
	dots := &dots{x: x, y: y, class: class, radius: dotRadius(len(x))}
	counts, err := classCounts(class, len(x))
	if err != nil {
		return nil, err
	}
	if len(names) > len(counts) && class != nil {
		counts = append(counts, make([]int, len(names)-len(counts))...)
	}
	var key legend
	var words []string
	for c, n := range counts {
		if n == 0 && c >= len(names) {
			continue
		}
		name := fmt.Sprint(c)
		if c < len(names) {
			name = names[c]
		}
		words = append(words, fmt.Sprintf("%s: %d", name, n))
		if class != nil || len(names) > 0 {
			key.add(name, dotSwatch(c))
		}
	}
	p.Add(dots)
	return finish("Scatter", p, a, key, []string{fmt.Sprintf("%d points; %s", len(x), strings.Join(words, ", "))})
}

func classCounts(class []int, n int) ([]int, error) {
	if class == nil {
		return []int{n}, nil
	}
	var counts []int
	for i, c := range class {
		if c < 0 || c > 1000 {
			return nil, fmt.Errorf("kernelext: Scatter: class[%d] = %d, want 0, 1, 2, … up to 1000", i, c)
		}
		for c >= len(counts) {
			counts = append(counts, 0)
		}
		counts[c]++
	}
	return counts, nil
}
