package kernelext

import (
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Field draws a vector field: an arrow from (x[i], y[i]) to (x[i] + dx[i], y[i] + dy[i]) for each i, in the units of
// the axes. To get shorter arrows, scale dx and dy. objectsX and objectsY are objects that are drawn below them as grey
// points; nil for none. An arrow with a value that is not finite is left out.
func Field(a Axes, x, y, dx, dy, objectsX, objectsY []float64) (*plot.Plot, error) {
	p, err := newPlot("Field", a)
	if err != nil {
		return nil, err
	}
	switch {
	case a.LogX || a.LogY:
		return nil, fmt.Errorf("kernelext: Field on a logarithmic axis, want both linear")
	case len(x) == 0 || len(y) != len(x) || len(dx) != len(x) || len(dy) != len(x):
		return nil, fmt.Errorf("kernelext: Field: %d x, %d y, %d dx, %d dy, want as many of each, at least one",
			len(x), len(y), len(dx), len(dy))
	case len(objectsX) != len(objectsY):
		return nil, fmt.Errorf("kernelext: Field: objects of %d x and %d y, want as many", len(objectsX), len(objectsY))
	}
	if len(objectsX) > 0 {
		p.Add(&dots{x: objectsX, y: objectsY, radius: dotRadius(len(objectsX)) * 0.6, color: fieldGrey})
	}
	field := newArrows(x, y, dx, dy)
	p.Add(field)
	lengths := summarize(field.lengths)
	words := fmt.Sprintf("%d arrows, the longest %s", len(field.lengths), number(lengths.max))
	if left := len(x) - len(field.lengths); left > 0 {
		words += fmt.Sprintf("; %d not finite", left)
	}
	return finish("Field", p, a, legend{}, []string{words})
}

// fieldGrey is the colour of objects below arrows.
var fieldGrey = color.NRGBA{R: 0xb8, G: 0xb8, B: 0xb8, A: 0xff}

// arrows are straight lines with a head.
type arrows struct {
	fromX, fromY, toX, toY []float64
	lengths                []float64 // in the units of the axes
}

// newArrows leaves out arrows that are not finite.
func newArrows(x, y, dx, dy []float64) *arrows {
	a := &arrows{}
	for i := range x {
		endX, endY := x[i]+dx[i], y[i]+dy[i]
		if !finite(x[i]) || !finite(y[i]) || !finite(endX) || !finite(endY) {
			continue
		}
		a.fromX, a.fromY = append(a.fromX, x[i]), append(a.fromY, y[i])
		a.toX, a.toY = append(a.toX, endX), append(a.toY, endY)
		a.lengths = append(a.lengths, math.Hypot(dx[i], dy[i]))
	}
	return a
}

// The head of an arrow has a third of its length, but at most headLength CSS pixels, and is headWidth times as wide as long.
const (
	headLength = 8
	headWidth  = 0.8
)

// Plot implements plot.Plotter.
func (a *arrows) Plot(c draw.Canvas, p *plot.Plot) {
	toX, toY := p.Transforms(&c)
	line := draw.LineStyle{Color: Palette(0), Width: px(1.4)}
	for i := range a.fromX {
		from := vg.Point{X: toX(a.fromX[i]), Y: toY(a.fromY[i])}
		tip := vg.Point{X: toX(a.toX[i]), Y: toY(a.toY[i])}
		length := vg.Length(math.Hypot(float64(tip.X-from.X), float64(tip.Y-from.Y)))
		if length < px(1) { // no direction to be seen
			c.DrawGlyph(draw.GlyphStyle{Color: line.Color, Radius: px(1), Shape: draw.CircleGlyph{}}, from)
			continue
		}
		along := tip.Sub(from).Scale(1 / length)
		across := vg.Point{X: -along.Y, Y: along.X}
		head := min(length/3, px(headLength))
		neck := tip.Sub(along.Scale(head))
		half := across.Scale(head * headWidth / 2)
		c.StrokeLine2(line, from.X, from.Y, neck.X, neck.Y)
		c.FillPolygon(line.Color, []vg.Point{tip, neck.Add(half), neck.Sub(half)})
	}
}

// DataRange implements plot.DataRanger.
func (a *arrows) DataRange() (xmin, xmax, ymin, ymax float64) {
	from, to := summarize(a.fromX), summarize(a.toX)
	fromY, toY := summarize(a.fromY), summarize(a.toY)
	return min(from.min, to.min), max(from.max, to.max), min(fromY.min, toY.min), max(fromY.max, toY.max)
}
