package kernelext

import (
	"fmt"
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	vgdraw "gonum.org/v1/plot/vg/draw"
)

// SheetMap shows one reading of a map: its nodes as squares, or as hexagons on a hexagonal sheet, with a colour bar or a
// legend. Options: [Width], [Caption], [SVG], [MaxBytes].
func SheetMap(sheet Sheet, plane Plane, opts ...Option) error {
	return SheetMaps(sheet, []Plane{plane}, opts...)
}

// SheetMaps shows several readings of one map side by side, at most four in a row. Options are those of [SheetMap].
func SheetMaps(sheet Sheet, planes []Plane, opts ...Option) error {
	return here.present(func(o options) (Bundle, error) { return sheetBundle(sheet, planes, o) }, opts)
}

const (
	mostColumns = 4
	sheetGap    = 18  // CSS pixels between planes
	oneSheet    = 430 // CSS pixels, width of a single sheet
	fullSheet   = 640 // the same, of pictures
	largestCell = 72  // CSS pixels
	headHeight  = 26  // of a title
	unitHeight  = 22  // of the line with the unit
	legendLine  = 22
)

// panels is the layout of several planes. Lengths are in CSS pixels.
type panels struct {
	sheet             Sheet
	planes            []Plane
	cols, rows        int
	cell              float64 // a node distance
	side              float64 // room for the colour bar or the legend of a plane
	head, foot        float64
	planeW, planeH    float64
	sheetW, sheetH    float64
	title, tick, name text.Style
}

func sheetBundle(sheet Sheet, planes []Plane, o options) (Bundle, error) {
	if err := sheet.check(planes); err != nil {
		return Bundle{}, err
	}
	l := newPanels(sheet, planes, o)
	o.width = int(math.Ceil(float64(l.cols)*l.planeW + float64(l.cols-1)*sheetGap + 2*figureMargin))
	o.height = int(math.Ceil(float64(l.rows)*l.planeH + float64(l.rows-1)*sheetGap + 2*figureMargin))
	return drawing{draw: l.draw, o: o, text: func([]facets) string {
		lines := []string{"map " + sheet.String()}
		for _, p := range planes {
			lines = append(lines, sheet.text(p))
		}
		return strings.Join(lines, "\n")
	}}.bundle()
}

func newPanels(sheet Sheet, planes []Plane, o options) *panels {
	l := &panels{sheet: sheet, planes: planes}
	l.styles()
	n := len(planes)
	l.rows = (n + mostColumns - 1) / mostColumns
	l.cols = (n + l.rows - 1) / l.rows
	limit, hasPictures := float64(oneSheet), false
	drawMu.Lock() // the widths of letters come from fonts that all figures share
	for _, p := range planes {
		l.side = max(l.side, l.sideOf(p))
		hasPictures = hasPictures || len(p.Pictures) > 0
		if p.Title != "" {
			l.head = headHeight
		}
		if p.Unit != "" && len(p.Values) > 0 {
			l.foot = unitHeight
		}
	}
	drawMu.Unlock()
	if hasPictures {
		limit = fullSheet
	}
	total := float64(notebookWidth)
	if o.width > 0 {
		total, limit = float64(o.width), math.Inf(1)
	}
	room := (total-2*figureMargin-float64(l.cols-1)*sheetGap)/float64(l.cols) - l.side
	width, height := sheet.extent()
	l.cell = max(2, min(room, limit)/width)
	if o.width == 0 {
		l.cell = min(l.cell, largestCell, max(2, 1.5*limit/height))
	}
	l.sheetW, l.sheetH = width*l.cell, height*l.cell
	l.planeW, l.planeH = l.sheetW+l.side, l.head+l.sheetH+l.foot
	return l
}

// styles sets the text styles.
func (l *panels) styles() {
	base := plot.New().X.Tick.Label
	for _, s := range []struct {
		style *text.Style
		size  float64
		bold  bool
	}{{&l.title, labelSize, true}, {&l.tick, tickSize, false}, {&l.name, tickSize, false}} {
		*s.style = base
		styleText(s.style, s.size, s.bold)
		s.style.XAlign, s.style.YAlign = vgdraw.XLeft, vgdraw.YCenter
	}
}

