package data

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// square is two images of 3×3 pixels, with labels.
func square() *Images {
	return &Images{ID: "square", Width: 3, Height: 3, Labels: []uint8{5, 7}, Pixels: []uint8{
		1, 2, 3,
		4, 5, 6,
		7, 8, 9,
		10, 0, 0,
		0, 20, 0,
		0, 0, 30,
	}}
}

// derived gives what a method returned, which must not be an error.
func derived(t *testing.T) func(*Images, error) *Images {
	return func(s *Images, err error) *Images {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
}

// TestTransformsByHand: each transform of a 3×3 image is the one drawn by hand, has an ID that says so, keeps the labels
// and leaves the receiver as it was.
func TestTransformsByHand(t *testing.T) {
	s := square()
	for _, c := range []struct {
		id   string
		got  *Images
		want []uint8 // of the first image
	}{
		{"square|shifted 1, 0", derived(t)(s.Shifted(1, 0)), []uint8{0, 1, 2, 0, 4, 5, 0, 7, 8}},
		{"square|shifted -1, 2", derived(t)(s.Shifted(-1, 2)), []uint8{0, 0, 0, 0, 0, 0, 2, 3, 0}},
		{"square|shifted 0, -1", derived(t)(s.Shifted(0, -1)), []uint8{4, 5, 6, 7, 8, 9, 0, 0, 0}},
		{"square|rotated 0", derived(t)(s.Rotated(0)), s.Pixels[:9]},
		{"square|rotated 90", derived(t)(s.Rotated(90)), []uint8{3, 6, 9, 2, 5, 8, 1, 4, 7}},
		{"square|rotated 180", derived(t)(s.Rotated(180)), []uint8{9, 8, 7, 6, 5, 4, 3, 2, 1}},
		{"square|rotated -90", derived(t)(s.Rotated(-90)), []uint8{7, 4, 1, 8, 5, 2, 9, 6, 3}},
		{"square|rotated 450", derived(t)(s.Rotated(450)), []uint8{3, 6, 9, 2, 5, 8, 1, 4, 7}},
		{"square|noisy 0 seed 1", derived(t)(s.Noisy(0, 1)), s.Pixels[:9]},
		{"square|inverted", s.Inverted(), []uint8{254, 253, 252, 251, 250, 249, 248, 247, 246}},
	} {
		if c.got.ID != c.id || !slices.Equal(c.got.Pixels[:9], c.want) || !slices.Equal(c.got.Labels, s.Labels) {
			t.Errorf("%s, labels %v: %v\nwant %s: %v", c.got.ID, c.got.Labels, c.got.Pixels[:9], c.id, c.want)
		}
	}
	if !slices.Equal(s.Pixels, square().Pixels) {
		t.Error("the receiver has changed")
	}
}

// TestRotatedNaive: 30° against a loop that looks up each pixel for itself, and a corner's weights by hand for 45°: the
// pixel right of the centre comes from (cos 45°, sin 45°) away, the bilinear mean of 5, 6, 8 and 9.
func TestRotatedNaive(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 0))
	s := &Images{ID: "random", Width: 6, Height: 5, Labels: []uint8{0}, Pixels: make([]uint8, 30)}
	for i := range s.Pixels {
		s.Pixels[i] = uint8(rng.UintN(256))
	}
	at := func(x, y int) float64 {
		if x < 0 || x >= 6 || y < 0 || y >= 5 {
			return 0
		}
		return float64(s.Pixels[y*6+x])
	}
	got := derived(t)(s.Rotated(30))
	sin, cos := math.Sincos(math.Pi / 6)
	for i, p := range got.Pixels {
		u, v := float64(i%6)-2.5, float64(i/6)-2
		x, y := cos*u-sin*v+2.5, sin*u+cos*v+2
		x0, y0 := int(math.Floor(x)), int(math.Floor(y))
		fx, fy := x-float64(x0), y-float64(y0)
		want := (1-fy)*((1-fx)*at(x0, y0)+fx*at(x0+1, y0)) + fy*((1-fx)*at(x0, y0+1)+fx*at(x0+1, y0+1))
		if math.Abs(float64(p)-want) > 0.5+1e-9 {
			t.Errorf("pixel %d, %d turned by 30° is %d, want %.2f", i%6, i/6, p, want)
		}
	}
	c := math.Sqrt(0.5)
	want := math.Round((1-c)*(1-c)*5 + c*(1-c)*6 + c*(1-c)*8 + c*c*9)
	if got := derived(t)(square().Rotated(45)).Pixels[5]; float64(got) != want {
		t.Errorf("right of the centre at 45°: %d, want %g", got, want)
	}
}

