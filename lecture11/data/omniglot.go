package data

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"
)

// Omniglot reads the folder of Omniglot (Lake et al. 2015) for those who have it, "images_background" or "images_evaluation":
// alphabet/character/*.png, black strokes on white, all of one size. Ink becomes 255. classes are the characters, "alphabet/character",
// in alphabetical order; at most 256 fit the labels, so name the alphabets that are wanted, or none for all.
func Omniglot(folder string, alphabets ...string) (images *Images, classes []string, err error) {
	characters, err := filepath.Glob(filepath.Join(folder, "*", "*"))
	if err != nil {
		return nil, nil, err
	}
	images = &Images{ID: fmt.Sprintf("omniglot %s %q", filepath.Base(folder), alphabets)}
	slices.Sort(characters)
	for _, character := range characters {
		alphabet := filepath.Base(filepath.Dir(character))
		if len(alphabets) > 0 && !slices.Contains(alphabets, alphabet) {
			continue
		}
		files, err := filepath.Glob(filepath.Join(character, "*.png"))
		if err != nil {
			return nil, nil, err
		}
		if len(files) == 0 {
			continue
		}
		if len(classes) == 256 {
			return nil, nil, fmt.Errorf("data: Omniglot of %s has more than 256 characters, want some of its alphabets only", folder)
		}
		slices.Sort(files)
		for _, file := range files {
			if err := images.addPNG(file, uint8(len(classes))); err != nil {
				return nil, nil, err
			}
		}
		classes = append(classes, alphabet+"/"+filepath.Base(character))
	}
	if len(classes) == 0 {
		return nil, nil, fmt.Errorf("data: no pictures alphabet/character/*.png of %q in %s, want the folder images_background or "+
			"images_evaluation of Omniglot", alphabets, folder)
	}
	return images, classes, nil
}

// addPNG appends a picture of black on white. The first one sets the size.
func (s *Images) addPNG(path string, label uint8) (err error) {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	picture, err := png.Decode(file)
	if err != nil {
		return fmt.Errorf("data: %s: %w", path, err)
	}
	size := picture.Bounds().Size()
	if s.Width == 0 {
		s.Width, s.Height = size.X, size.Y
	}
	if size != (image.Point{X: s.Width, Y: s.Height}) {
		return fmt.Errorf("data: %s is %d×%d pixels, want %d×%d as the others", path, size.X, size.Y, s.Width, s.Height)
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
