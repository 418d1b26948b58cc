package data

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Omniglot reads a folder of Omniglot (Lake et al. 2015), "images_background" or "images_evaluation", which must be
// downloaded by hand. It contains alphabet/character/*.png, black strokes on white, all of one size. Ink becomes 255.
// classes are the characters, "alphabet/character", in alphabetical order. Without alphabets, all are read. An unknown
// alphabet is an error, because a test on fewer alphabets than requested would have a misleading result.
func Omniglot(folder string, alphabets ...string) (images *Images, classes []string, err error) {
	files, err := fs.Glob(os.DirFS(folder), "*/*/*.png") // DirFS, so that a folder named "omniglot [2015]" is not used as a pattern
	if err != nil {
		return nil, nil, err
	}
	if err := checkAlphabets(folder, files, alphabets); err != nil {
		return nil, nil, err
	}
	images = &Images{ID: fmt.Sprintf("omniglot %s %q", filepath.Base(folder), alphabets)}
	for _, file := range files {
		character := path.Dir(file)
		if len(alphabets) > 0 && !slices.Contains(alphabets, path.Dir(character)) {
			continue
		}
		if len(classes) == 0 || classes[len(classes)-1] != character {
			classes = append(classes, character)
		}
		if err := images.addPNG(filepath.Join(folder, filepath.FromSlash(file)), len(classes)-1); err != nil {
			return nil, nil, err
		}
	}
	return images, classes, nil
}

// checkAlphabets returns an error unless there are files alphabet/character/*.png, with some for each requested
// alphabet.
func checkAlphabets(folder string, files, alphabets []string) error {
	if len(files) == 0 {
		return fmt.Errorf("data: no pictures alphabet/character/*.png in %s, want the folder images_background or images_evaluation of "+
			"Omniglot", folder)
	}
	var known []string
	for _, file := range files {
		known = append(known, path.Dir(path.Dir(file)))
	}
	known = slices.Compact(known) // files are ordered by alphabet
	for _, alphabet := range alphabets {
		if !slices.Contains(known, alphabet) {
			return fmt.Errorf("data: Omniglot of %s has no alphabet %q, want some of %s", folder, alphabet, strings.Join(known, ", "))
		}
	}
	return nil
}

// addPNG appends a black-on-white picture. The first one sets the size.
func (s *Images) addPNG(name string, label int) (err error) {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	picture, err := png.Decode(file)
	if err != nil {
		return fmt.Errorf("data: %s: %w", name, err)
	}
	size := picture.Bounds().Size()
	if s.Width == 0 {
		s.Width, s.Height = size.X, size.Y
	}
	if size != (image.Point{X: s.Width, Y: s.Height}) {
		return fmt.Errorf("data: %s is %d×%d pixels, want %d×%d like the others", name, size.X, size.Y, s.Width, s.Height)
	}
	corner := picture.Bounds().Min
	for y := range size.Y {
		for x := range size.X {
			grey := color.GrayModel.Convert(picture.At(corner.X+x, corner.Y+y)).(color.Gray)
			s.Pixels = append(s.Pixels, 255-grey.Y)
		}
	}
	s.Labels = append(s.Labels, label)
	return nil
}
