package kernelext

import (
	"fmt"
	"image/color"
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Bars draws a group of bars for each label. Group i has a bar of height Y[i] for each series, with the error bar ± Err[i]
// where Err is given. X is not used.
func Bars(a Axes, labels []string, series ...Series) (*plot.Plot, error) {
	p, err := newPlot("Bars", a)
	if err != nil {
		return nil, err
	}
	if err := checkSeries("Bars", series); err != nil {
		return nil, err
	}
	if a.LogY {
		return nil, fmt.Errorf("kernelext: Bars on a logarithmic axis have no foot, want LogY false")
	}
	b := &boxes{}
	var key legend
	var facts []string
	for i, s := range series {
		if len(s.Y) != len(labels) {
			return nil, fmt.Errorf("kernelext: Bars: series %d %q has %d values, want %d as labels",
				i, s.Name, len(s.Y), len(labels))
		}
		b.addSeries(i, len(series), s)
		key.add(s.Name, boxSwatch(Palette(i)))
		facts = append(facts, barsText(labels, s))
	}
	p.Add(b)
	nominal(p, labels)
	p.X.Min, p.X.Max = -0.6, float64(len(labels))-0.4
	plotted, err := finish("Bars", p, a, key, facts)
	if err == nil {
		b.restOnZero(p)
	}
	return plotted, err
}

// nominal labels the horizontal axis with words. gonum's NominalX hides that axis and moves the other one; both are undone.
func nominal(p *plot.Plot, labels []string) {
	p.NominalX(labels...)
	p.Y.Padding, p.X.LineStyle.Width = 0, px(1)
	p.X.Tick.Length, p.X.Tick.LineStyle.Width, p.X.Tick.LineStyle.Color = px(5), px(1), color.Transparent
}

func barsText(labels []string, s Series) string {
	words := make([]string, len(labels))
	for i, label := range labels {
		words[i] = oneLine(label) + " " + number(s.Y[i])
		if s.Err != nil {
			words[i] += " ± " + number(s.Err[i])
		}
	}
	return strings.TrimPrefix(s.Name+": ", ": ") + strings.Join(words, ", ")
}

// boxes draws upright rectangles that start at zero.
type boxes struct{ all []box }

type box struct {
	left, right, top float64
	err              float64 // half the error bar; 0: none
	fill             color.NRGBA
}

func (b *boxes) addSeries(i, n int, s Series) {
	const group = 0.8 // of the distance between two labels
	width := group / float64(n)
	for j, y := range s.Y {
		left := float64(j) - group/2 + float64(i)*width
		box := box{left: left, right: left + width*0.94, top: y, fill: Palette(i)}
		if s.Err != nil {
			box.err = s.Err[j]
		}
		b.all = append(b.all, box)
	}
}

// restOnZero removes the margin below the boxes if none is negative.
func (b *boxes) restOnZero(p *plot.Plot) {
	if _, _, low, _ := b.DataRange(); low == 0 {
		p.Y.Min = 0
	}
}

// DataRange implements plot.DataRanger.
func (b *boxes) DataRange() (xmin, xmax, ymin, ymax float64) {
	xmin, xmax = math.Inf(1), math.Inf(-1)
	for _, box := range b.all {
		xmin, xmax = min(xmin, box.left), max(xmax, box.right)
		if finite(box.top) && finite(box.err) {
			ymin, ymax = min(ymin, box.top-box.err), max(ymax, box.top+box.err)
		}
	}
	return xmin, xmax, ymin, ymax
}

// Plot implements plot.Plotter.
func (b *boxes) Plot(c draw.Canvas, p *plot.Plot) {
	toX, toY := p.Transforms(&c)
	for _, box := range b.all {
		if !finite(box.top) {
			continue
		}
		x0, x1, y0, y1 := toX(box.left), toX(box.right), toY(0), toY(box.top)
		c.FillPolygon(box.fill, []vg.Point{{X: x0, Y: y0}, {X: x1, Y: y0}, {X: x1, Y: y1}, {X: x0, Y: y1}})
		if box.err > 0 && finite(box.err) {
			errorBar(c, inkColor, (x0+x1)/2, toY(box.top-box.err), toY(box.top+box.err))
		}
	}
}
