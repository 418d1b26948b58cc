package kernelext

import (
	"fmt"
	"image/color"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Scatter draws the points (x[i], y[i]). class gives each point's class, from 0, which chooses its colour and its
// shape; nil means one class. names are the names of the classes for the legend and may be left out.
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

func dotRadius(n int) vg.Length {
	switch {
	case n > 5000:
		return px(1.5)
	case n > 1000:
		return px(2.2)
	default:
		return px(3.2)
	}
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

// dots draws points in their order, not class by class: the last class would cover the others.
type dots struct {
	x, y   []float64
	class  []int
	radius vg.Length
	color  color.Color // of all points; nil: by class
}

func (d *dots) glyph(class int) draw.GlyphStyle {
	shapes := []draw.GlyphDrawer{
		draw.CircleGlyph{}, draw.PyramidGlyph{}, draw.BoxGlyph{}, diamond{}, downward{},
	}
	style := draw.GlyphStyle{Color: Palette(class), Radius: d.radius, Shape: shapes[class%len(shapes)]}
	if d.color != nil {
		style.Color = d.color
	}
	return style
}

// Plot implements plot.Plotter.
func (d *dots) Plot(c draw.Canvas, p *plot.Plot) {
	toX, toY := p.Transforms(&c)
	for i := range d.x {
		if !finite(d.x[i]) || !finite(d.y[i]) {
			continue
		}
		class := 0
		if d.class != nil {
			class = d.class[i]
		}
		c.DrawGlyph(d.glyph(class), vg.Point{X: toX(d.x[i]), Y: toY(d.y[i])})
	}
}

// DataRange implements plot.DataRanger.
func (d *dots) DataRange() (xmin, xmax, ymin, ymax float64) {
	x, y := summarize(d.x), summarize(d.y)
	return x.min, x.max, y.min, y.max
}

func dotSwatch(class int) func(c *draw.Canvas) {
	return func(c *draw.Canvas) { c.DrawGlyph((&dots{radius: px(4.5)}).glyph(class), c.Center()) }
}

// diamond and downward are two filled shapes that package draw lacks.
type (
	diamond  struct{}
	downward struct{}
)

// DrawGlyph implements draw.GlyphDrawer.
func (diamond) DrawGlyph(c *draw.Canvas, style draw.GlyphStyle, at vg.Point) {
	r := style.Radius * 1.25
	c.FillPolygon(style.Color, []vg.Point{
		{X: at.X - r, Y: at.Y}, {X: at.X, Y: at.Y - r}, {X: at.X + r, Y: at.Y}, {X: at.X, Y: at.Y + r},
	})
}

// DrawGlyph implements draw.GlyphDrawer.
func (downward) DrawGlyph(c *draw.Canvas, style draw.GlyphStyle, at vg.Point) {
	r := style.Radius * 1.15
	c.FillPolygon(style.Color, []vg.Point{
		{X: at.X - r, Y: at.Y + r*0.6}, {X: at.X + r, Y: at.Y + r*0.6}, {X: at.X, Y: at.Y - r},
	})
}
