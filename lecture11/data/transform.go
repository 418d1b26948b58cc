package data

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// maxShift bounds shifts in pixels, so that some of the image stays visible.
const maxShift = 16

// derived returns a set with the same labels. fill computes the pixels of image i from in and writes them to out. what
// describes the change in the ID.
func (s *Images) derived(what string, fill func(i int, in, out []uint8)) *Images {
	d := *s
	d.ID = s.ID + "|" + what
	d.Pixels = make([]uint8, len(s.Pixels))
	n := s.Dim()
	for i := range s.Len() {
		fill(i, s.Pixels[i*n:(i+1)*n], d.Pixels[i*n:(i+1)*n])
	}
	return &d
}

// Noisy adds Gaussian noise of standard deviation sigma, in units of full ink, to each pixel and clips it to 0 … 255.
func (s *Images) Noisy(sigma float64, seed uint64) (*Images, error) {
	if !(sigma >= 0) || math.IsInf(sigma, 0) {
		return nil, fmt.Errorf("data: noise of %g on %s, want σ ≥ 0", sigma, s.ID)
	}
	rng := rand.New(rand.NewPCG(seed, 3))
	return s.derived(fmt.Sprintf("noise %g seed %d", sigma, seed), func(_ int, in, out []uint8) {
		for j, p := range in {
			out[j] = grey(float64(p) + 255*sigma*rng.NormFloat64())
		}
	}), nil
}

// grey rounds to a pixel value.
func grey(v float64) uint8 { return uint8(math.Round(min(255, max(0, v)))) }

// Inverted swaps ink and background.
func (s *Images) Inverted() *Images {
	return s.derived("inverted", func(_ int, in, out []uint8) {
		for j, p := range in {
			out[j] = 255 - p
		}
	})
}

// Shifted moves the images by dx pixels to the right and dy down. Pixels that leave the image are lost.
func (s *Images) Shifted(dx, dy int) (*Images, error) {
	if max(dx, -dx, dy, -dy) > maxShift {
		return nil, fmt.Errorf("data: %s shifted by (%d, %d), want at most %d pixels", s.ID, dx, dy, maxShift)
	}
	return s.derived(fmt.Sprintf("shift %d,%d", dx, dy), func(_ int, in, out []uint8) {
		s.eachNumber(out, func(x, y, c int) uint8 { return s.at(in, x-dx, y-dy, c) })
	}), nil
}

// eachNumber fills an image with the value of each channel c of each pixel (x, y).
func (s *Images) eachNumber(out []uint8, value func(x, y, c int) uint8) {
	j := 0
	for y := range s.Height {
		for x := range s.Width {
			for c := range s.channels() {
				out[j] = value(x, y, c)
				j++
			}
		}
	}
}

// at returns channel c of the pixel at (x, y), or 0 outside the image.
func (s *Images) at(pixels []uint8, x, y, c int) uint8 {
	if x < 0 || y < 0 || x >= s.Width || y >= s.Height {
		return 0
	}
	return pixels[(y*s.Width+x)*s.channels()+c]
}

// Rotated rotates the images counter-clockwise around their middle by the given number of degrees. Pixels are
// interpolated bilinearly; multiples of 90 degrees of a square image are exact. Corners become background.
func (s *Images) Rotated(degrees float64) (*Images, error) {
	if math.IsNaN(degrees) || math.IsInf(degrees, 0) {
		return nil, fmt.Errorf("data: %s rotated by %g degrees, want a number", s.ID, degrees)
	}
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	if quarter := degrees / 90; quarter == math.Trunc(quarter) {
		sin, cos = math.Round(sin), math.Round(cos)
	}
	cx, cy := float64(s.Width-1)/2, float64(s.Height-1)/2
	return s.derived(fmt.Sprintf("rotation %g", degrees), func(_ int, in, out []uint8) {
		s.eachNumber(out, func(x, y, c int) uint8 {
			// The point that is rotated to this pixel: rotated back, with y down.
			dx, dy := float64(x)-cx, float64(y)-cy
			return s.between(in, cx+cos*dx-sin*dy, cy+sin*dx+cos*dy, c)
		})
	}), nil
}

// between returns channel c at a point between pixels.
func (s *Images) between(pixels []uint8, x, y float64, c int) uint8 {
	x0, y0 := math.Floor(x), math.Floor(y)
	fx, fy := x-x0, y-y0
	i, j := int(x0), int(y0)
	top := (1-fx)*float64(s.at(pixels, i, j, c)) + fx*float64(s.at(pixels, i+1, j, c))
	foot := (1-fx)*float64(s.at(pixels, i, j+1, c)) + fx*float64(s.at(pixels, i+1, j+1, c))
	return grey((1-fy)*top + fy*foot)
}

// Centered moves the centre of mass of the ink of each image, rounded to a pixel, to the middle of a frame of side ×
// side pixels, as in MNIST.
func (s *Images) Centered(side int) (*Images, error) {
	if side < 1 || side > 256 {
		return nil, fmt.Errorf("data: %s centred in a frame of %d pixels, want 1 to 256", s.ID, side)
	}
	d := *s
	d.ID = fmt.Sprintf("%s|centred %d", s.ID, side)
	d.Width, d.Height = side, side
	n, m := s.Dim(), d.Dim()
	d.Pixels = make([]uint8, s.Len()*m)
	for i := range s.Len() {
		in := s.Pixels[i*n : (i+1)*n]
		cx, cy := s.centre(in)
		d.eachNumber(d.Pixels[i*m:(i+1)*m], func(x, y, c int) uint8 { return s.at(in, x+cx-side/2, y+cy-side/2, c) })
	}
	return &d, nil
}

// centre returns the centre of mass of the ink, or the middle of an image without ink.
func (s *Images) centre(pixels []uint8) (x, y int) {
	var ink, sumX, sumY float64
	for j, p := range pixels {
		at := j / s.channels()
		ink += float64(p)
		sumX += float64(p) * float64(at%s.Width)
		sumY += float64(p) * float64(at/s.Width)
	}
	if ink == 0 {
		return s.Width / 2, s.Height / 2
	}
	return int(math.Round(sumX / ink)), int(math.Round(sumY / ink))
}

// Labelled returns the images with one of the given labels, which become 0, 1, 2 … in the order given. For example,
// the digits 5 to 9 become a task of five classes.
func (s *Images) Labelled(labels ...int) (*Images, error) {
	var order []int
	for i, label := range s.Labels {
		if slices.Contains(labels, label) {
			order = append(order, i)
		}
	}
	if len(order) == 0 {
		return nil, fmt.Errorf("data: %s has no image with a label of %d", s.ID, labels)
	}
	part := s.pick(order, fmt.Sprintf("labels %d", labels))
	part.Labels, part.Classes = slices.Clone(part.Labels), nil
	for _, label := range labels {
		if int(label) < len(s.Classes) {
			part.Classes = append(part.Classes, s.Classes[label])
		}
	}
	for i, label := range part.Labels {
		part.Labels[i] = slices.Index(labels, label)
	}
	return part, nil
}
