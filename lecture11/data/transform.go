package data

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// The transforms keep the order and the labels of the images. A set that embeds Images and knows more of each, as those of
// package glyphs do, takes the new images in place of its own: turned := *set; turned.Images = *rotated.

// Shifted moves what the images show by dx pixels to the right and dy pixels down, or the other way where they are
// negative. Background, 0, comes in; what leaves the frame is lost.
//
// Slide "Domain shift".
func (s *Images) Shifted(dx, dy int) (*Images, error) {
	if max(dx, -dx) >= s.Width || max(dy, -dy) >= s.Height {
		return nil, fmt.Errorf("data: Shifted(%d, %d) of %s, want less than the %d×%d pixels of an image",
			dx, dy, s.ID, s.Width, s.Height)
	}
	return s.transformed(fmt.Sprintf("shifted %d, %d", dx, dy), func(to, from []uint8) {
		for y := max(dy, 0); y < min(s.Height, s.Height+dy); y++ {
			left, right := max(dx, 0), min(s.Width, s.Width+dx)
			copy(to[y*s.Width+left:y*s.Width+right], from[(y-dy)*s.Width+left-dx:])
		}
	}), nil
}

// Rotated turns the images counter-clockwise about their centre ((Width − 1)/2, (Height − 1)/2). A pixel is the bilinear
// mean of the four around the place that it comes from, rounded to a byte; beyond the frame is background, 0. Multiples of
// 90° turn square images exactly: each pixel is one of the original's.
//
// Slides "Domain shift" and "Self-supervised (pretext) tasks".
func (s *Images) Rotated(degrees float64) (*Images, error) {
	if math.IsNaN(degrees) || math.IsInf(degrees, 0) {
		return nil, fmt.Errorf("data: Rotated(%g) of %s, want a finite number of degrees", degrees, s.ID)
	}
	taps := rotation(s.Width, s.Height, degrees)
	return s.transformed(fmt.Sprintf("rotated %g", degrees), func(to, from []uint8) {
		for i, pixel := range taps {
			value := 0.0
			for _, tap := range pixel {
				value += tap.weight * float64(from[tap.index])
			}
			to[i] = uint8(math.Round(value))
		}
	}), nil
}

// tap is a pixel of the original and its weight in a pixel of the result.
type tap struct {
	index  int
	weight float64
}

// rotation gives the taps of each pixel of a turned image.
func rotation(width, height int, degrees float64) [][]tap {
	sin, cos := sinCos(degrees)
	midX, midY := float64(width-1)/2, float64(height-1)/2
	taps := make([][]tap, width*height)
	for i := range taps {
		u, v := float64(i%width)-midX, float64(i/width)-midY
		taps[i] = bilinear(width, height, cos*u-sin*v+midX, sin*u+cos*v+midY)
	}
	return taps
}

// sinCos is exact for multiples of 90°.
func sinCos(degrees float64) (sin, cos float64) {
	degrees = math.Mod(math.Mod(degrees, 360)+360, 360)
	switch degrees {
	case 0:
		return 0, 1
	case 90:
		return 1, 0
	case 180:
		return 0, -1
	case 270:
		return -1, 0
	}
	return math.Sincos(degrees * math.Pi / 180)
}

// bilinear gives the pixels around the place (x, y) that lie within the frame, with their weights.
func bilinear(width, height int, x, y float64) []tap {
	left, top := math.Floor(x), math.Floor(y)
	var taps []tap
	for _, corner := range [][2]float64{{0, 0}, {1, 0}, {0, 1}, {1, 1}} {
		column, row := left+corner[0], top+corner[1]
		weight := (1 - math.Abs(x-column)) * (1 - math.Abs(y-row))
		if weight > 0 && column >= 0 && column < float64(width) && row >= 0 && row < float64(height) {
			taps = append(taps, tap{int(row)*width + int(column), weight})
		}
	}
	return taps
}

// Noisy adds Gaussian noise of standard deviation sigma to each pixel, in units of [0, 1], clips to [0, 1] and rounds to a
// byte. On a background of 0 clipping keeps the upper half of the noise alone. The same seed gives the same set.
//
// Slide "Domain shift".
func (s *Images) Noisy(sigma float64, seed uint64) (*Images, error) {
	if !(sigma >= 0) || math.IsInf(sigma, 0) {
		return nil, fmt.Errorf("data: Noisy(%g) of %s, want σ ≥ 0 in units of [0, 1]", sigma, s.ID)
	}
	rng := rand.New(rand.NewPCG(seed, 0))
	return s.transformed(fmt.Sprintf("noisy %g seed %d", sigma, seed), func(to, from []uint8) {
		for i, p := range from {
			value := float64(p) + 255*sigma*rng.NormFloat64()
			to[i] = uint8(math.Round(min(max(value, 0), 255)))
		}
	}), nil
}

// Inverted gives the negative: ink becomes background, 255 − p for a pixel p.
func (s *Images) Inverted() *Images {
	return s.transformed("inverted", func(to, from []uint8) {
		for i, p := range from {
			to[i] = 255 - p
		}
	})
}

// QuarterTurns gives each image four times in a row, turned counter-clockwise by 0°, 90°, 180° and 270°. The label is the
// number of quarter turns, 0 … 3: labels that the images make themselves. Image i shows image i/4 of the receiver.
//
// Slide "Self-supervised (pretext) tasks"; Gidaris, Singh & Komodakis 2018.
func (s *Images) QuarterTurns() (*Images, error) {
	if s.Width != s.Height {
		return nil, fmt.Errorf("data: QuarterTurns of %s with images of %d×%d pixels, want square ones", s.ID, s.Width, s.Height)
	}
	turns := s.Repeat(4)
	turns.ID = s.ID + "|quarter turns"
	n := s.Width * s.Height
	for turn := range 4 {
		turned, err := s.Rotated(float64(90 * turn))
		if err != nil {
			return nil, err
		}
		for i := range s.Len() {
			copy(turns.Pixels[(4*i+turn)*n:], turned.Pixels[i*n:(i+1)*n])
			turns.Labels[4*i+turn] = uint8(turn)
		}
	}
	return turns, nil
}

// transformed gives a set of the same labels, whose images transform draws on a black ground; what says how.
func (s *Images) transformed(what string, transform func(to, from []uint8)) *Images {
	made := *s
	made.ID = s.ID + "|" + what
	made.Pixels = make([]uint8, len(s.Pixels))
	n := s.Height * s.Width
	for i := range s.Len() {
		transform(made.Pixels[i*n:(i+1)*n], s.Pixels[i*n:(i+1)*n])
	}
	return &made
}
