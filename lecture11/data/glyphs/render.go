package glyphs

import (
	"errors"
	"fmt"
	"image"
	"math"
	"sync"

	"golang.org/x/image/draw"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
)

// Side is the width and the height of an image, in pixels.
const Side = 32

// The em of 26 pixels is the largest for which no character of any face is cut off. The widest, the W of Latin Modern
// Roman 5, is 31.7 pixels wide. The highest needs 21.1 pixels above the baseline, and the deepest 9.4 below it.
const (
	emSize   = 26 // pixels
	baseline = 22 // rows above the baseline
)

// faceBytes is the number of pixels of all characters in one face.
const faceBytes = len(Characters) * Side * Side

// render draws all characters in all faces, by face and then by character.
func render(families []family) ([]uint8, error) {
	var fonts [][]byte
	for _, family := range families {
		fonts = append(fonts, family.fonts...)
	}
	pixels := make([]uint8, len(fonts)*faceBytes)
	errs := make([]error, len(fonts))
	var workers sync.WaitGroup
	for i, ttf := range fonts {
		workers.Go(func() { errs[i] = renderFace(pixels[i*faceBytes:(i+1)*faceBytes], ttf) })
	}
	workers.Wait()
	return pixels, errors.Join(errs...)
}

// renderFace draws all characters of a font into pixels [62, 32, 32].
func renderFace(pixels, ttf []byte) error {
	parsed, err := sfnt.Parse(ttf)
	if err != nil {
		return fmt.Errorf("glyphs: reading a font: %w", err)
	}
	p := pen{font: parsed}
	for i, char := range Characters {
		outline, err := p.outline(char)
		if err != nil {
			return err
		}
		p.draw(pixels[i*Side*Side:(i+1)*Side*Side], Side, outline, origin(outline))
	}
	return nil
}

// pen draws characters of one font.
type pen struct {
	font   *sfnt.Font
	buffer sfnt.Buffer
	raster vector.Rasterizer
}

// point is a position in pixels, x to the right and y down.
type point struct{ x, y float32 }

// outline returns the closed contours of a character, unhinted, relative to its origin on the baseline.
func (p *pen) outline(char rune) ([][]point, error) {
	glyph, err := p.font.GlyphIndex(&p.buffer, char)
	if err == nil && glyph == 0 {
		err = errors.New("the font lacks it")
	}
	if err != nil {
		return nil, fmt.Errorf("glyphs: character %q: %w", char, err)
	}
	segments, err := p.font.LoadGlyph(&p.buffer, glyph, fixed.I(emSize), nil)
	if err != nil {
		return nil, fmt.Errorf("glyphs: character %q: %w", char, err)
	}
	return contours(segments), nil
}

// contours approximates curves by chords. Package vector does that too, but so coarsely that an o of this size loses a
// twentieth of its ink.
func contours(segments sfnt.Segments) [][]point {
	const chords = 16
	var all [][]point
	for _, segment := range segments {
		if segment.Op == sfnt.SegmentOpMoveTo {
			all = append(all, []point{inPixels(segment.Args[0])})
			continue
		}
		contour := &all[len(all)-1]
		if segment.Op == sfnt.SegmentOpLineTo {
			*contour = append(*contour, inPixels(segment.Args[0]))
			continue
		}
		args := segment.Args
		curve := [4]point{(*contour)[len(*contour)-1], inPixels(args[0]), inPixels(args[1]), inPixels(args[2])}
		order := 3
		if segment.Op == sfnt.SegmentOpQuadTo {
			order = 2
		}
		for k := 1; k <= chords; k++ {
			*contour = append(*contour, casteljau(curve, order, float32(k)/chords))
		}
	}
	return all
}

// inPixels converts from 1/64 pixel.
func inPixels(at fixed.Point26_6) point { return point{float32(at.X) / 64, float32(at.Y) / 64} }

// casteljau returns the point at t in [0, 1] of the Bézier curve of the first order+1 points.
func casteljau(curve [4]point, order int, t float32) point {
	for ; order > 0; order-- {
		for i := range order {
			a, b := curve[i], curve[i+1]
			curve[i] = point{a.x + t*(b.x-a.x), a.y + t*(b.y-a.y)}
		}
	}
	return curve[0]
}

// origin returns the origin in the image for which the ink is in the middle of the columns. The ink is centred, not
// the advance width: the position of a letter in a line does not matter here, and slanted letters would extend beyond
// the image.
func origin(outline [][]point) point {
	left, right := float32(math.Inf(1)), float32(math.Inf(-1))
	for _, contour := range outline {
		for _, at := range contour {
			left, right = min(left, at.x), max(right, at.x)
		}
	}
	return point{(Side - left - right) / 2, baseline}
}

// draw fills the outline, placed at origin, into dst [side, side]. A pixel is 255 times its covered share.
func (p *pen) draw(dst []uint8, side int, outline [][]point, origin point) {
	p.raster.Reset(side, side)
	p.raster.DrawOp = draw.Src
	for _, contour := range outline {
		p.raster.MoveTo(origin.x+contour[0].x, origin.y+contour[0].y)
		for _, at := range contour[1:] {
			p.raster.LineTo(origin.x+at.x, origin.y+at.y)
		}
		p.raster.ClosePath()
	}
	mask := image.Alpha{Pix: dst, Stride: side, Rect: image.Rect(0, 0, side, side)}
	p.raster.Draw(&mask, mask.Rect, image.Opaque, image.Point{})
}
