package kernelext

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"math"
	"strings"

	"golang.org/x/image/draw"
)

// Grid shows images as one picture, row by row, in cols columns; with cols ≤ 0 it chooses as many as fit the notebook.
// Small images are enlarged with hard edges. Options: [Captions], [RowLabels], [ColLabels], [Gap], [Scale], [Width],
// [Caption], [MaxBytes].
func Grid(imgs []image.Image, cols int, opts ...Option) error {
	return here.present(func(o options) (Bundle, error) { return gridBundle(imgs, cols, o) }, opts)
}

func gridBundle(imgs []image.Image, cols int, o options) (Bundle, error) {
	tile, err := tileSize(imgs)
	if err != nil {
		return Bundle{}, err
	}
	g := newSheet(imgs, tile, cols, o)
	if err := g.checkLabels(); err != nil {
		return Bundle{}, err
	}
	img := g.draw()
	if o.caption != "" {
		img = underline(img, o.caption)
	}
	css := float64(img.Bounds().Dx()) / density
	if o.width > 0 {
		css = float64(o.width)
	}
	return pngBundle(img, min(css, max(notebookWidth, float64(o.width))), g.text(), o)
}

func tileSize(imgs []image.Image) (image.Point, error) {
	var tile image.Point
	if len(imgs) == 0 {
		return tile, errors.New("kernelext: Grid of 0 images, want at least one")
	}
	for i, img := range imgs {
		if img == nil || img.Bounds().Empty() {
			return tile, fmt.Errorf("kernelext: Grid: image %d is missing or empty", i)
		}
		tile.X = max(tile.X, img.Bounds().Dx())
		tile.Y = max(tile.Y, img.Bounds().Dy())
	}
	return tile, nil
}

// sheet is a layout of images in cells. Lengths are in picture pixels.
type sheet struct {
	imgs       []image.Image
	o          options
	tile       image.Point // size of the largest image as given
	factor     float64     // picture pixels per pixel of an image
	cell       image.Point // an image and its caption
	rows, cols int
	left, top  int // room for the labels
	gap        int
	letters    *lettering
}

func newSheet(imgs []image.Image, tile image.Point, cols int, o options) *sheet {
	g := &sheet{imgs: imgs, o: o, tile: tile, gap: o.gap * density, letters: newLettering(captionSize)}
	for _, label := range o.rows {
		g.left = max(g.left, g.letters.width(label)+4*density)
	}
	if len(o.cols) > 0 {
		g.top = g.letters.height
	}
	g.factor = g.chooseFactor(cols)
	g.cell.X = int(math.Round(g.factor * float64(tile.X)))
	g.cell.Y = int(math.Round(g.factor * float64(tile.Y)))
	for _, text := range append(append([]string{}, o.captions...), o.cols...) {
		g.cell.X = max(g.cell.X, g.letters.width(text)+2*density)
	}
	if len(o.captions) > 0 {
		g.cell.Y += g.letters.height
	}
	g.chooseColumns(cols)
	return g
}

// chooseFactor enlarges small images so that they are easy to see: 2 CSS pixels per pixel for digits, less if cols would not fit.
func (g *sheet) chooseFactor(cols int) float64 {
	if g.o.scale > 0 {
		return float64(g.o.scale * density)
	}
	const easyToSee, large = 56, 240 // CSS pixels
	longest := float64(max(g.tile.X, g.tile.Y))
	css := max(1, math.Floor(easyToSee/longest))
	css = min(css, large/longest)
	if room := float64(notebookWidth*density-g.left) / density; cols > 0 {
		css = min(css, (room/float64(cols)-float64(g.o.gap))/float64(g.tile.X))
	}
	if css*density >= 1 {
		return math.Floor(css * density) // whole pixels stay equally large
	}
	return max(css*density, 1/longest)
}

func (g *sheet) chooseColumns(cols int) {
	n := len(g.imgs)
	if cols <= 0 {
		fit := (notebookWidth*density - g.left + g.gap) / (g.cell.X + g.gap)
		fit = min(max(1, fit), n)
		rows := (n + fit - 1) / fit
		cols = (n + rows - 1) / rows // rows of equal length look better than one that is nearly empty
	}
	g.cols = min(cols, n)
	g.rows = (n + g.cols - 1) / g.cols
}

func (g *sheet) checkLabels() error {
	for _, check := range []struct {
		name      string
		got, want int
	}{
		{"Captions", len(g.o.captions), len(g.imgs)},
		{"RowLabels", len(g.o.rows), g.rows},
		{"ColLabels", len(g.o.cols), g.cols},
	} {
		if check.got != 0 && check.got != check.want {
			return fmt.Errorf("kernelext: Grid of %d×%d: %d %s, want %d", g.rows, g.cols, check.got, check.name, check.want)
		}
	}
	return nil
}

func (g *sheet) draw() image.Image {
	width := g.left + g.cols*(g.cell.X+g.gap) - g.gap
	height := g.top + g.rows*(g.cell.Y+g.gap) - g.gap
	out := image.NewNRGBA(image.Rect(0, 0, width, height))
	draw.Draw(out, out.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	for i, img := range g.imgs {
		g.drawCell(out, img, i)
	}
	tileHeight := int(g.factor * float64(g.tile.Y))
	for row, label := range g.o.rows {
		y := g.top + row*(g.cell.Y+g.gap) + (tileHeight-g.letters.height)/2
		g.letters.write(out, 0, y, label)
	}
	for col, label := range g.o.cols {
		g.letters.write(out, g.center(col, g.letters.width(label)), 0, label)
	}
	return out
}

// center returns the left end of a text of the given width in the middle of a column.
func (g *sheet) center(col, width int) int {
	return g.left + col*(g.cell.X+g.gap) + (g.cell.X-width)/2
}

func (g *sheet) drawCell(out draw.Image, img image.Image, i int) {
	row, col := i/g.cols, i%g.cols
	b := img.Bounds()
	w, h := int(g.factor*float64(b.Dx())), int(g.factor*float64(b.Dy()))
	x, y := g.center(col, w), g.top+row*(g.cell.Y+g.gap)
	var scaler draw.Scaler = draw.NearestNeighbor
	if g.factor < 1 {
		scaler = draw.CatmullRom
	}
	scaler.Scale(out, image.Rect(x, y, x+max(1, w), y+max(1, h)), img, b, draw.Over, nil)
	if len(g.o.captions) > 0 {
		caption := g.o.captions[i]
		g.letters.write(out, g.center(col, g.letters.width(caption)), y+g.cell.Y-g.letters.height, caption)
	}
}

// text describes the picture, with sizes in pixels of the given images.
func (g *sheet) text() string {
	text := fmt.Sprintf("image %d×%d: %d×%d grid", g.cols*g.tile.X, g.rows*g.tile.Y, g.rows, g.cols)
	if len(g.imgs) < g.rows*g.cols {
		text += fmt.Sprintf(", %d images", len(g.imgs))
	}
	for _, labels := range []struct {
		name  string
		texts []string
	}{{"rows", g.o.rows}, {"columns", g.o.cols}, {"captions", g.o.captions}} {
		if len(labels.texts) > 0 {
			text += "\n" + labels.name + ": " + strings.Join(labels.texts, ", ")
		}
	}
	return withCaption(text, g.o.caption)
}
