package data

import (
	"bufio"
	"errors"
	"fmt"
	"image"
	"image/color"
	_ "image/jpeg" // for image.Decode
	_ "image/png"  // for image.Decode
	"io"
	"maps"
	"math"
	"slices"

	"golang.org/x/image/draw"
)

// pictureFile is a file in a folder of pictures, with the information in its header.
type pictureFile struct {
	path   string // in the folder, with slashes
	class  string // the subfolder, "" for none
	size   image.Point
	colour bool
	deep   bool // 16 bits a channel
	alpha  bool // pixels may be transparent
}

// readHeaders reads the headers of all pictures.
func (f *pictureFolder) readHeaders() error {
	for i := range f.pictures {
		if err := f.readHeader(&f.pictures[i]); err != nil {
			return fmt.Errorf("data: %s: %w", f.full(f.pictures[i].path), err)
		}
	}
	return nil
}

// mostPixelsPerByte bounds the pixels of a picture by the size of its file: deflate packs at most 1032 bytes into one,
// with 8 pixels each. JPEG packs fewer. A header with a larger picture is wrong, and memory for it would be wasted.
const mostPixelsPerByte = 8 * 1032

// readHeader reads the header of a picture.
func (f *pictureFolder) readHeader(p *pictureFile) (err error) {
	file, err := f.root.Open(p.path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	r := bufio.NewReader(file)
	start, err := r.Peek(pngColourType + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	start = append([]byte(nil), start...)
	config, format, err := image.DecodeConfig(r)
	if err != nil {
		return err
	}
	p.size = image.Pt(config.Width, config.Height)
	if config.Width < 1 || config.Height < 1 || uint64(config.Width)*uint64(config.Height) > mostPixelsPerByte*uint64(info.Size()) {
		return fmt.Errorf("%d×%d pixels in a file of %d bytes: its header is damaged", config.Width, config.Height, info.Size())
	}
	p.colour, p.alpha = coloursOf(config.ColorModel)
	if format == "png" {
		p.deep = start[pngDepth] == 16
		// Go reads grey pixels with transparency as colour pixels.
		p.colour = p.colour && start[pngColourType] != pngGreyAlpha && start[pngColourType] != pngGrey
	}
	return nil
}

// Offsets in a PNG file, and values there.
const (
	pngDepth      = 24
	pngColourType = 25
	pngGrey       = 0
	pngGreyAlpha  = 4
)

// coloursOf reports whether a color model has colours and whether it has transparent pixels.
func coloursOf(m color.Model) (colour, alpha bool) {
	palette, ok := m.(color.Palette)
	if !ok {
		grey := m == color.GrayModel || m == color.Gray16Model
		return !grey, m == color.NRGBAModel || m == color.NRGBA64Model
	}
	for _, c := range palette {
		r, g, b, a := c.RGBA()
		colour = colour || r != g || g != b
		alpha = alpha || a != 0xFFFF
	}
	return colour, alpha
}

// decode reads a picture.
func (f *pictureFolder) decode(p pictureFile) (picture image.Image, err error) {
	file, err := f.root.Open(p.path)
	if err == nil {
		picture, _, err = image.Decode(bufio.NewReader(file))
		err = errors.Join(err, file.Close())
	}
	if err == nil && picture.Bounds().Size() != p.size {
		err = errors.New("the file changed while it was read")
	}
	if err != nil {
		return nil, fmt.Errorf("data: %s: %w", f.full(p.path), err)
	}
	return picture, nil
}

// appendPixels appends the bytes of a picture, scaled to the size of the set, in grey or colour like the set.
func appendPixels(to []uint8, picture image.Image, s *Images, background color.Color) []uint8 {
	canvas := image.NewRGBA64(image.Rect(0, 0, s.Width, s.Height))
	draw.Draw(canvas, canvas.Rect, image.NewUniform(background), image.Point{}, draw.Src)
	if bounds := picture.Bounds(); bounds.Size() == canvas.Rect.Size() {
		draw.Draw(canvas, canvas.Rect, picture, bounds.Min, draw.Over)
	} else {
		draw.BiLinear.Scale(canvas, canvas.Rect, picture, bounds, draw.Over, nil)
	}
	for at := 0; at < len(canvas.Pix); at += 8 {
		r, g, b := eightBits(canvas.Pix[at:]), eightBits(canvas.Pix[at+2:]), eightBits(canvas.Pix[at+4:])
		if s.channels() == 1 {
			to = append(to, uint8((19595*r+38470*g+7471*b+1<<15)>>16))
		} else {
			to = append(to, uint8(r), uint8(g), uint8(b))
		}
	}
	return to
}

// eightBits rounds a big-endian value of 16 bits to 8.
func eightBits(pix []uint8) uint32 {
	v := uint32(pix[0])<<8 | uint32(pix[1])
	return (v*math.MaxUint8 + math.MaxUint16/2) / math.MaxUint16
}

// describe returns a description of how the pictures were read.
func (f *pictureFolder) describe(s *Images, o ImageOptions) string {
	counts := map[string]int{}
	for _, p := range f.pictures {
		for what, has := range map[string]bool{
			"scaled":                                 p.size != image.Pt(s.Width, s.Height),
			"in colour made grey":                    p.colour && s.Channels == 1,
			"grey among colours":                     !p.colour && s.Channels == 3,
			"of 16 bits rounded to 8":                p.deep,
			"with alpha blended with the background": p.alpha,
		} {
			if has {
				counts[what]++
			}
		}
	}
	text := "PNG and JPEG files"
	if s.Labels != nil && o.Classes != nil {
		text += ", subfolders as classes in the order given"
	} else if s.Labels != nil {
		text += ", subfolders as classes, sorted"
	}
	for _, what := range slices.Sorted(maps.Keys(counts)) {
		text += fmt.Sprintf(", %d %s", counts[what], what)
	}
	if f.skipped > 0 {
		text += ", " + count(f.skipped, "other file") + " left out"
	}
	return text
}
