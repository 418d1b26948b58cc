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

// Hist draws a histogram for each series: the number of its Y values in each of bins intervals of equal width. Values that
// are not finite are left out. With bins ≤ 0 the number of intervals is chosen by the number of values.
func Hist(a Axes, bins int, series ...Series) (*plot.Plot, error) {
	p, err := newPlot("Hist", a)
	if err != nil {
		return nil, err
	}
	if err := checkSeries("Hist", series); err != nil {
		return nil, err
	}
	if a.LogX || a.LogY {
		return nil, fmt.Errorf("kernelext: Hist with a logarithmic axis, want LogX and LogY false")
	}
	var all []float64
	for _, s := range series {
		all = append(all, s.Y...)
	}
	if bins <= 0 {
		bins = int(min(60, max(8, 2*math.Cbrt(float64(len(all)))))) // Rice's rule
	}
	lo, hi := histRange(all)
	h := &histogram{lo: lo, hi: hi}
	var key legend
	var facts []string
	for i, s := range series {
		counts := binCounts(s.Y, lo, hi, bins)
		h.counts = append(h.counts, counts)
		key.add(s.Name, boxSwatch(h.fill(i, len(series))))
		facts = append(facts, strings.TrimSpace(
			fmt.Sprintf("%s %s %d values, %s", s.Name, sparkline(counts), len(s.Y), summarize(s.Y))))
	}
	p.Add(h)
	plotted, err := finish("Hist", p, a, key, facts)
	p.Y.Min = 0 // counts start at the axis
	return plotted, err
}

func histRange(values []float64) (lo, hi float64) {
	s := summarize(values)
	if s.min == s.max {
		return s.min - 0.5, s.max + 0.5
	}
	return s.min, s.max
}

func binCounts(values []float64, lo, hi float64, bins int) []float64 {
	counts := make([]float64, bins)
	for _, v := range values {
		if finite(v) {
			counts[min(bins-1, int(unit(v, lo, hi)*float64(bins)))]++
		}
	}
	return counts
}

// histogram draws counts over equally wide intervals, each series as one area with its outline.
type histogram struct {
	lo, hi float64
	counts [][]float64 // by series
}

// fill returns the colour of a series' area, which is transparent if there are several.
func (h *histogram) fill(i, n int) color.Color {
	if n > 1 {
		return faint(Palette(i))
	}
	return Palette(i)
}

// DataRange implements plot.DataRanger.
func (h *histogram) DataRange() (xmin, xmax, ymin, ymax float64) {
	for _, counts := range h.counts {
		ymax = max(ymax, summarize(counts).max)
	}
	return h.lo, h.hi, 0, ymax
}

// Plot implements plot.Plotter.
func (h *histogram) Plot(c draw.Canvas, p *plot.Plot) {
	toX, toY := p.Transforms(&c)
	for i, counts := range h.counts {
		width := (h.hi - h.lo) / float64(len(counts))
		outline := []vg.Point{{X: toX(h.lo), Y: toY(0)}}
		for j, n := range counts {
			left := h.lo + float64(j)*width
			outline = append(outline, vg.Point{X: toX(left), Y: toY(n)}, vg.Point{X: toX(left + width), Y: toY(n)})
		}
		outline = append(outline, vg.Point{X: toX(h.hi), Y: toY(0)})
		c.FillPolygon(h.fill(i, len(h.counts)), outline)
		c.StrokeLines(draw.LineStyle{Color: Palette(i), Width: px(1.5)}, outline)
	}
}
