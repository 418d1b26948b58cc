package kernelext

import (
	"fmt"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Area is the rectangle of the plane that a [Landscape] shows, and the range of values of its colours; with Low = High
// the range is that of the function.
type Area struct {
	Left, Right, Bottom, Top float64
	Low, High                float64
}

// Landscape draws a function of the plane as colours, with groups of points on it. values[row][column] are the values at the
// middles of equal tiles of the area, row 0 at the top. The legend has the Name of each group and the colours of five
// values of the function, which is named valueName. Points outside the area are counted in the text and not drawn. A nil
// map means light greys.
func Landscape(a Axes, area Area, valueName string, values [][]float64, colors ColorMap, groups ...Series) (*plot.Plot, error) {
	p, err := newPlot("Landscape", a)
	if err != nil {
		return nil, err
	}
	if err := area.check(a, values); err != nil {
		return nil, err
	}
	if colors == nil {
		colors = lightGrey
	}
	l := &landscape{area: area, heat: heat{values: values, colors: colors, lo: area.Low, hi: area.High}}
	if area.Low == area.High {
		s := summarize(slices.Concat(values...))
		l.heat.lo, l.heat.hi = s.min, s.max
	}
	p.Add(l)
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = area.Left, area.Right, area.Bottom, area.Top
	var key legend
	var words []string
	for i, group := range groups {
		if len(group.X) != len(group.Y) || len(group.X) == 0 {
			return nil, fmt.Errorf("kernelext: Landscape: group %d (%s) has %d x and %d y, want as many, at least one", i, group.Name,
				len(group.X), len(group.Y))
		}
		inside := area.inside(group, i)
		p.Add(inside)
		key.add(group.Name, dotSwatch(i))
		words = append(words, fmt.Sprintf("%s: %d points, %d in sight", group.Name, len(group.X), len(inside.x)))
	}
	for step := 4; step >= 0; step-- {
		v := l.heat.lo + (l.heat.hi-l.heat.lo)*float64(step)/4
		key.add(fmt.Sprintf("%s = %s", valueName, number(v)), boxSwatch(colors(float64(step)/4)))
	}
	p.Add(key, facets{
		text:   append([]string{fmt.Sprintf("%s from %s to %s", valueName, number(l.heat.lo), number(l.heat.hi))}, words...),
		aspect: (area.Top - area.Bottom) / (area.Right - area.Left),
	})
	return p, nil
}

// check returns an error unless the area and the values on it can be drawn.
func (r Area) check(a Axes, values [][]float64) error {
	if a.LogX || a.LogY {
		return fmt.Errorf("kernelext: Landscape on a logarithmic axis, want both linear")
	}
	if !(r.Left < r.Right) || !(r.Bottom < r.Top) || math.IsInf(r.Right-r.Left, 0) || math.IsInf(r.Top-r.Bottom, 0) || !(r.Low <= r.High) {
		return fmt.Errorf("kernelext: Landscape: %+v, want finite numbers with Left < Right, Bottom < Top, Low ≤ High", r)
	}
	if err := checkMatrix("Landscape", values); err != nil {
		return err
	}
	for i, row := range values {
		for j, v := range row {
			if !finite(v) {
				return fmt.Errorf("kernelext: Landscape: value %g in row %d, column %d, want finite numbers", v, i, j)
			}
		}
	}
	return nil
}

// inside returns the points of a group that lie in the area, in the colour and shape of the group.
func (r Area) inside(group Series, class int) *dots {
	d := &dots{radius: dotRadius(len(group.X)) * 0.8}
	for i, x := range group.X {
		if y := group.Y[i]; x >= r.Left && x <= r.Right && y >= r.Bottom && y <= r.Top {
			d.x, d.y, d.class = append(d.x, x), append(d.y, y), append(d.class, class)
		}
	}
	return d
}

// lightGrey is a [ColorMap] from middle grey to white, on which points of any colour are visible.
func lightGrey(t float64) color.NRGBA {
	v := uint8(150 + 105*min(1, max(0, t)))
	return color.NRGBA{R: v, G: v, B: v, A: 0xff}
}

// landscape draws the values over an area.
type landscape struct {
	area Area
	heat heat
}

// Plot implements plot.Plotter.
func (l *landscape) Plot(c draw.Canvas, p *plot.Plot) {
	toX, toY := p.Transforms(&c)
	l.heat.plotTiles(c, vg.Point{X: toX(l.area.Left), Y: toY(l.area.Bottom)}, vg.Point{X: toX(l.area.Right), Y: toY(l.area.Top)})
}
