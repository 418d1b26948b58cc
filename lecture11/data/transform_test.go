package data

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"
)

// twoByThree returns one image 3 wide and 2 high.
func twoByThree() *Images {
	return &Images{ID: "tiny", Width: 3, Height: 2, Pixels: []uint8{1, 2, 3, 4, 5, 6}, Labels: []int{7}}
}

func square9() *Images {
	return &Images{ID: "nine", Width: 3, Height: 3, Pixels: []uint8{1, 2, 3, 4, 5, 6, 7, 8, 9}, Labels: []int{0}}
}

// TestTransformsByHand compares with pixels computed by hand.
func TestTransformsByHand(t *testing.T) {
	must := func(s *Images, err error) *Images {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	half := must(square9().Rotated(45))
	for _, c := range []struct {
		got  *Images
		want []uint8
	}{
		{must(twoByThree().Shifted(1, 0)), []uint8{0, 1, 2, 0, 4, 5}},
		{must(twoByThree().Shifted(-1, 1)), []uint8{0, 0, 0, 2, 3, 0}},
		{twoByThree().Inverted(), []uint8{254, 253, 252, 251, 250, 249}},
		{must(square9().Rotated(90)), []uint8{3, 6, 9, 2, 5, 8, 1, 4, 7}},
		{must(square9().Rotated(180)), []uint8{9, 8, 7, 6, 5, 4, 3, 2, 1}},
		{must(square9().Rotated(-90)), []uint8{7, 4, 1, 8, 5, 2, 9, 6, 3}},
		{must(square9().Rotated(360)), square9().Pixels},
		{must(twoByThree().Noisy(0, 1)), twoByThree().Pixels},
	} {
		if !bytes.Equal(c.got.Pixels, c.want) {
			t.Errorf("%s: %d, want %d", c.got.ID, c.got.Pixels, c.want)
		}
	}
	if half.Pixels[4] != 5 {
		t.Errorf("the middle after a rotation by 45°: %d, want 5", half.Pixels[4])
	}
	dot := &Images{ID: "dot", Width: 5, Height: 5, Pixels: make([]uint8, 25), Labels: []int{0}}
	dot.Pixels[4] = 9 // x = 4, y = 0
	centred := must(dot.Centered(3))
	if want := []uint8{0, 0, 0, 0, 9, 0, 0, 0, 0}; !bytes.Equal(centred.Pixels, want) || centred.Width != 3 {
		t.Errorf("centred: %d, want %d", centred.Pixels, want)
	}
}

// TestNoisyMoments: the noise has the requested standard deviation if no pixel is clipped, and depends on the seed.
func TestNoisyMoments(t *testing.T) {
	s := &Images{ID: "grey", Width: 100, Height: 100, Pixels: bytes.Repeat([]uint8{128}, 10_000), Labels: []int{0}}
	a, err := s.Noisy(0.1, 1)
	if err != nil {
		t.Fatal(err)
	}
	sum, square := 0.0, 0.0
	for _, p := range a.Pixels {
		v := (float64(p) - 128) / 255
		sum, square = sum+v, square+v*v
	}
	if mean, std := sum/1e4, math.Sqrt(square/1e4); math.Abs(mean) > 0.004 || math.Abs(std-0.1) > 0.003 {
		t.Errorf("mean %.4f, spread %.4f, want 0 and 0.1", mean, std)
	}
	if b, _ := s.Noisy(0.1, 1); !bytes.Equal(a.Pixels, b.Pixels) || a.ID != b.ID {
		t.Error("the same seed drew other pixels")
	}
	if b, _ := s.Noisy(0.1, 2); bytes.Equal(a.Pixels, b.Pixels) || a.ID == b.ID {
		t.Error("another seed drew the same pixels")
	}
}

// TestLabelled: the given labels are numbered from 0 in their order.
func TestLabelled(t *testing.T) {
	s := &Images{ID: "s", Width: 1, Height: 1, Pixels: []uint8{10, 11, 12, 13}, Labels: []int{5, 1, 7, 5}}
	part, err := s.Labelled(7, 5)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(part.Pixels, []uint8{10, 12, 13}) || !slices.Equal(part.Labels, []int{1, 0, 1}) || s.Labels[0] != 5 {
		t.Errorf("pixels %d, labels %d of %d", part.Pixels, part.Labels, s.Labels)
	}
}

// TestTransformsRefuse: errors name the invalid argument.
func TestTransformsRefuse(t *testing.T) {
	for want, f := range map[string]func() (*Images, error){
		"noise of -1":           func() (*Images, error) { return square9().Noisy(-1, 1) },
		"noise of NaN":          func() (*Images, error) { return square9().Noisy(math.NaN(), 1) },
		"shifted by (17, 0)":    func() (*Images, error) { return square9().Shifted(17, 0) },
		"rotated by NaN":        func() (*Images, error) { return square9().Rotated(math.NaN()) },
		"frame of 0":            func() (*Images, error) { return square9().Centered(0) },
		"no image with a label": func() (*Images, error) { return square9().Labelled(3) },
	} {
		if _, err := f(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}
