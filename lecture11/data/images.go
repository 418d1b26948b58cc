// Package data holds the data sets of the lecture, as values that record their origin. It also reads your data into
// the same types: [FromCSV], [FromImages], [FromNPY], [FromIDX] and [FromRows]. The sets of the lecture need no
// network besides Go's module proxy.
//
// Objects with numeric features are [Points], images are [Images]. Both have an ID that is part of the key of a
// trained model. The ID of data that were read has the name of the file and a hash of the content, so that changed
// data have another ID. Print a set to see its description: the numbers of objects and features, the type and range of
// the values, the classes, the scaling, and how it was read. Values are never scaled implicitly; use
// [Points.Standardized].
package data

import (
	"fmt"
	"image"
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/gomlx/gomlx/core/tensors"
)

// Images is a set of l images of one size, grey or in colour, with labels if the set has classes. Methods that return
// a derived set do not change the receiver.
type Images struct {
	ID            string // the set and its changes; equal IDs mean equal pixels and labels
	Width, Height int    // of an image, in pixels
	Channels      int    // numbers per pixel: 1 or 0 for grey, or 3 for red, green and blue

	// Pixels are l·Height·Width·Channels bytes: image by image, row by row from the top, pixel by pixel from the left,
	// with the channels of a pixel together. In grey sets of the lecture 0 is background and 255 full ink.
	Pixels []uint8

	Labels  []int    // l, or nil for a set without classes
	Classes []string // names of the labels 0, 1, …; nil if they have no names
	Files   []string // l names of the files of the images; nil if they were not read from files
	Source  string   // how the set was read from files, in words; "" for others
}

// Len returns the number l of images.
func (s *Images) Len() int {
	if s.Labels == nil && s.Dim() > 0 {
		return len(s.Pixels) / s.Dim()
	}
	return len(s.Labels)
}

// Dim returns the number of components of an image as an object, Height·Width·Channels.
func (s *Images) Dim() int { return s.Height * s.Width * s.channels() }

// channels returns the number of channels of a pixel.
func (s *Images) channels() int { return max(1, s.Channels) }

// Tensor returns the pixels as bytes, [l, Height·Width·Channels]. The models read bytes 0…255 as [0, 1].
func (s *Images) Tensor() *tensors.Tensor {
	return tensors.FromFlatDataAndDimensions(s.Pixels, s.Len(), s.Dim())
}

// Image returns image i. A grey one has white ink on black.
func (s *Images) Image(i int) image.Image {
	pixels := s.Pixels[i*s.Dim() : (i+1)*s.Dim()]
	frame := image.Rect(0, 0, s.Width, s.Height)
	if s.channels() == 1 {
		return &image.Gray{Pix: pixels, Stride: s.Width, Rect: frame}
	}
	picture := image.NewRGBA(frame)
	for p := range s.Width * s.Height {
		copy(picture.Pix[4*p:], pixels[3*p:3*p+3])
		picture.Pix[4*p+3] = 255
	}
	return picture
}

// Head returns the first count images.
func (s *Images) Head(count int) (*Images, error) {
	if count < 1 || count > s.Len() {
		return nil, fmt.Errorf("data: first %d of %s, want 1 to %d images", count, s.ID, s.Len())
	}
	head := *s
	head.ID = fmt.Sprintf("%s|first %d", s.ID, count)
	head.Pixels = s.Pixels[:count*s.Dim()]
	if s.Labels != nil {
		head.Labels = s.Labels[:count]
	}
	if s.Files != nil {
		head.Files = s.Files[:count]
	}
	return &head, nil
}

// Shuffled returns the images in an order drawn from the seed. The head of a shuffled set is a random sample. The head
// of a file may not be one: the first half of MNIST's test file is easier than the second.
func (s *Images) Shuffled(seed uint64) *Images {
	return s.pick(rand.New(rand.NewPCG(seed, 0)).Perm(s.Len()), fmt.Sprintf("shuffled %d", seed))
}

// OfEachLabel returns the first count images of each label, label by label.
func (s *Images) OfEachLabel(count int) (*Images, error) {
	if count < 1 {
		return nil, fmt.Errorf("data: %d images of each label of %s, want at least 1", count, s.ID)
	}
	if s.Labels == nil {
		return nil, fmt.Errorf("data: %d images of each label of %s, want a set with labels", count, s.ID)
	}
	byLabel := map[int][]int{}
	for i, label := range s.Labels {
		if len(byLabel[label]) < count {
			byLabel[label] = append(byLabel[label], i)
		}
	}
	var order []int
	for _, label := range slices.Sorted(maps.Keys(byLabel)) {
		order = append(order, byLabel[label]...)
	}
	return s.pick(order, fmt.Sprintf("%d of each label", count)), nil
}

// pick returns the images at the indices in order. what describes them in the ID.
func (s *Images) pick(order []int, what string) *Images {
	picked := *s
	picked.ID = s.ID + "|" + what
	picked.Pixels, picked.Labels, picked.Files = nil, nil, nil
	n := s.Dim()
	for _, i := range order {
		picked.Pixels = append(picked.Pixels, s.Pixels[i*n:(i+1)*n]...)
		if s.Labels != nil {
			picked.Labels = append(picked.Labels, s.Labels[i])
		}
		if s.Files != nil {
			picked.Files = append(picked.Files, s.Files[i])
		}
	}
	return &picked
}

// ByInk returns the share of the images with the most ink, or with the least, in the order of the set. It returns at
// least one image.
func (s *Images) ByInk(share float64, most bool) (*Images, error) {
	if !(share > 0 && share <= 1) {
		return nil, fmt.Errorf("data: ByInk: share %g of %s, want a number in (0, 1]", share, s.ID)
	}
	n := s.Dim()
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

// Binarized returns a set of pixels 0 and 255, each drawn once: 255 with probability p/255 for a pixel of value p
// (Salakhutdinov & Murray 2008). The same seed draws the same set: a fixed binarisation, on which bounds of different
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

// Pictures returns all images of the set, as Image does.
func (s *Images) Pictures() []image.Image {
	pictures := make([]image.Image, s.Len())
	for i := range pictures {
		pictures[i] = s.Image(i)
	}
	return pictures
}

// Repeat returns each image count times in a row, like models that return count objects for each.
func (s *Images) Repeat(count int) *Images {
	var order []int
	for i := range s.Len() {
		for range count {
			order = append(order, i)
		}
	}
	return s.pick(order, fmt.Sprintf("each %d times", count))
}
