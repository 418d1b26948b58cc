package kernelext

import (
	"image/color"
	"math"
	"slices"
	"sort"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

const (
	apart       = 3.0 // series whose typical sizes differ by more than this factor get separate panels
	panelHeight = 170 // CSS pixels of each further panel
	markSize    = 12  // CSS pixels of the letters of marks
	maxDrawn    = 256 // stretches in the picture: more would make the line a ragged band
)

// render draws the curve. Intermediate pictures are encoded for speed, the last one for size.
func (c *Curve) render(final bool) (Bundle, error) {
	c.mu.Lock()
	snapshot := c.snapshot()
	text := c.text()
	c.mu.Unlock()
	for len(snapshot.points) > maxDrawn {
		snapshot.thin()
	}
	panels, err := snapshot.panels()
	if err != nil {
		return Bundle{}, err
	}
	o, err := gather(nil)
	if err != nil {
		return Bundle{}, err
	}
	o.fastPNG = !final
	o.height = plotHeight*3/4 + (len(panels)-1)*panelHeight
	return drawing{
		draw: func(c draw.Canvas) { drawPanels(c, panels) },
		text: func([]facets) string { return text },
		o:    o,
	}.bundle()
}

// snapshot copies the data for a drawing, so that Add does not wait for it.
func (c *Curve) snapshot() *Curve {
	s := &Curve{
		title: c.title, series: c.series, logY: c.logY, xLabel: c.xLabel, yLabel: c.yLabel, together: c.together,
		marks: slices.Clone(c.marks), points: slices.Clone(c.points),
	}
	for i := range s.points { // Add changes the last stretch, and thin all of them
		p := &s.points[i]
		p.min, p.mean, p.max = slices.Clone(p.min), slices.Clone(p.mean), slices.Clone(p.max)
		p.finite = slices.Clone(p.finite)
	}
	return s
}

// panels returns one figure for each group of series of similar size. The first has the title, the last the label of the
// horizontal axis.
func (c *Curve) panels() ([]*plot.Plot, error) {
	groups := c.groups()
	panels := make([]*plot.Plot, len(groups))
	for i, group := range groups {
		p, err := c.panel(group)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			p.Title.Text = ""
		} else {
			p.Add(markLabels(c.marks))
		}
		if i < len(groups)-1 {
			p.X.Label.Text = ""
			p.X.Tick.Marker = withoutLabels(p.X.Tick.Marker)
		}
		panels[i] = p
	}
	return panels, nil
}

// groups joins series of similar typical size, in the order in which they were named.
func (c *Curve) groups() [][]int {
	size := make([]float64, len(c.series))
	order := make([]int, len(c.series))
	for i := range c.series {
		size[i], order[i] = typicalSize(c.means(i)), i
	}
	sort.SliceStable(order, func(a, b int) bool { return size[order[a]] > size[order[b]] })
	var groups [][]int
	for i, s := range order {
		if i == 0 || !c.together && !c.logY && size[groups[len(groups)-1][0]] > apart*size[s] {
			groups = append(groups, nil)
		}
		groups[len(groups)-1] = append(groups[len(groups)-1], s)
	}
	for _, group := range groups {
		sort.Ints(group)
	}
	sort.SliceStable(groups, func(a, b int) bool { return groups[a][0] < groups[b][0] })
	return groups
}

// typicalSize returns the median of the absolute values, so that the first steps of a training do not matter.
func typicalSize(values []float64) float64 {
	var sizes []float64
	for _, v := range values {
		if finite(v) {
			sizes = append(sizes, math.Abs(v))
		}
	}
	if len(sizes) == 0 {
		return 0
	}
	sort.Float64s(sizes)
	return sizes[len(sizes)/2]
}

func (c *Curve) panel(group []int) (*plot.Plot, error) {
	axes := Axes{Title: c.title, X: c.xLabel, Y: c.yLabel, LogY: c.logY}
	p, err := newPlot("Curve", axes)
	if err != nil {
		return nil, err
	}
	var key legend
	drawn := false
	for _, i := range group {
		style := draw.LineStyle{Color: Palette(i), Width: px(2)}
		key.add(c.series[i], lineSwatch(style))
		for _, run := range c.runs(i) {
			drawn = true
			addRun(p, run, style)
		}
	}
	p.Add(key)
	first, last := c.points[0].step, c.points[len(c.points)-1].end
	if !drawn {
		low := 0.0
		if c.logY {
			low = 0.1
		}
		p.Y.Min, p.Y.Max = low, 1
	}
	p.X.Min, p.X.Max = float64(first), float64(last)
	if err := widen("Curve", p, axes); err != nil {
		return nil, err
	}
	for _, m := range c.marks {
		p.X.Max = max(p.X.Max, float64(m.step))
	}
	p.Add(markLines(c.marks))
	return p, nil
}

