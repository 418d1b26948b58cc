package kernelext

import (
	"image"
	"image/color"
	"math"
	"strings"

	"golang.org/x/image/draw"
	xfont "golang.org/x/image/font"
	"golang.org/x/image/math/fixed"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
)

// typeface is the only typeface of the figures: sans serif, with Greek and Cyrillic.
var typeface = font.Font{Typeface: "Liberation", Variant: "Sans"}

// lettering writes lines of text into pictures. Sizes are in picture pixels.
type lettering struct {
	face         xfont.Face
	height, base int // of a line; of the baseline below the line's top
}

// newLettering returns letters of css CSS pixels.
func newLettering(css float64) *lettering {
	handler := plot.DefaultTextHandler
	size := font.Length(css * density) // at 72 dpi a point is a pixel
	fontFace := handler.Cache().Lookup(typeface, size)
	face := fontFace.FontFace(72)
	metrics := face.Metrics()
	return &lettering{
		face:   face,
		height: int(math.Ceil(1.25 * css * density)),
		base:   metrics.Ascent.Ceil(),
	}
}

func (l *lettering) width(text string) int { return xfont.MeasureString(l.face, text).Ceil() }

// write draws text with the top left corner of its line at (x, y).
func (l *lettering) write(dst draw.Image, x, y int, text string) {
	drawer := xfont.Drawer{Dst: dst, Src: image.NewUniform(inkColor), Face: l.face, Dot: fixed.P(x, y+l.base)}
	drawer.DrawString(text)
}

// wrap breaks text between words into lines of at most width pixels.
func (l *lettering) wrap(text string, width int) []string {
	var lines []string
	current := ""
	for _, word := range strings.Fields(text) {
		longer := strings.TrimSpace(current + " " + word)
		if current != "" && l.width(longer) > width {
			lines = append(lines, current)
			longer = word
		}
		current = longer
	}
	if current != "" {
		lines = append(lines, current)
	}
	return lines
}

// underline returns the picture with a caption under it, on white.
func underline(img image.Image, caption string) image.Image {
	const margin = 6 * density
	letters := newLettering(captionSize)
	b := img.Bounds()
	width := max(b.Dx(), min(letters.width(caption), 320*density))
	lines := letters.wrap(caption, width)
	for _, line := range lines {
		width = max(width, letters.width(line))
	}
	out := image.NewNRGBA(image.Rect(0, 0, width, b.Dy()+margin+len(lines)*letters.height))
	draw.Draw(out, out.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	draw.Draw(out, image.Rect(0, 0, b.Dx(), b.Dy()), img, b.Min, draw.Over)
	for i, line := range lines {
		letters.write(out, 0, b.Dy()+margin+i*letters.height, line)
	}
	return out
}
