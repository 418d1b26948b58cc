package data

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// randomImage returns one image of random pixels.
func randomImage(width, height int) *Images {
	rng := rand.New(rand.NewPCG(3, 0))
	s := &Images{ID: "random", Width: width, Height: height, Labels: []int{0}, Pixels: make([]uint8, width*height)}
	for i := range s.Pixels {
		s.Pixels[i] = uint8(rng.UintN(256))
	}
	return s
}

// TestRotatedNaive compares an image that is not square, rotated by 30°, with a loop over pixels.
func TestRotatedNaive(t *testing.T) {
	s := randomImage(6, 5)
	at := func(x, y int) float64 {
		if x < 0 || x >= 6 || y < 0 || y >= 5 {
			return 0
		}
		return float64(s.Pixels[y*6+x])
	}
	got, err := s.Rotated(30)
	if err != nil {
		t.Fatal(err)
	}
	sin, cos := math.Sincos(math.Pi / 6)
	for i, p := range got.Pixels {
		u, v := float64(i%6)-2.5, float64(i/6)-2
		x, y := cos*u-sin*v+2.5, sin*u+cos*v+2
		x0, y0 := int(math.Floor(x)), int(math.Floor(y))
		want := 0.0
		for row := y0; row <= y0+1; row++ {
			for column := x0; column <= x0+1; column++ {
				want += (1 - math.Abs(x-float64(column))) * (1 - math.Abs(y-float64(row))) * at(column, row)
			}
		}
		if math.Abs(float64(p)-want) > 0.5+1e-9 {
			t.Errorf("pixel %d, %d rotated by 30° is %d, want %.2f", i%6, i/6, p, want)
		}
	}
}

// TestQuarterTurns: each image occurs four times, in order. A bar that equals its own half turn is the same image
// after turning and centring.
func TestQuarterTurns(t *testing.T) {
	s := &Images{ID: "two", Width: 3, Height: 3, Labels: []int{5, 7}, Pixels: []uint8{
		1, 2, 3, 4, 5, 6, 7, 8, 9,
		0, 0, 0, 0, 0, 0, 7, 7, 0,
	}}
	turns, err := s.QuarterTurns()
	if err != nil {
		t.Fatal(err)
	}
	if turns.ID != "two|quarter turns" || !slices.Equal(turns.Labels, []int{0, 1, 2, 3, 0, 1, 2, 3}) {
		t.Errorf("%s with labels %v", turns.ID, turns.Labels)
	}
	turned := s
	for turn := range 4 {
		for i := range s.Len() {
			if got, want := turns.Pixels[(4*i+turn)*9:(4*i+turn+1)*9], turned.Pixels[i*9:(i+1)*9]; !slices.Equal(got, want) {
				t.Errorf("image %d, %d quarter turns: %v, want %v", i, turn, got, want)
			}
		}
		if turned, err = turned.Rotated(90); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(turned.Pixels, s.Pixels) {
		t.Errorf("four turns by 90°: %v, want the original", turned.Pixels)
	}
	centred, err := turns.Centered(3)
	if err != nil {
		t.Fatal(err)
	}
	if bar := centred.Pixels[4*9:]; !slices.Equal(bar[:9], bar[2*9:3*9]) || slices.Equal(bar[:9], bar[9:2*9]) {
		t.Errorf("a bar turned and centred: %v", bar)
	}
}

func TestPart(t *testing.T) {
	s := &Images{ID: "five", Width: 1, Height: 1, Pixels: []uint8{0, 1, 2, 3, 4}, Labels: []int{5, 6, 7, 8, 9}}
	part, err := s.Part(1, 5, 2)
	if err != nil {
		t.Fatal(err)
	}
	if part.ID != "five|1 to 5 by 2" || !slices.Equal(part.Pixels, []uint8{1, 3}) || !slices.Equal(part.Labels, []int{6, 8}) {
		t.Errorf("%+v, want images 1 and 3", part)
	}
}

func TestTurnsRefuse(t *testing.T) {
	s := randomImage(2, 1)
	for want, call := range map[string]func() (*Images, error){
		"Part(1, 1, 1) of random, want 0 ≤ from < to ≤ 1": func() (*Images, error) { return s.Part(1, 1, 1) },
		"Part(0, 2, 1)":                     func() (*Images, error) { return s.Part(0, 2, 1) },
		"Part(-1, 1, 1)":                    func() (*Images, error) { return s.Part(-1, 1, 1) },
		"Part(0, 1, 0)":                     func() (*Images, error) { return s.Part(0, 1, 0) },
		"images of 2×1 pixels, want square": func() (*Images, error) { return s.QuarterTurns() },
	} {
		if got, err := call(); err == nil || got != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that contains %q", err, want)
		}
	}
}
