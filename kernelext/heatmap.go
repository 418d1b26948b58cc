package kernelext

import (
	"fmt"
	"image"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	vgdraw "gonum.org/v1/plot/vg/draw"
)

// Heatmap draws values[row][column] as coloured squares, row 0 at the top, with a colour bar from the smallest to the
// largest value. With [BlueRed] the bar is symmetric around zero. A nil map means [Viridis].
func Heatmap(a Axes, values [][]float64, colors ColorMap) (*plot.Plot, error) {
	p, err := newPlot("Heatmap", a)
	if err != nil {
		return nil, err
	}
	if err := checkMatrix("Heatmap", values); err != nil {
		return nil, err
	}
	all := slices.Concat(values...)
	s := summarize(all)
	if colors == nil {
		colors = Viridis
	}
	if math.IsNaN(s.mean) {
		return nil, fmt.Errorf("kernelext: Heatmap: none of the %d values is finite", len(all))
	}
	m := &heat{values: values, colors: colors, lo: s.min, hi: s.max}
	if diverging(colors) {
		m.hi = max(math.Abs(s.min), math.Abs(s.max))
		m.lo = -m.hi
	}
	rows, cols := float64(len(values)), float64(len(values[0]))
	p.Add(m, facets{
		text:   []string{fmt.Sprintf("%d×%d values: %s", len(values), len(values[0]), s)},
		aspect: min(max(rows/cols, 0.1), 3),
	})
	p.X.Tick.Marker = plot.TickerFunc(indexTicks)
	p.Y.Tick.Marker = plot.TickerFunc(func(lo, hi float64) []plot.Tick { return fromTop(indexTicks(lo, hi), rows) })
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = -0.5, cols-0.5, -0.5, rows-0.5
	return p, nil
}

// checkMatrix returns an error unless values has rows of one length, at least 1.
func checkMatrix(kind string, values [][]float64) error {
	if len(values) == 0 || len(values[0]) == 0 {
		return fmt.Errorf("kernelext: %s without values, want at least one row and one column", kind)
	}
	for i, row := range values {
		if len(row) != len(values[0]) {
			return fmt.Errorf("kernelext: %s: row %d has %d values, want %d as in row 0", kind, i, len(row), len(values[0]))
		}
	}
	return nil
}

// diverging reports whether a map has its lightest colour in the middle.
func diverging(colors ColorMap) bool {
	brightness := func(t float64) int { c := colors(t); return int(c.R) + int(c.G) + int(c.B) }
	return brightness(0.5) > brightness(0)+60 && brightness(0.5) > brightness(1)+60
}

// indexTicks labels whole numbers only: there is no row 2.5.
func indexTicks(lo, hi float64) []plot.Tick {
	var ticks []plot.Tick
	for _, tick := range evenTicks(lo, hi) {
		if tick.Value == math.Trunc(tick.Value) {
			ticks = append(ticks, tick)
		}
	}
	return ticks
}

// fromTop counts rows from the top, as in a matrix.
func fromTop(ticks []plot.Tick, rows float64) []plot.Tick {
	for i := range ticks {
		ticks[i].Value = rows - 1 - ticks[i].Value
	}
	return ticks
}

// heat draws a matrix as an image, with its colour bar to the right.
type heat struct {
	values [][]float64
	colors ColorMap
	lo, hi float64
}

const (
	barGap   = 16 // CSS pixels between the map and its bar
	barWidth = 14
)

// Plot implements plot.Plotter.
func (h *heat) Plot(c vgdraw.Canvas, p *plot.Plot) {
	toX, toY := p.Transforms(&c)
	rows, cols := float64(len(h.values)), float64(len(h.values[0]))
	h.plotTiles(c, vg.Point{X: toX(-0.5), Y: toY(-0.5)}, vg.Point{X: toX(cols - 0.5), Y: toY(rows - 0.5)})
	h.plotBar(c, p)
}

// plotTiles draws the values as equal tiles of the rectangle between two corners, row 0 at the top.
func (h *heat) plotTiles(c vgdraw.Canvas, low, high vg.Point) {
	img := image.NewNRGBA(image.Rect(0, 0, len(h.values[0]), len(h.values)))
	for y, row := range h.values {
		for x, v := range row {
			img.SetNRGBA(x, y, h.colors(unit(v, h.lo, h.hi)))
		}
	}
	c.DrawImage(vg.Rectangle{Min: low, Max: high}, sharp(img))
}

// sharp enlarges an image with hard edges, so that the smoothing of the canvas does not blur them.
func sharp(img image.Image) image.Image {
	size := img.Bounds().Size()
	factor := max(1, 1600/max(size.X, size.Y))
	return enlarge(img, float64(factor*size.X))
}

func (h *heat) plotBar(c vgdraw.Canvas, p *plot.Plot) {
	bar := vg.Rectangle{
		Min: vg.Point{X: c.Max.X + px(barGap), Y: c.Min.Y},
		Max: vg.Point{X: c.Max.X + px(barGap+barWidth), Y: c.Max.Y},
	}
	const steps = 256
	ramp := image.NewNRGBA(image.Rect(0, 0, 1, steps))
	for i := range steps {
		ramp.SetNRGBA(0, i, h.colors(1-float64(i)/(steps-1)))
	}
	c.DrawImage(bar, ramp)
	style := p.Y.Tick.Label
	style.XAlign, style.YAlign = vgdraw.XLeft, vgdraw.YCenter
	for _, tick := range h.barTicks() {
		y := bar.Min.Y + vg.Length(unit(tick.Value, h.lo, h.hi))*(bar.Max.Y-bar.Min.Y)
		c.StrokeLine2(p.Y.Tick.LineStyle, bar.Max.X, y, bar.Max.X+px(4), y)
		c.FillText(style, vg.Point{X: bar.Max.X + px(7), Y: y + px(textRise)}, tick.Label)
	}
}

func (h *heat) barTicks() []plot.Tick {
	if h.lo == h.hi {
		return []plot.Tick{{Value: h.lo, Label: number(h.lo)}}
	}
	return evenTicks(h.lo, h.hi)
}

// GlyphBoxes implements plot.GlyphBoxer: room for the bar and its labels.
func (h *heat) GlyphBoxes(p *plot.Plot) []plot.GlyphBox {
	var widest vg.Length
	for _, tick := range h.barTicks() {
		widest = max(widest, p.Y.Tick.Label.Width(tick.Label))
	}
	return []plot.GlyphBox{{X: 1, Y: 0.5, Rectangle: vg.Rectangle{
		Max: vg.Point{X: px(barGap+barWidth+8) + widest},
	}}}
}
