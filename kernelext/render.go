package kernelext

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	vgdraw "gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/recorder"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

const (
	plotWidth  = 640 // CSS pixels
	plotHeight = 400
	maxPlot    = 2000 // of height that a figure's proportions may ask for
)

// Plot shows a figure of gonum/plot as a PNG picture at twice the resolution of its size in the notebook, which is 640×400
// CSS pixels by default. Options: [Width], [Height], [SVG], [Caption], [MaxBytes].
func Plot(p *plot.Plot, opts ...Option) error {
	return here.present(func(o options) (Bundle, error) { return plotBundle(p, o) }, opts)
}

func plotBundle(p *plot.Plot, o options) (Bundle, error) {
	if p == nil {
		return Bundle{}, errors.New("kernelext: Plot of nil, want a *plot.Plot")
	}
	return drawing{draw: p.Draw, o: o, text: func(parts []facets) string { return plotText(p, parts) }}.bundle()
}

// drawing is something that draws itself on a canvas of any size.
type drawing struct {
	draw func(c vgdraw.Canvas)
	text func(parts []facets) string
	o    options
}

// drawMu protects the fonts, which all figures share.
var drawMu sync.Mutex

func (d drawing) bundle() (b Bundle, err error) {
	drawMu.Lock()
	defer drawMu.Unlock()
	// gonum panics on values that it cannot place, which would end the cell and lose its work.
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("kernelext: Plot cannot be drawn: %v", r)
		}
	}()
	width, height := float64(plotWidth), float64(plotHeight)
	if d.o.width > 0 {
		width, height = float64(d.o.width), float64(d.o.width)*plotHeight/plotWidth
	}
	if d.o.height > 0 {
		height = float64(d.o.height)
	}
	reader := d.read(width, height)
	if aspect := reader.aspect(); aspect > 0 && d.o.height == 0 {
		inner := reader.data.Size()
		height += float64(inner.X*vg.Length(aspect)-inner.Y) / 0.75
		height = min(max(height, 120), maxPlot)
	}
	text := withCaption(d.text(reader.facets), d.o.caption)
	caption := newCaption(d.o.caption, width)
	height += caption.height
	if d.o.svg {
		return d.svg(width, height, caption, text)
	}
	canvas := vgimg.NewWith(vgimg.UseWH(px(width), px(height)), vgimg.UseDPI(96*density))
	d.drawOn(vgdraw.New(canvas), caption)
	return pngBundle(canvas.Image(), width, text, d.o)
}

func (d drawing) svg(width, height float64, caption caption, text string) (Bundle, error) {
	canvas := vgsvg.New(px(width), px(height))
	d.drawOn(vgdraw.New(canvas), caption)
	var out bytes.Buffer
	if _, err := canvas.WriteTo(&out); err != nil {
		return Bundle{}, fmt.Errorf("kernelext: SVG: %w", err)
	}
	svg := out.String()
	if start := strings.Index(svg, "<svg"); start >= 0 {
		svg = svg[start:] // HTML does not allow an XML declaration here
	}
	// Arial and Helvetica have the widths of Liberation, which few readers have installed.
	svg = strings.ReplaceAll(svg, "font-family:Liberation Sans", "font-family:Liberation Sans,Arial,Helvetica,sans-serif")
	html := fmt.Sprintf(`<div style="max-width:%dpx">%s</div>`, int(math.Round(width)), svg)
	return Bundle{Data: map[string]any{mimeHTML: html, mimeText: text}}, nil
}

const figureMargin = 6 // CSS pixels around a figure

func (d drawing) drawOn(c vgdraw.Canvas, caption caption) {
	c.SetColor(paper)
	c.Fill(c.Rectangle.Path())
	m := px(figureMargin)
	inner := vgdraw.Crop(c, m, -m, m+px(caption.height), -m)
	d.draw(inner)
	caption.draw(c)
}

// read draws without a picture to find the description and the proportions of the figure.
func (d drawing) read(width, height float64) *factReader {
	reader := &factReader{}
	c := vgdraw.NewCanvas(reader, px(width), px(height))
	d.drawOn(c, caption{})
	return reader
}

// factReader is a canvas that collects the [facets] of a figure.
type factReader struct {
	recorder.Canvas
	facets []facets
	data   vg.Rectangle // of the last facets
}

func (r *factReader) aspect() float64 {
	for _, f := range r.facets {
		if f.aspect > 0 {
			return f.aspect
		}
	}
	return 0
}

// caption is the text under a figure.
type caption struct {
	lines  []string
	height float64 // CSS pixels
}

const captionLine = 18 // CSS pixels

func newCaption(text string, width float64) caption {
	if text == "" {
		return caption{}
	}
	lines := newLettering(captionSize).wrap(text, int((width-2*figureMargin)*density))
	return caption{lines: lines, height: float64(len(lines)*captionLine + figureMargin)}
}

func (t caption) draw(c vgdraw.Canvas) {
	style := plot.New().X.Tick.Label
	styleText(&style, captionSize, false)
	style.XAlign, style.YAlign = vgdraw.XLeft, vgdraw.YBottom
	for i, line := range t.lines {
		fromBottom := px(float64((len(t.lines)-1-i)*captionLine) + figureMargin)
		c.FillText(style, vg.Point{X: c.Min.X + px(figureMargin), Y: c.Min.Y + fromBottom}, line)
	}
}
