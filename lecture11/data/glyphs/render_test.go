package glyphs

import (
	"bytes"
	"image"
	"math"
	"slices"
	"strings"
	"testing"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// eachOutline calls f with the outline of each character of each font.
func eachOutline(t *testing.T, f func(name string, p *pen, char rune, outline [][]point)) {
	t.Helper()
	for _, family := range families() {
		for _, ttf := range family.fonts {
			parsed, err := sfnt.Parse(ttf)
			if err != nil {
				t.Fatal(err)
			}
			name, err := parsed.Name(nil, sfnt.NameIDFull)
			if err != nil {
				t.Fatal(err)
			}
			p := &pen{font: parsed}
			for _, char := range Characters {
				outline, err := p.outline(char)
				if err != nil {
					t.Fatal(err)
				}
				f(name, p, char, outline)
			}
		}
	}
}

// differ reports whether a and b differ anywhere by more than the given number of grey levels.
func differ(a, b []uint8, levels int) bool {
	for i := range a {
		if d := int(a[i]) - int(b[i]); d < -levels || d > levels {
			return true
		}
	}
	return false
}

// TestNothingCut: drawn in the middle of an image three times as large, each character has the same pixels, except for
// the rounding of float32, and none around them.
func TestNothingCut(t *testing.T) {
	const wide = 3 * Side
	small, large := make([]uint8, Side*Side), make([]uint8, wide*wide)
	eachOutline(t, func(name string, p *pen, char rune, outline [][]point) {
		p.draw(small, Side, outline, origin(outline))
		amid := origin(outline)
		p.draw(large, wide, outline, point{amid.x + Side, amid.y + Side})
		inside := 0
		for y := range Side {
			row := large[(Side+y)*wide+Side:][:Side]
			if differ(row, small[y*Side:(y+1)*Side], 1) {
				t.Errorf("%s %c: row %d differs", name, char, y)
			}
			inside += sum(row)
		}
		if all := sum(large); all != inside {
			t.Errorf("%s %c: ink of %d outside the image", name, char, all-inside)
		}
	})
}

func sum(pixels []uint8) int {
	total := 0
	for _, p := range pixels {
		total += int(p)
	}
	return total
}

// TestInk: each image has ink on both sides of the middle column, because its box is centred, and the ink covers at
// most half of it.
func TestInk(t *testing.T) {
	s := load(t)
	for i := range s.Len() {
		left, right, total := Side, -1, 0
		for j, p := range s.Pixels[i*Side*Side : (i+1)*Side*Side] {
			total += int(p)
			if p > 0 {
				left, right = min(left, j%Side), max(right, j%Side)
			}
		}
		if share := float64(total) / (255 * Side * Side); share < 0.003 || share > 0.5 {
			t.Errorf("%s %s: share of ink %.4f", s.FaceOf(i).Name, s.CharacterOf(i), share)
		}
		if off := left - (Side - 1 - right); off < -1 || off > 1 {
			t.Errorf("%s %s: ink from column %d to %d", s.FaceOf(i).Name, s.CharacterOf(i), left, right)
		}
	}
}

// TestBaseline: letters with flat feet end in the last row above the baseline.
func TestBaseline(t *testing.T) {
	s, err := load(t).Of("EHIhiklmnrx")
	if err != nil {
		t.Fatal(err)
	}
	for i := range s.Len() {
		image := s.Pixels[i*Side*Side : (i+1)*Side*Side]
		bottom, black := 0, slices.Max(image)
		for j, p := range image {
			if p > black/2 {
				bottom = j / Side
			}
		}
		if off := bottom - (baseline - 1); off < -1 || off > 1 {
			t.Errorf("%s %s ends in row %d, want %d", s.FaceOf(i).Name, s.CharacterOf(i), bottom, baseline-1)
		}
	}
}

// TestDrawer: package font, drawing 8 times as large, has the same pixels as means over 8×8. Outlines are rounded to
// 1/64 pixel, which is 4 of 255 grey levels at an edge.
func TestDrawer(t *testing.T) {
	const times = 8
	ours, theirs := make([]uint8, Side*Side), make([]uint8, Side*Side)
	faces := map[*sfnt.Font]font.Face{}
	eachOutline(t, func(name string, p *pen, char rune, outline [][]point) {
		if !strings.ContainsRune("AKQRagms78", char) {
			return
		}
		if faces[p.font] == nil {
			options := opentype.FaceOptions{Size: emSize * times, DPI: 72, Hinting: font.HintingNone}
			face, err := opentype.NewFace(p.font, &options)
			if err != nil {
				t.Fatal(err)
			}
			faces[p.font] = face
		}
		at := origin(outline)
		p.draw(ours, Side, outline, at)
		large := image.NewGray(image.Rect(0, 0, times*Side, times*Side))
		drawer := font.Drawer{Dst: large, Src: image.White, Face: faces[p.font],
			Dot: fixed.Point26_6{X: fixed.Int26_6(at.x * times * 64), Y: fixed.Int26_6(at.y * times * 64)}}
		drawer.DrawString(string(char))
		shrink(theirs, large.Pix, times)
		if differ(ours, theirs, 12) {
			t.Errorf("%s %c: package font drew other pixels", name, char)
		}
	})
}

// shrink computes the means of times×times pixels of large.
func shrink(small, large []uint8, times int) {
	sums := make([]int, len(small))
	for j, p := range large {
		x, y := j%(times*Side)/times, j/(times*Side)/times
		sums[y*Side+x] += int(p)
	}
	for j, sum := range sums {
		small[j] = uint8((sum + times*times/2) / (times * times))
	}
}

// TestArea: the ink of a character is the area of its outline, in fonts whose contours do not overlap.
func TestArea(t *testing.T) {
	ink := make([]uint8, Side*Side)
	eachOutline(t, func(name string, p *pen, char rune, outline [][]point) {
		if name != "Liberation Mono" && name != "DejaVu Sans Bold" && name != "Latin Modern Roman 10 Italic" {
			return
		}
		p.draw(ink, Side, outline, origin(outline))
		glyph, err := p.font.GlyphIndex(&p.buffer, char)
		if err != nil {
			t.Fatal(err)
		}
		segments, err := p.font.LoadGlyph(&p.buffer, glyph, fixed.I(emSize), nil)
		if err != nil {
			t.Fatal(err)
		}
		got, want := float64(sum(ink))/255, area(segments)
		if math.Abs(got-want) > 0.005*want {
			t.Errorf("%s %c: ink %.3f pixels, area of the outline %.3f", name, char, got, want)
		}
	})
}

// area returns ½ |Σ ∮ x dy − y dx| over the closed contours, in closed form for lines and for Bézier curves. Let a be
// the start of a curve and a × b = a_x b_y − a_y b_x. A line to b adds a × b. A curve of order 2 by b to c adds (2 a×b
// + 2 b×c + a×c)/3. A curve of order 3 by b and c to d adds (6 a×b + 3 a×c + a×d + 3 b×c + 3 b×d + 6 c×d)/10.
func area(outline sfnt.Segments) float64 {
	cross := func(a, b fixed.Point26_6) float64 {
		return (float64(a.X)*float64(b.Y) - float64(a.Y)*float64(b.X)) / (64 * 64)
	}
	var a, start fixed.Point26_6
	twice := 0.0
	for _, segment := range outline {
		b, c, d := segment.Args[0], segment.Args[1], segment.Args[2]
		switch segment.Op {
		case sfnt.SegmentOpMoveTo:
			twice += cross(a, start)
			a, start = b, b
		case sfnt.SegmentOpLineTo:
			twice += cross(a, b)
			a = b
		case sfnt.SegmentOpQuadTo:
			twice += (2*cross(a, b) + 2*cross(b, c) + cross(a, c)) / 3
			a = c
		case sfnt.SegmentOpCubeTo:
			twice += (6*(cross(a, b)+cross(c, d)) + 3*(cross(a, c)+cross(b, c)+cross(b, d)) + cross(a, d)) / 10
			a = d
		}
	}
	return math.Abs(twice+cross(a, start)) / 2
}

// TestMono: in fonts marked as monospaced all characters have the same advance width, and in no others.
func TestMono(t *testing.T) {
	faces := load(t).Faces
	advances := map[string]map[fixed.Int26_6]bool{}
	eachOutline(t, func(name string, p *pen, char rune, _ [][]point) {
		glyph, err := p.font.GlyphIndex(&p.buffer, char)
		if err != nil {
			t.Fatal(err)
		}
		advance, err := p.font.GlyphAdvance(&p.buffer, glyph, fixed.I(emSize), font.HintingNone)
		if err != nil {
			t.Fatal(err)
		}
		if advances[name] == nil {
			advances[name] = map[fixed.Int26_6]bool{}
		}
		advances[name][advance] = true
	})
	for _, face := range faces {
		if alike := len(advances[face.Name]) == 1; alike != face.Mono {
			t.Errorf("%s: mono %t, %d different advances", face.Name, face.Mono, len(advances[face.Name]))
		}
	}
}

// TestFontsRefuse tries a file that is not a font, a font without a weight, and a character that a font lacks.
func TestFontsRefuse(t *testing.T) {
	noWeight := bytes.Replace(goregular.TTF, []byte("OS/2"), []byte("OS/3"), 1)
	parsed, err := sfnt.Parse(goregular.TTF)
	if err != nil {
		t.Fatal(err)
	}
	p := pen{font: parsed}
	_, lacking := p.outline('漢')
	_, notFont := facesOf([]family{{name: "Wrong", fonts: [][]byte{[]byte("not a font")}}})
	_, unweighed := facesOf([]family{{name: "Light", fonts: [][]byte{noWeight}}})
	_, undrawn := render([]family{{fonts: [][]byte{goregular.TTF, []byte("not a font")}}})
	for _, c := range []struct {
		err  error
		want string
	}{
		{lacking, "glyphs: character '漢': the font lacks it"},
		{notFont, "glyphs: a font of Wrong: "},
		{unweighed, "glyphs: a font of Light: no table OS/2"},
		{undrawn, "glyphs: reading a font: "},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", c.err, c.want)
		}
	}
}
