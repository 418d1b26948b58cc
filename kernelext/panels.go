package kernelext

import (
	"fmt"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Panels shows several figures of equal size as one picture, cols in a row, to compare states or methods. Options are those
// of [Plot]; [Width] is the width of the whole picture.
func Panels(cols int, figures []*plot.Plot, opts ...Option) error {
	return here.present(func(o options) (Bundle, error) { return panelsBundle(cols, figures, o) }, opts)
}

func panelsBundle(cols int, figures []*plot.Plot, o options) (Bundle, error) {
	if cols < 1 || len(figures) == 0 {
		return Bundle{}, fmt.Errorf("kernelext: Panels of %d figures in %d columns, want at least one of each", len(figures), cols)
	}
	for i, p := range figures {
		if p == nil {
			return Bundle{}, fmt.Errorf("kernelext: Panels: figure %d is nil, want a *plot.Plot", i)
		}
	}
	cols = min(cols, len(figures))
	rows := (len(figures) + cols - 1) / cols
	if o.width == 0 {
		o.width = min(notebookWidth, cols*plotWidth/2+figureMargin*2)
	}
	width := (o.width - (cols-1)*sheetGap - 2*figureMargin) / cols
	height := panelAspect(figures[0], float64(width))
	if o.height == 0 {
		o.height = rows*height + (rows-1)*sheetGap + 2*figureMargin
	}
	return drawing{
		draw: func(c draw.Canvas) { drawTable(c, figures, rows, cols) },
		text: func(parts []facets) string { return panelsText(figures, parts) },
		o:    o,
	}.bundle()
}

// panelAspect returns the height in CSS pixels of a figure of the given width, from the proportions that it asks for.
func panelAspect(p *plot.Plot, width float64) int {
	drawMu.Lock()
	defer drawMu.Unlock()
	height := width * 0.8
	reader := drawing{draw: p.Draw}.read(width+2*figureMargin, height+2*figureMargin)
	if aspect := reader.aspect(); aspect > 0 {
		inner := reader.data.Size()
		height += float64(inner.X*vg.Length(aspect)-inner.Y) / 0.75
	}
	return int(min(max(height, 80), maxPlot))
}

func drawTable(c draw.Canvas, figures []*plot.Plot, rows, cols int) {
	table := make([][]*plot.Plot, rows)
	for row := range table {
		table[row] = make([]*plot.Plot, cols)
		copy(table[row], figures[row*cols:])
	}
	tiles := draw.Tiles{Rows: rows, Cols: cols, PadX: px(sheetGap), PadY: px(sheetGap)}
	for row, line := range plot.Align(table, tiles, c) {
		for col, cell := range line {
			if p := table[row][col]; p != nil {
				p.Draw(cell)
			}
		}
	}
}

func panelsText(figures []*plot.Plot, parts []facets) string {
	text := fmt.Sprintf("%d figures", len(figures))
	for i, p := range figures {
		text += "\n" + oneLine(p.Title.Text)
		if len(parts) == len(figures) {
			for _, line := range parts[i].text {
				text += ": " + line
			}
		}
	}
	return text
}