// TestNoisyMoments: on a ground of one half the noise has mean 0 and standard deviation σ; on a black ground it is
// max(0, σε) with mean σ/√(2π). A seed gives one set, another seed another.
func TestNoisyMoments(t *testing.T) {
	const l = 200_000
	for ground, wantMean := range map[uint8]float64{128: 128, 0: 255 * 0.1 / math.Sqrt(2*math.Pi)} {
		s := &Images{ID: "flat", Width: 500, Height: l / 500, Labels: []uint8{0}, Pixels: slices.Repeat([]uint8{ground}, l)}
		noisy := derived(t)(s.Noisy(0.1, 4))
		mean, square := 0.0, 0.0
		for _, p := range noisy.Pixels {
			mean += float64(p) / l
			square += (float64(p) - 128) * (float64(p) - 128) / l
		}
		if math.Abs(mean-wantMean) > 4*25.5/math.Sqrt(l) {
			t.Errorf("ground %d: mean %.3f, want %.3f within 4 standard errors", ground, mean, wantMean)
		}
		if std := math.Sqrt(square); ground == 128 && math.Abs(std-25.5) > 4*25.5/math.Sqrt(2*l) {
			t.Errorf("standard deviation %.3f, want 25.5 within 4 standard errors", std)
		}
		if again := derived(t)(s.Noisy(0.1, 4)); !slices.Equal(again.Pixels, noisy.Pixels) {
			t.Error("the same seed gives other noise")
		}
		if other := derived(t)(s.Noisy(0.1, 5)); slices.Equal(other.Pixels, noisy.Pixels) {
			t.Error("another seed gives the same noise")
		}
	}
}

// TestQuarterTurns: four of each, in order, and four turns of 90° come back.
func TestQuarterTurns(t *testing.T) {
	s := square()
	turns := derived(t)(s.QuarterTurns())
	if turns.ID != "square|quarter turns" || !slices.Equal(turns.Labels, []uint8{0, 1, 2, 3, 0, 1, 2, 3}) {
		t.Errorf("%s with labels %v", turns.ID, turns.Labels)
	}
	turned := s
	for turn := range 4 {
		for i := range s.Len() {
			if got, want := turns.Pixels[(4*i+turn)*9:(4*i+turn+1)*9], turned.Pixels[i*9:(i+1)*9]; !slices.Equal(got, want) {
				t.Errorf("image %d, %d quarter turns: %v, want %v", i, turn, got, want)
			}
		}
		turned = derived(t)(turned.Rotated(90))
	}
	if !slices.Equal(turned.Pixels, s.Pixels) {
		t.Errorf("four turns by 90°: %v, want the original", turned.Pixels)
	}
}

func TestTransformsRefuse(t *testing.T) {
	s, wide := square(), &Images{ID: "wide", Width: 2, Height: 1, Pixels: []uint8{1, 2}, Labels: []uint8{0}}
	for want, call := range map[string]func() (*Images, error){
		"Shifted(3, 0) of square, want less than the 3×3": func() (*Images, error) { return s.Shifted(3, 0) },
		"Shifted(0, -3)":                    func() (*Images, error) { return s.Shifted(0, -3) },
		"Rotated(NaN) of square":            func() (*Images, error) { return s.Rotated(math.NaN()) },
		"Rotated(+Inf)":                     func() (*Images, error) { return s.Rotated(math.Inf(1)) },
		"Noisy(-0.1) of square, want σ ≥ 0": func() (*Images, error) { return s.Noisy(-0.1, 1) },
		"Noisy(NaN)":                        func() (*Images, error) { return s.Noisy(math.NaN(), 1) },
		"images of 2×1 pixels, want square": func() (*Images, error) { return wide.QuarterTurns() },
	} {
		if got, err := call(); err == nil || got != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that contains %q", err, want)
		}
	}
}
