package kernelext

import (
	"fmt"
	"image/color"
	"math"

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

// checkSeries returns an error for series without values, or whose lengths differ.
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

// Lines draws a line for each series, with points and error bars ± Err where Err is given. On a logarithmic axis an error
// bar that reaches 0 ends at the bottom of the figure. A value that is not finite leaves a gap.
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
	aside vg.Length // of the point, so that bars of several series do not cover each other
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

// finiteRuns splits a series where a value is not finite.
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

func errorBar(c draw.Canvas, ink color.Color, x, low, high vg.Length) {
	style := draw.LineStyle{Color: ink, Width: px(1.5)}
	cap := px(5)
	c.StrokeLine2(style, x, low, x, high)
	c.StrokeLine2(style, x-cap, low, x+cap, low)
	c.StrokeLine2(style, x-cap, high, x+cap, high)
}
