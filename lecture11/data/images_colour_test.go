package data

import (
	"bytes"
	"image/color"
	"math/rand/v2"
	"slices"
	"testing"
)

// colourToy returns 5 images of 4 × 6 pixels in colour, with labels, files and different pixels.
func colourToy() *Images {
	rng := rand.New(rand.NewPCG(3, 0))
	s := &Images{ID: "colours", Width: 4, Height: 6, Channels: 3, Labels: []int{0, 1, 0, 2, 1}, Classes: []string{"a", "b", "c"},
		Files: []string{"v", "w", "x", "y", "z"}}
	for range s.Dim() * 5 {
		s.Pixels = append(s.Pixels, uint8(rng.Uint32()))
	}
	return s
}

// plane returns one channel of a set as a grey set.
func plane(s *Images, c int) *Images {
	grey := &Images{ID: "plane", Width: s.Width, Height: s.Height, Labels: s.Labels}
	for i := c; i < len(s.Pixels); i += 3 {
		grey.Pixels = append(grey.Pixels, s.Pixels[i])
	}
	return grey
}

// TestColourIsThreePlanes: methods treat each channel of images in colour like a grey image.
func TestColourIsThreePlanes(t *testing.T) {
	must := func(s *Images, err error) *Images {
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for name, f := range map[string]func(s *Images) *Images{
		"Head":        func(s *Images) *Images { return must(s.Head(3)) },
		"Shuffled":    func(s *Images) *Images { return s.Shuffled(5) },
		"OfEachLabel": func(s *Images) *Images { return must(s.OfEachLabel(1)) },
		"Labelled":    func(s *Images) *Images { return must(s.Labelled(2, 1)) },
		"Inverted":    func(s *Images) *Images { return s.Inverted() },
		"Shifted":     func(s *Images) *Images { return must(s.Shifted(1, -2)) },
		"Rotated":     func(s *Images) *Images { return must(s.Rotated(30)) },
		"Repeat":      func(s *Images) *Images { return s.Repeat(2) },
		"Part":        func(s *Images) *Images { return must(s.Part(1, 5, 2)) },
	} {
		colour := f(colourToy())
		for c := range 3 {
			if want := f(plane(colourToy(), c)); !bytes.Equal(plane(colour, c).Pixels, want.Pixels) || !slices.Equal(colour.Labels, want.Labels) {
				t.Errorf("%s: channel %d differs from the result of the method on this channel alone", name, c)
			}
		}
		if dims := colour.Tensor().Shape().Dimensions; dims[0] != colour.Len() || dims[1] != 4*6*3 {
			t.Errorf("%s: tensor %v, want [%d, 72]", name, dims, colour.Len())
		}
	}
}

// TestColourImage: an image of the set has the colours of its pixels, and file names stay with their images.
func TestColourImage(t *testing.T) {
	s := colourToy()
	picture := s.Image(1)
	for y := range 6 {
		for x := range 4 {
			p := s.Pixels[72+(y*4+x)*3:]
			if got, want := picture.At(x, y), (color.RGBA{p[0], p[1], p[2], 255}); got != want {
				t.Errorf("pixel (%d, %d) is %v, want %v", x, y, got, want)
			}
		}
	}
	part, err := s.Labelled(2, 1)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(part.Files, []string{"w", "y", "z"}) || !slices.Equal(part.Classes, []string{"c", "b"}) || !slices.Equal(part.Labels, []int{1, 0, 1}) {
		t.Errorf("files %v, classes %v, labels %v", part.Files, part.Classes, part.Labels)
	}
}

// TestCentredColour: the ink of all channels together is centred, and all channels are shifted by the same amount.
func TestCentredColour(t *testing.T) {
	s := &Images{ID: "spot", Width: 5, Height: 7, Channels: 3, Pixels: make([]uint8, 5*7*3)}
	copy(s.Pixels[(1*5+0)*3:], []uint8{10, 20, 30}) // at x = 0, y = 1
	c, err := s.Centered(9)
	if err != nil {
		t.Fatal(err)
	}
	want := make([]uint8, 9*9*3)
	copy(want[(4*9+4)*3:], []uint8{10, 20, 30})
	if !bytes.Equal(c.Pixels, want) || c.Len() != 1 {
		t.Errorf("%d images, the spot is not in the middle", c.Len())
	}
}

// TestWithoutLabels: sets derived from a set without labels have none, and methods that need labels return an error.
func TestWithoutLabels(t *testing.T) {
	s := colourToy()
	s.Labels = nil
	if s.Len() != 5 || s.Shuffled(1).Len() != 5 || s.Shuffled(1).Labels != nil {
		t.Errorf("%d images, shuffled %d with labels %v", s.Len(), s.Shuffled(1).Len(), s.Shuffled(1).Labels)
	}
	if _, err := s.OfEachLabel(1); err == nil {
		t.Error("OfEachLabel(1) of a set without labels returned no error")
	}
	square := &Images{ID: "square", Width: 2, Height: 2, Pixels: []uint8{1, 2, 3, 4}}
	turns, err := square.QuarterTurns()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(turns.Labels, []int{0, 1, 2, 3}) || !bytes.Equal(turns.Pixels[4:8], []uint8{2, 4, 1, 3}) {
		t.Errorf("labels %v, pixels %v", turns.Labels, turns.Pixels)
	}
}