// sideOf returns the width of a plane's colour bar or legend.
func (l *panels) sideOf(p Plane) float64 {
	widest := 0.0
	switch {
	case len(p.Values) > 0:
		lo, hi := p.limits()
		for _, tick := range rangeTicks(lo, hi) {
			widest = max(widest, float64(l.tick.Width(tick.Label))/0.75)
		}
		return barGap + barWidth + 9 + widest
	case len(p.Names) > 0:
		for _, name := range p.Names {
			widest = max(widest, float64(l.name.Width(name))/0.75)
		}
		return legendGap + swatchWidth + 2 + widest
	}
	return 0
}

// limits returns the numbers at the ends of the colour bar.
func (p Plane) limits() (lo, hi float64) {
	lo, hi = p.Low, p.High
	if lo == 0 && hi == 0 {
		s := summarize(p.Values)
		lo, hi = s.min, s.max
		if diverging(p.colors()) {
			hi = max(math.Abs(lo), math.Abs(hi))
			lo = -hi
		}
	}
	return lo, hi
}

func (p Plane) colors() ColorMap {
	if p.Colors == nil {
		return Viridis
	}
	return p.Colors
}

// rangeTicks returns the labels of a colour bar.
func rangeTicks(lo, hi float64) []plot.Tick {
	if lo == hi {
		return []plot.Tick{{Value: lo, Label: number(lo)}}
	}
	return evenTicks(lo, hi)
}

func (l *panels) draw(c vgdraw.Canvas) {
	for i, p := range l.planes {
		left := float64(i%l.cols) * (l.planeW + sheetGap)
		top := float64(i/l.cols) * (l.planeH + sheetGap)
		c.FillText(l.title, l.at(c, left, top+headHeight/2-2), p.Title)
		f := &frame{panels: l, c: c, left: left, top: top + l.head}
		f.drawPlane(p)
		f.drawSide(p)
	}
}

// at converts CSS pixels from the top left to a point of the canvas.
func (l *panels) at(c vgdraw.Canvas, x, y float64) vg.Point {
	return vg.Point{X: c.Min.X + px(x), Y: c.Max.Y - px(y)}
}

// frame is the position of one plane on the canvas.
type frame struct {
	*panels
	c         vgdraw.Canvas
	left, top float64 // of the sheet, CSS pixels
}

// point converts a position on the sheet, in node distances, to a point of the canvas.
func (f *frame) point(x, y float64) vg.Point {
	cx, cy := f.sheet.corner()
	return f.at(f.c, f.left+(x-cx)*f.cell, f.top+(y-cy)*f.cell)
}

func (f *frame) drawSide(p Plane) {
	switch {
	case len(p.Values) > 0:
		f.drawBar(p)
	case len(p.Names) > 0:
		for class, name := range p.Names {
			y := f.top + (float64(class)+0.5)*legendLine
			x := f.left + f.sheetW + legendGap
			line := vgdraw.Canvas{Canvas: f.c.Canvas, Rectangle: vg.Rectangle{
				Min: f.at(f.c, x, y+8), Max: f.at(f.c, x+16, y-8)}}
			boxSwatch(Palette(class))(&line)
			f.c.FillText(f.name, f.at(f.c, x+swatchWidth, y-textRise), name)
		}
	}
}

// drawBar draws the colour bar right of the sheet and the unit below it.
func (f *frame) drawBar(p Plane) {
	const steps = 128
	lo, hi := p.limits()
	left := f.left + f.sheetW + barGap
	for i := range steps {
		top := f.top + f.sheetH*(1-float64(i+1)/steps)
		bottom := min(f.top+f.sheetH, f.top+f.sheetH*(1-float64(i)/steps)+1) // over the seam
		f.c.FillPolygon(p.colors()((float64(i)+0.5)/steps), []vg.Point{f.at(f.c, left, top), f.at(f.c, left+barWidth, top),
			f.at(f.c, left+barWidth, bottom), f.at(f.c, left, bottom)})
	}
	line := vgdraw.LineStyle{Color: axisColor, Width: px(1)}
	for _, tick := range rangeTicks(lo, hi) {
		y := f.top + f.sheetH*(1-unit(tick.Value, lo, hi))
		a, b := f.at(f.c, left+barWidth, y), f.at(f.c, left+barWidth+4, y)
		f.c.StrokeLine2(line, a.X, a.Y, b.X, b.Y)
		f.c.FillText(f.tick, f.at(f.c, left+barWidth+7, y-textRise), tick.Label)
	}
	if p.Unit != "" {
		style := f.tick
		style.XAlign = vgdraw.XRight
		f.c.FillText(style, f.at(f.c, f.left+f.planeW, f.top+f.sheetH+unitHeight/2+1), fmt.Sprintf("in %s", p.Unit))
	}
}
