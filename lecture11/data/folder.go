package data

import (
	"errors"
	"fmt"
	"image/color"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// ImageOptions describes how a folder of pictures is read. Zero fields take the default in their comment.
type ImageOptions struct {
	// Width and Height are the size of the images in pixels. Pictures of another size are scaled to it; their
	// proportions are not preserved. Default 0, 0: all pictures must have the same size.
	Width, Height int

	Grey       bool        // colours become grey, 0.299·R + 0.587·G + 0.114·B; default: colour if a picture has colours
	Background color.Color // visible through transparent pixels; default black
	Classes    []string    // the subfolders of labels 0, 1, …; default: those with pictures, sorted by name, or by value if all are numbers
}

// FromImages reads the PNG and JPEG pictures of a folder. If they are in subfolders, these are the classes, and the
// label of a picture is the number of its subfolder, at any depth. Without subfolders the pictures have no labels. The
// images are ordered by class and then by path; [Images.Files] holds the paths. Other files and those with names that
// start with a dot are skipped; [Images.Source] reports their number.
//
// The images are in colour if at least one picture is, else grey. 16-bit values are rounded to 8 bits. Palettes are
// replaced by their colours. The background is visible through transparent pixels. The orientation that a camera
// stores in a JPEG (EXIF) is not applied.
//
// FromImages returns an error for pictures of different sizes unless [ImageOptions.Width] and Height are set, for
// pictures both in subfolders and beside them, and for damaged files.
func FromImages(folder string, o ImageOptions) (*Images, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	f, err := findPictures(folder)
	if err != nil {
		return nil, err
	}
	if err := f.readHeaders(); err != nil {
		return nil, err
	}
	s, err := f.newImages(o)
	if err != nil {
		return nil, err
	}
	for _, p := range f.pictures {
		picture, err := f.decode(p)
		if err != nil {
			return nil, err
		}
		s.Pixels = appendPixels(s.Pixels, picture, s, o.Background)
	}
	s.identify(f.name)
	return s, nil
}

// check fills in defaults and returns an error that names the first invalid field.
func (o *ImageOptions) check() error {
	if (o.Width == 0) != (o.Height == 0) || min(o.Width, o.Height) < 0 || max(o.Width, o.Height) > maxSide {
		return fmt.Errorf("data: ImageOptions.Width = %d, Height = %d, want both from 1 to %d, or both 0", o.Width, o.Height, maxSide)
	}
	if o.Background == nil {
		o.Background = color.Black
	}
	return nil
}

// maxSide bounds the size to which pictures are scaled.
const maxSide = 1 << 14

// pictureFolder is a folder of pictures.
type pictureFolder struct {
	path, name string
	root       fs.FS
	pictures   []pictureFile
	skipped    int // other files
}

// findPictures lists the pictures of a folder and its subfolders.
func findPictures(folder string) (*pictureFolder, error) {
	full, err := filepath.Abs(folder) // so that "." has a name too
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	f := &pictureFolder{path: folder, name: filepath.Base(full), root: os.DirFS(folder)}
	entries, err := fs.ReadDir(f.root, ".")
	if err != nil {
		return nil, fmt.Errorf("data: %s: %w", folder, err)
	}
	var classes []pictureFile
	for _, entry := range entries {
		if hidden(entry.Name()) {
			continue
		}
		info, err := fs.Stat(f.root, entry.Name()) // follows links
		if err != nil {
			return nil, fmt.Errorf("data: %s: %w", folder, err)
		}
		switch {
		case info.IsDir():
			if classes, err = f.walk(entry.Name(), classes); err != nil {
				return nil, fmt.Errorf("data: %s: %w", folder, err)
			}
		case isPicture(entry.Name()):
			f.pictures = append(f.pictures, pictureFile{path: entry.Name()})
		default:
			f.skipped++
		}
	}
	switch {
	case len(f.pictures) == 0 && len(classes) == 0:
		return nil, fmt.Errorf("data: %s has no files .png, .jpg or .jpeg, want some in it or in its subfolders", folder)
	case len(f.pictures) > 0 && len(classes) > 0:
		return nil, fmt.Errorf("data: %s has pictures both in subfolders and beside them, %s and %s, want one or the other", folder,
			classes[0].path, f.pictures[0].path)
	}
	f.pictures = append(f.pictures, classes...)
	return f, nil
}

// walk appends the pictures of a subfolder, which is their class.
func (f *pictureFolder) walk(class string, to []pictureFile) ([]pictureFile, error) {
	err := fs.WalkDir(f.root, class, func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case hidden(entry.Name()) && entry.IsDir():
			return fs.SkipDir
		case hidden(entry.Name()) || entry.IsDir():
			return nil
		case !isPicture(entry.Name()):
			f.skipped++
			return nil
		}
		to = append(to, pictureFile{path: file, class: class})
		return nil
	})
	return to, err
}

// hidden reports whether a name starts with a dot.
func hidden(name string) bool { return strings.HasPrefix(name, ".") }

// isPicture reports whether a name is that of a PNG or JPEG file.
func isPicture(name string) bool {
	return slices.Contains([]string{".png", ".jpg", ".jpeg"}, strings.ToLower(path.Ext(name)))
}

// newImages returns a set for the pictures, with labels and space for pixels, or an error if they do not fit together.
func (f *pictureFolder) newImages(o ImageOptions) (*Images, error) {
	first := f.pictures[0]
	s := &Images{Width: first.size.X, Height: first.size.Y, Channels: 1}
	var texts []string
	for _, p := range f.pictures {
		if p.size != first.size && o.Width == 0 {
			return nil, fmt.Errorf("data: %s is %d×%d pixels and %s %d×%d, want one size, or ImageOptions.Width and Height to scale to",
				f.full(first.path), first.size.X, first.size.Y, f.full(p.path), p.size.X, p.size.Y)
		}
		if p.colour && !o.Grey {
			s.Channels = 3
		}
		s.Files, texts = append(s.Files, p.path), append(texts, p.class)
	}
	if o.Width > 0 {
		s.Width, s.Height = o.Width, o.Height
	}
	if first.class == "" && o.Classes != nil {
		return nil, errors.New("data: ImageOptions.Classes for a folder without subfolders of pictures, want no Classes")
	}
	if first.class != "" {
		var err error
		place := func(i int) string { return f.full(f.pictures[i].path) }
		if s.Labels, s.Classes, err = textLabels(f.path, texts, o.Classes, place); err != nil {
			return nil, err
		}
	}
	s.Source = f.describe(s, o)
	s.Pixels = make([]uint8, 0, len(f.pictures)*s.Dim())
	return s, nil
}

// full returns the path of a file of the folder.
func (f *pictureFolder) full(file string) string {
	return filepath.Join(f.path, filepath.FromSlash(file))
}
