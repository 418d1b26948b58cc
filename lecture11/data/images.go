// Package data holds the data sets of the lecture, as values that know where they come from. No set needs the network
// beyond Go's module proxy.
package data

import (
	"fmt"
	"image"
	"math/rand/v2"
	"slices"

	"github.com/gomlx/gomlx/core/tensors"
)

// Images is a labelled set of grey images of one size. Methods that derive a set leave the receiver as it is.
type Images struct {
	ID            string  // what the set is and how it was made; equal IDs mean equal pixels and labels
	Width, Height int     // of an image, in pixels
	Pixels        []uint8 // l·Height·Width, row by row; 0 is background, 255 full ink
	Labels        []uint8 // l
}

// Len is the number l of images.
func (s *Images) Len() int { return len(s.Labels) }

// Tensor gives the pixels as bytes, [l, Height·Width]. The models read bytes 0…255 as [0, 1].
func (s *Images) Tensor() *tensors.Tensor {
	return tensors.FromFlatDataAndDimensions(s.Pixels, s.Len(), s.Height*s.Width)
}

// Image gives image i, white ink on a black ground.
func (s *Images) Image(i int) image.Image {
	n := s.Height * s.Width
	return &image.Gray{
		Pix:    s.Pixels[i*n : (i+1)*n],
		Stride: s.Width,
		Rect:   image.Rect(0, 0, s.Width, s.Height),
	}
}

// Head gives the first count images.
func (s *Images) Head(count int) (*Images, error) {
	if count < 1 || count > s.Len() {
		return nil, fmt.Errorf("data: first %d of %s, want 1 to %d images", count, s.ID, s.Len())
	}
	head := *s
	head.Pixels, head.Labels = s.Pixels[:count*s.Height*s.Width], s.Labels[:count]
	head.ID = fmt.Sprintf("%s|first %d", s.ID, count)
	return &head, nil
}

// Shuffled gives the images in an order drawn from the seed. A subset of a file that is sorted in some way, as MNIST's test file is
// (its first half is the easier one), is no sample; the head of a shuffled set is.
func (s *Images) Shuffled(seed uint64) *Images {
	return s.pick(rand.New(rand.NewPCG(seed, 0)).Perm(s.Len()), fmt.Sprintf("shuffled %d", seed))
}

// OfEachLabel gives the first count images of each label, label by label.
func (s *Images) OfEachLabel(count int) (*Images, error) {
	if count < 1 {
		return nil, fmt.Errorf("data: %d images of each label of %s, want at least 1", count, s.ID)
	}
	byLabel := map[uint8][]int{}
	for i, label := range s.Labels {
		if len(byLabel[label]) < count {
			byLabel[label] = append(byLabel[label], i)
		}
	}
	var order []int
	for label := range 256 {
		order = append(order, byLabel[uint8(label)]...)
	}
	return s.pick(order, fmt.Sprintf("%d of each label", count)), nil
}

// pick gives the images at the places of order; what says which they are.
func (s *Images) pick(order []int, what string) *Images {
	picked := *s
	picked.ID = s.ID + "|" + what
	picked.Pixels, picked.Labels = nil, nil
	n := s.Height * s.Width
	for _, i := range order {
		picked.Pixels = append(picked.Pixels, s.Pixels[i*n:(i+1)*n]...)
		picked.Labels = append(picked.Labels, s.Labels[i])
	}
	return &picked
}

// ByInk gives the share of the images with the most ink, or with the least, in the order of the set; at least one.
func (s *Images) ByInk(share float64, most bool) (*Images, error) {
	if !(share > 0 && share <= 1) {
		return nil, fmt.Errorf("data: ByInk: share %g of %s, want a number in (0, 1]", share, s.ID)
	}
	n := s.Height * s.Width
	ink, order := make([]int, s.Len()), make([]int, s.Len())
	for i, p := range s.Pixels {
		ink[i/n] += int(p)
	}
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		if most {
			return ink[b] - ink[a]
		}
		return ink[a] - ink[b]
	})
	chosen := order[:max(1, int(share*float64(s.Len())))]
	slices.Sort(chosen)
	return s.pick(chosen, fmt.Sprintf("share %g by ink, most %t", share, most)), nil
}

// Binarized gives a set of pixels 0 and 255, each drawn once: 255 with probability p/255 for a pixel of value p
// (Salakhutdinov & Murray 2008). The same seed gives the same set: a fixed binarisation, on which bounds of different
// models can be compared.
func (s *Images) Binarized(seed uint64) *Images {
	rng := rand.New(rand.NewPCG(seed, 0))
	fixed := *s
	fixed.ID = fmt.Sprintf("%s|binarized seed %d", s.ID, seed)
	fixed.Pixels = make([]uint8, len(s.Pixels))
	for i, p := range s.Pixels {
		switch p {
		case 0, 255:
			fixed.Pixels[i] = p
		default:
			if rng.Uint32N(255) < uint32(p) {
				fixed.Pixels[i] = 255
			}
		}
	}
	return &fixed
}

// Pictures gives all images of the set, as Image does.
func (s *Images) Pictures() []image.Image {
	pictures := make([]image.Image, s.Len())
	for i := range pictures {
		pictures[i] = s.Image(i)
	}
	return pictures
}

// Repeat gives each image count times in a row, as the models do that make count objects for each.
func (s *Images) Repeat(count int) *Images {
	var order []int
	for i := range s.Len() {
		for range count {
			order = append(order, i)
		}
	}
	return s.pick(order, fmt.Sprintf("each %d times", count))
}
