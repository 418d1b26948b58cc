package kernelext

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"

	"golang.org/x/image/draw"
)

// Image shows one picture. A small one, such as a digit of 28×28, is enlarged with hard edges; one that is wider than
// the notebook is shown smaller. Options: [Width], [Scale], [Caption], [MaxBytes].
func Image(img image.Image, opts ...Option) error {
	return here.present(func(o options) (Bundle, error) { return imageBundle(img, o) }, opts)
}

// present makes a bundle with the options and shows it.
func (f *frontend) present(build func(o options) (Bundle, error), opts []Option) error {
	o, err := gather(opts)
	if err != nil {
		return err
	}
	b, err := build(o)
	if err != nil {
		return err
	}
	return f.show(b, "")
}

func imageBundle(img image.Image, o options) (Bundle, error) {
	if img == nil || img.Bounds().Empty() {
		return Bundle{}, errors.New("kernelext: Image: no image or an empty one, want at least one pixel")
	}
	size := img.Bounds().Size()
	css := float64(chosenScale(size, o)) * float64(size.X)
	if o.width > 0 {
		css = float64(o.width)
	}
	if o.width == 0 && o.scale == 0 {
		css = min(css, notebookWidth)
	}
	text := withCaption(fmt.Sprintf("image %d×%d", size.X, size.Y), o.caption)
	img = enlarge(img, css*density)
	if o.caption != "" {
		img = underline(img, o.caption)
		css = float64(img.Bounds().Dx()) / density
	}
	return pngBundle(img, css, text, o)
}

// chosenScale returns the scale of the options, or one that makes a small image easy to see.
func chosenScale(size image.Point, o options) int {
	if o.scale > 0 {
		return o.scale
	}
	const easyToSee = 160 // CSS pixels
	return max(1, easyToSee/max(size.X, size.Y))
}

// enlarge repeats pixels until the image is about width pixels wide. Smoothing would blur the edges of digits and
// maps; an image that is wide enough already is left alone.
func enlarge(img image.Image, width float64) image.Image {
	b := img.Bounds()
	factor := int(math.Round(width / float64(b.Dx())))
	if factor <= 1 {
		return img
	}
	out := newLike(img, image.Rect(0, 0, b.Dx()*factor, b.Dy()*factor))
	draw.NearestNeighbor.Scale(out, out.Bounds(), img, b, draw.Src, nil)
	return out
}

// newLike returns an empty image that can hold the 8-bit colours of img without loss.
func newLike(img image.Image, r image.Rectangle) draw.Image {
	switch img := img.(type) {
	case *image.Gray:
		return image.NewGray(r)
	case *image.Paletted:
		return image.NewPaletted(r, img.Palette)
	default:
		return image.NewNRGBA(r)
	}
}

// pngBundle encodes img, which is shown css CSS pixels wide, within the limit on the file's size.
func pngBundle(img image.Image, css float64, text string, o options) (Bundle, error) {
	encoded, err := encodePNG(img, o.fastPNG)
	if err != nil {
		return Bundle{}, err
	}
	height := css * float64(img.Bounds().Dy()) / float64(img.Bounds().Dx())
	if full := len(encoded); full > o.maxBytes {
		if img, encoded, err = shrink(img, full, o); err != nil {
			return Bundle{}, err
		}
		text += fmt.Sprintf("\n(reduced to %d×%d pixels: as it was the file took %s, the limit is %s)",
			img.Bounds().Dx(), img.Bounds().Dy(), byteCount(full), byteCount(o.maxBytes))
	}
	shown := map[string]any{"width": int(math.Round(css)), "height": int(math.Round(height))}
	return Bundle{
		Data: map[string]any{mimePNG: encoded, mimeText: text},
		Meta: map[string]any{mimePNG: shown},
	}, nil
}

// shrink scales the picture down until its file fits the limit.
func shrink(img image.Image, bytes int, o options) (image.Image, []byte, error) {
	for {
		factor := min(0.9, 0.95*math.Sqrt(float64(o.maxBytes)/float64(bytes)))
		b := img.Bounds()
		to := image.Rect(0, 0, max(1, int(factor*float64(b.Dx()))), max(1, int(factor*float64(b.Dy()))))
		smaller := image.NewNRGBA(to)
		draw.CatmullRom.Scale(smaller, to, img, b, draw.Src, nil)
		encoded, err := encodePNG(smaller, o.fastPNG)
		if err != nil || len(encoded) <= o.maxBytes || to.Dx() == 1 && to.Dy() == 1 {
			return smaller, encoded, err
		}
		img, bytes = smaller, len(encoded)
	}
}

// encodePNG encodes the smallest kind of PNG that keeps every 8-bit colour.
func encodePNG(img image.Image, fast bool) ([]byte, error) {
	encoder := png.Encoder{CompressionLevel: png.DefaultCompression}
	if fast {
		encoder.CompressionLevel = png.BestSpeed
	}
	var out bytes.Buffer
	if err := encoder.Encode(&out, compact(img)); err != nil {
		return nil, fmt.Errorf("kernelext: PNG: %w", err)
	}
	return out.Bytes(), nil
}

// compact returns the image with a palette (up to 256 colours) or in grey, if that loses nothing.
func compact(img image.Image) image.Image {
	if paletted, ok := img.(*image.Paletted); ok {
		return paletted
	}
	full := image.NewNRGBA(image.Rect(0, 0, img.Bounds().Dx(), img.Bounds().Dy()))
	draw.Draw(full, full.Bounds(), img, img.Bounds().Min, draw.Src)
	colors, grey := countColors(full)
	const smallPalette = 16 // up to here a pixel of a paletted PNG takes half a byte or less
	switch {
	case grey && (colors == nil || len(colors) > smallPalette):
		out := image.NewGray(full.Bounds())
		for i := range out.Pix {
			out.Pix[i] = full.Pix[4*i]
		}
		return out
	case colors != nil:
		return toPalette(full, colors)
	default:
		return full
	}
}

// countColors lists the colours of an image in order of appearance, nil for more than 256, and reports whether
// all of them are opaque greys.
func countColors(img *image.NRGBA) (colors map[color.NRGBA]uint8, grey bool) {
	colors, grey = map[color.NRGBA]uint8{}, true
	var last color.NRGBA
	for i := 0; i < len(img.Pix); i += 4 {
		c := color.NRGBA{img.Pix[i], img.Pix[i+1], img.Pix[i+2], img.Pix[i+3]}
		if c == last && i > 0 {
			continue
		}
		last = c
		grey = grey && c.R == c.G && c.G == c.B && c.A == 0xff
		if colors == nil {
			if !grey {
				return nil, false
			}
			continue
		}
		if _, known := colors[c]; known {
			continue
		}
		if len(colors) == 256 {
			colors = nil
			continue
		}
		colors[c] = uint8(len(colors))
	}
	return colors, grey
}

func toPalette(img *image.NRGBA, colors map[color.NRGBA]uint8) image.Image {
	palette := make(color.Palette, len(colors))
	for c, index := range colors {
		palette[index] = c
	}
	out := image.NewPaletted(img.Bounds(), palette)
	for i := range out.Pix {
		p := img.Pix[4*i : 4*i+4]
		out.Pix[i] = colors[color.NRGBA{p[0], p[1], p[2], p[3]}]
	}
	return out
}

func byteCount(n int) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.0f KiB", float64(n)/(1<<10))
	default:
		return fmt.Sprintf("%d bytes", n)
	}
}
