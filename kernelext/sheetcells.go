package kernelext

import (
	"image"
	"image/color"
	"math"

	"golang.org/x/image/draw"
	"gonum.org/v1/plot/vg"
	vgdraw "gonum.org/v1/plot/vg/draw"
)

// emptyCell is the background of cells that are not filled.
var emptyCell = color.NRGBA{R: 0xf0, G: 0xf0, B: 0xf0, A: 0xff}

func (f *frame) drawPlane(p Plane) {
	switch {
	case p.X != nil:
		lo, hi := p.limits()
		for i, v := range p.Values {
			f.drawCell(p.X[i], p.Y[i], p.CellSize, p.colors()(unit(v, lo, hi)))
		}
	case len(p.Pictures) > 0:
		f.drawPictures(p)
	default:
		for node := range f.sheet.nodes() {
			f.drawNode(p, node)
		}
	}
	if len(p.Path) > 0 {
		f.drawPath(p.Path)
	}
	for node, label := range p.Labels {
		if label != "" {
			f.drawLabel(node, label, p.fill(node))
		}
	}
}

// drawNode fills the cell of a node.
func (f *frame) drawNode(p Plane, node int) {
	x, y := f.sheet.position(node)
	fill := p.fill(node)
	if p.Share != nil {
		f.drawCell(x, y, 1, emptyCell)
		if share := min(max(p.Share[node], 0), 1); share > 0 {
			f.drawCell(x, y, math.Sqrt(share), fill)
		}
		return
	}
	f.drawCell(x, y, 1, fill)
}

// fill returns the colour of a node's cell.
func (p Plane) fill(node int) color.NRGBA {
	switch {
	case p.X != nil || len(p.Pictures) > 0:
		return paper
	case len(p.Values) > 0:
		lo, hi := p.limits()
		return p.colors()(unit(p.Values[node], lo, hi))
	case len(p.Classes) > 0 && p.Classes[node] >= 0:
		return Palette(p.Classes[node])
	case len(p.Fill) > 0:
		return p.Fill[node]
	}
	return emptyCell
}

// fineCell is the size in CSS pixels below which cells are drawn without a gap.
const fineCell = 14

// drawCell fills a cell of a size in node distances. Large cells leave a thin gap; small ones overlap, so that
// no light line shows between them.
func (f *frame) drawCell(x, y, size float64, fill color.Color) {
	drawn := size - 1/f.cell
	if size*f.cell < fineCell {
		drawn = size
	}
	corners := f.sheet.outline(drawn)
	points := make([]vg.Point, len(corners))
	for i, corner := range corners {
		points[i] = f.point(x+corner[0], y+corner[1])
	}
	f.c.FillPolygon(fill, points)
	if size*f.cell < fineCell {
		f.c.StrokeLines(vgdraw.LineStyle{Color: fill, Width: px(0.4)}, append(points, points[0]))
	}
}

// drawLabel writes into a cell, dark on light and light on dark.
func (f *frame) drawLabel(node int, label string, fill color.NRGBA) {
	style := f.tick
	style.Font = fontOf(min(max(0.42*f.cell, 8), labelSize), true)
	style.XAlign = vgdraw.XCenter
	style.Color = inkColor
	if luma(fill) < 0.5 {
		style.Color = paper
	}
	x, y := f.sheet.position(node)
	at := f.point(x, y)
	at.Y += px(textRise)
	f.c.FillText(style, at, label)
}

// luma returns the brightness of a colour in [0, 1] (ITU-R BT.601).
func luma(c color.NRGBA) float64 {
	return (0.299*float64(c.R) + 0.587*float64(c.G) + 0.114*float64(c.B)) / 255
}

// drawPath draws a path over the nodes, with a light edge that is visible on any colour.
func (f *frame) drawPath(path []int) {
	points := make([]vg.Point, len(path))
	for i, node := range path {
		points[i] = f.point(f.sheet.position(node))
	}
	for _, line := range []vgdraw.LineStyle{{Color: paper, Width: px(5)}, {Color: inkColor, Width: px(2.2)}} {
		f.c.StrokeLines(line, points)
	}
	for _, mark := range []struct {
		at    vg.Point
		shape vgdraw.GlyphDrawer
	}{{points[0], vgdraw.CircleGlyph{}}, {points[len(points)-1], vgdraw.BoxGlyph{}}} {
		f.c.DrawGlyph(vgdraw.GlyphStyle{Color: paper, Radius: px(8), Shape: mark.shape}, mark.at)
		f.c.DrawGlyph(vgdraw.GlyphStyle{Color: rgbHex(paletteHex[1]), Radius: px(6), Shape: mark.shape}, mark.at)
	}
}

// insideHexagon is the side of the largest upright square in a hexagon of width 1, √3 − 1, less a gap.
const insideHexagon = 0.71

// drawPictures draws a picture in each cell: it fills the cell of a rectangular sheet; on a hexagonal sheet it is in the
// middle, on the colour of its first corner.
func (f *frame) drawPictures(p Plane) {
	width, height := int(math.Round(f.sheetW*density)), int(math.Round(f.sheetH*density))
	all := image.NewNRGBA(image.Rect(0, 0, width, height))
	cx, cy := f.sheet.corner()
	size := f.cell*density - 2
	if f.sheet.Hex {
		size = f.cell * density * insideHexagon
	}
	for node, img := range p.Pictures {
		x, y := f.sheet.position(node)
		b := img.Bounds()
		if f.sheet.Hex {
			f.drawCell(x, y, 1, img.At(b.Min.X, b.Min.Y))
		}
		scale := size / float64(max(b.Dx(), b.Dy()))
		w, h := max(1, int(scale*float64(b.Dx()))), max(1, int(scale*float64(b.Dy())))
		left := int((x-cx)*f.cell*density) - w/2
		top := int((y-cy)*f.cell*density) - h/2
		draw.CatmullRom.Scale(all, image.Rect(left, top, left+w, top+h), img, b, draw.Over, nil)
	}
	f.c.DrawImage(vg.Rectangle{Min: f.at(f.c, f.left, f.top+f.sheetH), Max: f.at(f.c, f.left+f.sheetW, f.top)}, all)
}
