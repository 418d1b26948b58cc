package kernelext

import (
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

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