// run is an unbroken part of a line with its band.
type run struct{ low, mean, high plotter.XYs }

// runs splits series i where a stretch has no value that can be drawn.
func (c *Curve) runs(i int) []run {
	var runs []run
	broken := true
	for _, s := range c.points {
		if !finite(s.mean[i]) || c.logY && s.min[i] <= 0 {
			broken = true
			continue
		}
		if broken {
			runs = append(runs, run{})
			broken = false
		}
		r, x := &runs[len(runs)-1], float64(s.step+s.end)/2
		r.low = append(r.low, plotter.XY{X: x, Y: s.min[i]})
		r.mean = append(r.mean, plotter.XY{X: x, Y: s.mean[i]})
		r.high = append(r.high, plotter.XY{X: x, Y: s.max[i]})
	}
	return runs
}

func addRun(p *plot.Plot, r run, style draw.LineStyle) {
	band := append(plotter.XYs{}, r.high...)
	for i := len(r.low) - 1; i >= 0; i-- {
		band = append(band, r.low[i])
	}
	p.Add(&plotter.Polygon{XYs: []plotter.XYs{band}, Color: faint(style.Color)})
	addLine(p, r.mean, style)
}

// markLines draws the marks as thin upright lines.
type markLines []mark

// Plot implements plot.Plotter.
func (m markLines) Plot(c draw.Canvas, p *plot.Plot) {
	toX, _ := p.Transforms(&c)
	line := draw.LineStyle{Color: axisColor, Width: px(1), Dashes: []vg.Length{px(4), px(3)}}
	for _, mark := range m {
		if x := toX(float64(mark.step)); x >= c.Min.X && x <= c.Max.X {
			c.StrokeLine2(line, x, c.Min.Y, x, c.Max.Y)
		}
	}
}

// markLabels writes the labels of the marks at the top, without those that would overlap the one before.
type markLabels []mark

// Plot implements plot.Plotter.
func (m markLabels) Plot(c draw.Canvas, p *plot.Plot) {
	toX, _ := p.Transforms(&c)
	style := p.X.Tick.Label
	style.Font = fontOf(markSize, false)
	style.XAlign, style.YAlign = draw.XLeft, draw.YTop
	var free vg.Length // right end of the last label
	for _, mark := range m {
		x, width := toX(float64(mark.step))+px(3), style.Width(mark.label)
		if x < free || x < c.Min.X || x+width > c.Max.X {
			continue
		}
		bottom := c.Max.Y - px(markSize+3)
		c.FillPolygon(paper, []vg.Point{
			{X: x, Y: bottom}, {X: x + width, Y: bottom}, {X: x + width, Y: c.Max.Y}, {X: x, Y: c.Max.Y},
		})
		c.FillText(style, vg.Point{X: x, Y: c.Max.Y}, mark.label)
		free = x + width + px(6)
	}
}

// withoutLabels returns the ticks without labels, for a panel whose axis is labelled by the panel below.
func withoutLabels(t plot.Ticker) plot.Ticker {
	return plot.TickerFunc(func(lo, hi float64) []plot.Tick {
		ticks := t.Ticks(lo, hi)
		for i := range ticks {
			if ticks[i].Label != "" {
				ticks[i].Label = " "
			}
		}
		return ticks
	})
}

// drawPanels draws figures one above the other with aligned horizontal axes.
func drawPanels(c draw.Canvas, panels []*plot.Plot) {
	column := make([][]*plot.Plot, len(panels))
	for i, p := range panels {
		column[i] = []*plot.Plot{p}
	}
	tiles := draw.Tiles{Rows: len(panels), Cols: 1, PadY: px(8)}
	for i, cell := range plot.Align(column, tiles, c) {
		panels[i].Draw(cell[0])
	}
}

// faint returns the colour at a quarter of its strength, for bands behind lines.
func faint(c color.Color) color.Color {
	n, _ := color.NRGBAModel.Convert(c).(color.NRGBA)
	n.A = 0x40
	return n
}
