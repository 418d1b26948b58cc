package kernelext

import (
	"fmt"
	"image/color"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// finish sets the margins and adds the legend and the hidden description.
func finish(kind string, p *plot.Plot, a Axes, l legend, facts []string) (*plot.Plot, error) {
	if err := widen(kind, p, a); err != nil {
		return nil, err
	}
	if len(l.names) > 0 {
		p.Add(l)
	}
	f := facets{text: facts}
	if a.Equal {
		f.aspect = (p.Y.Max - p.Y.Min) / (p.X.Max - p.X.Min)
	}
	p.Add(f)
	return p, nil
}

// legend is drawn right of the data, where it hides nothing.
type legend struct {
	names    []string
	swatches []func(c *draw.Canvas)
}

func (l *legend) add(name string, swatch func(c *draw.Canvas)) {
	if name != "" {
		l.names = append(l.names, name)
		l.swatches = append(l.swatches, swatch)
	}
}

const (
	legendGap    = 14 // CSS pixels between the data and the legend
	swatchWidth  = 22
	legendHeight = 20 // of a line
	textRise     = 2  // brings small letters to the middle of their line
)

// Plot implements plot.Plotter: c is the rectangle of the data.
func (l legend) Plot(c draw.Canvas, p *plot.Plot) {
	style := p.X.Tick.Label
	style.XAlign, style.YAlign = draw.XLeft, draw.YCenter
	left, y := c.Max.X+px(legendGap), c.Max.Y
	for i, name := range l.names {
		line := draw.Canvas{Canvas: c.Canvas, Rectangle: vg.Rectangle{
			Min: vg.Point{X: left, Y: y - px(legendHeight)},
			Max: vg.Point{X: left + px(swatchWidth), Y: y},
		}}
		l.swatches[i](&line)
		c.FillText(style, vg.Point{X: left + px(swatchWidth+6), Y: line.Center().Y + px(textRise)}, name)
		y -= px(legendHeight)
	}
}

// GlyphBoxes implements plot.GlyphBoxer and reserves the space.
func (l legend) GlyphBoxes(p *plot.Plot) []plot.GlyphBox {
	var widest vg.Length
	for _, name := range l.names {
		widest = max(widest, p.X.Tick.Label.Width(name))
	}
	return []plot.GlyphBox{{X: 1, Y: 0.5, Rectangle: vg.Rectangle{
		Max: vg.Point{X: px(legendGap+swatchWidth+6) + widest},
	}}}
}

func lineSwatch(style draw.LineStyle) func(c *draw.Canvas) {
	return func(c *draw.Canvas) {
		y := c.Center().Y
		c.StrokeLine2(style, c.Min.X, y, c.Max.X, y)
	}
}

func boxSwatch(fill color.Color) func(c *draw.Canvas) {
	return func(c *draw.Canvas) {
		const half = 6
		center := c.Center()
		c.FillPolygon(fill, []vg.Point{
			{X: center.X - px(half), Y: center.Y - px(half)}, {X: center.X + px(half), Y: center.Y - px(half)},
			{X: center.X + px(half), Y: center.Y + px(half)}, {X: center.X - px(half), Y: center.Y + px(half)},
		})
	}
}

// facets is an invisible part of a figure that hands its description and its proportions to [Plot], because a *plot.Plot
// does not expose its data.
type facets struct {
	text   []string
	aspect float64 // height of the data's rectangle over its width; 0: free
}

// Plot implements plot.Plotter.
func (f facets) Plot(c draw.Canvas, _ *plot.Plot) {
	inner := c.Canvas
	for { // draw.Crop puts a canvas into a canvas
		outer, nested := inner.(draw.Canvas)
		if !nested {
			break
		}
		inner = outer.Canvas
	}
	if reader, ok := inner.(*factReader); ok {
		reader.facets = append(reader.facets, f)
		reader.data = c.Rectangle
	}
}

// plotText returns the description of a figure.
func plotText(p *plot.Plot, parts []facets) string {
	head := "plot"
	if p.Title.Text != "" {
		head += ": " + oneLine(p.Title.Text)
	}
	lines := []string{head,
		fmt.Sprintf("x: %s %s … %s", p.X.Label.Text, number(p.X.Min), number(p.X.Max)),
		fmt.Sprintf("y: %s %s … %s", p.Y.Label.Text, number(p.Y.Min), number(p.Y.Max))}
	for _, part := range parts {
		lines = append(lines, part.text...)
	}
	return strings.Join(lines, "\n")
}
