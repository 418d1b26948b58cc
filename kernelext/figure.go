package kernelext

import (
	"fmt"
	"image/color"
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Series is one line, one group of bars or one sample. X may be nil: then 0, 1, 2, … stand for it.
type Series struct {
	Name string
	X, Y []float64
	Err  []float64 // half the length of the error bars, of [Bars] and [Lines]; may be nil
}

func (s Series) x(i int) float64 {
	if s.X == nil {
		return float64(i)
	}
	return s.X[i]
}

// checkSeries refuses series whose lengths differ.
func checkSeries(kind string, series []Series) error {
	if len(series) == 0 {
		return fmt.Errorf("kernelext: %s without a series, want at least one", kind)
	}
	for i, s := range series {
		switch {
		case len(s.Y) == 0:
			return fmt.Errorf("kernelext: %s: series %d %q has no values", kind, i, s.Name)
		case s.X != nil && len(s.X) != len(s.Y):
			return fmt.Errorf("kernelext: %s: series %d %q has %d X and %d Y, want as many",
				kind, i, s.Name, len(s.X), len(s.Y))
		case s.Err != nil && len(s.Err) != len(s.Y):
			return fmt.Errorf("kernelext: %s: series %d %q has %d Err and %d Y, want as many",
				kind, i, s.Name, len(s.Err), len(s.Y))
		}
	}
	return nil
}

// Lines draws a line for each series, with points and error bars ± Err where Err is given; on a logarithmic axis one that
// reaches 0 ends at the foot of the figure. A value that is not finite leaves a gap.
func Lines(a Axes, series ...Series) (*plot.Plot, error) {
	p, err := newPlot("Lines", a)
	if err != nil {
		return nil, err
	}
	if err := checkSeries("Lines", series); err != nil {
		return nil, err
	}
	var key legend
	var facts []string
	for i, s := range series {
		style := draw.LineStyle{Color: Palette(i), Width: px(2)}
		for _, points := range finiteRuns(s) {
			addLine(p, points, style)
		}
		if s.Err != nil {
			p.Add(&whiskers{s, style.Color, a.LogY, px(2 * (float64(i) - float64(len(series)-1)/2))})
		}
		key.add(s.Name, lineSwatch(style))
		facts = append(facts, fmt.Sprintf("%s %s last %s", s.Name, sparkline(s.Y), number(s.Y[len(s.Y)-1])))
	}
	return finish("Lines", p, a, key, facts)
}

func addLine(p *plot.Plot, points plotter.XYs, style draw.LineStyle) {
	if len(points) == 1 { // a line of one point is invisible
		at := points[0]
		p.Add(&dots{x: []float64{at.X}, y: []float64{at.Y}, radius: px(3), color: style.Color})
		return
	}
	p.Add(&plotter.Line{XYs: points, LineStyle: style})
}

// whiskers are the points of a series with their error bars.
type whiskers struct {
	Series
	color color.Color
	log   bool      // the axis is logarithmic
	aside vg.Length // of the point, so that bars of several series can be told apart
}

// each calls f with each point whose value and error bar are finite.
func (w *whiskers) each(f func(x, low, y, high float64)) {
	for i, y := range w.Y {
		if x, err := w.x(i), w.Err[i]; finite(x) && finite(y) && finite(err) {
			f(x, y-err, y, y+err)
		}
	}
}

// DataRange implements plot.DataRanger.
func (w *whiskers) DataRange() (xmin, xmax, ymin, ymax float64) {
	xmin, xmax, ymin, ymax = math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	w.each(func(x, low, y, high float64) {
		if w.log && low <= 0 {
			low = y
		}
		xmin, xmax, ymin, ymax = min(xmin, x), max(xmax, x), min(ymin, low), max(ymax, high)
	})
	return xmin, xmax, ymin, ymax
}

// Plot implements plot.Plotter.
func (w *whiskers) Plot(c draw.Canvas, p *plot.Plot) {
	toX, toY := p.Transforms(&c)
	w.each(func(x, low, y, high float64) {
		errorBar(c, w.color, toX(x)+w.aside, toY(max(low, p.Y.Min)), toY(high))
		c.DrawGlyph(draw.GlyphStyle{Color: w.color, Radius: px(3), Shape: draw.CircleGlyph{}}, vg.Point{X: toX(x), Y: toY(y)})
	})
}

// finiteRuns cuts a series where a value is not finite.
func finiteRuns(s Series) []plotter.XYs {
	var runs []plotter.XYs
	var run plotter.XYs
	for i, y := range s.Y {
		x := s.x(i)
		if finite(x) && finite(y) {
			run = append(run, plotter.XY{X: x, Y: y})
			continue
		}
		if len(run) > 0 {
			runs = append(runs, run)
		}
		run = nil
	}
	if len(run) > 0 {
		runs = append(runs, run)
	}
	return runs
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

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

// legend stands right of the data, where it can hide none of it.
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

// GlyphBoxes implements plot.GlyphBoxer and reserves the room.
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

// facets is an invisible part of a figure that tells the words and the proportions of it to [Plot]; a *plot.Plot
// does not give its data away.
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

// plotText describes a figure without a picture.
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
