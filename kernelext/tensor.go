package kernelext

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"math"
	"strings"

	"github.com/gomlx/gomlx/core/tensors"
)

// Tensor describes a tensor: shape, data type, smallest, mean and largest value, the number of NaN, and the first elements.
// With [AsImages] or [AsHeatmap] it shows a picture as well.
func Tensor(name string, t *tensors.Tensor, opts ...Option) error {
	return here.present(func(o options) (Bundle, error) { return tensorBundle(name, t, o) }, opts)
}

// TensorImages returns a tensor as grey pictures of height × width, for [Grid]. Every height·width values are one picture; 0
// is black, 1 is white, and values outside are clipped.
func TensorImages(t *tensors.Tensor, height, width int) ([]image.Image, error) {
	a, err := readTensor(t)
	if err != nil {
		return nil, err
	}
	return Pixels(a.values, height, width)
}

// Pixels returns a flat slice as grey pictures of height × width, for [Grid]. Every height·width values are one picture, row
// by row; 0 is black, 1 is white, and values outside are clipped.
func Pixels[T ~float32 | ~float64](values []T, height, width int) ([]image.Image, error) {
	if height <= 0 || width <= 0 || len(values) == 0 || len(values)%(height*width) != 0 {
		return nil, fmt.Errorf("kernelext: Pixels: %d values in pictures of %d×%d, want a multiple of %d",
			len(values), height, width, max(0, height*width))
	}
	size := height * width
	imgs := make([]image.Image, len(values)/size)
	for i := range imgs {
		img := image.NewGray(image.Rect(0, 0, width, height))
		for j, v := range values[i*size : (i+1)*size] {
			img.Pix[j] = level(float64(v))
		}
		imgs[i] = img
	}
	return imgs, nil
}

// level converts [0, 1] to a byte; NaN becomes 0.
func level(v float64) uint8 {
	if !(v > 0) {
		return 0
	}
	return uint8(math.Round(255 * min(v, 1)))
}

// array is the content of a tensor on the host.
type array struct {
	dims   []int
	dtype  string
	values []float64
}

func readTensor(t *tensors.Tensor) (array, error) {
	if t == nil {
		return array{}, errors.New("kernelext: Tensor is nil")
	}
	if err := t.CheckValid(); err != nil {
		return array{}, fmt.Errorf("kernelext: Tensor: %w", err)
	}
	a := array{dims: t.Shape().Dimensions, dtype: t.DType().String()}
	var convertErr error
	err := t.ConstFlatData(func(flat any) { a.values, convertErr = toFloats(flat) })
	if err = errors.Join(err, convertErr); err != nil {
		return array{}, fmt.Errorf("kernelext: Tensor: %w", err)
	}
	return a, nil
}

// text describes the array in two or three lines.
func (a array) text(name string) string {
	head := convert(a.values[:min(len(a.values), 8)], number)
	if len(a.values) > len(head) {
		head = append(head, "…")
	}
	text := fmt.Sprintf("%s: %s %v", name, a.dtype, a.dims)
	if len(a.values) == 0 {
		return text + ", empty"
	}
	return fmt.Sprintf("%s\n%s\n%s", text, summarize(a.values), strings.Join(head, " "))
}

func tensorBundle(name string, t *tensors.Tensor, o options) (Bundle, error) {
	a, err := readTensor(t)
	if err != nil {
		return Bundle{}, err
	}
	var b Bundle
	switch {
	case o.look == lookNumbers:
		return textBundle(a.text(name), o), nil
	case o.look == lookHeatmap && len(a.dims) == 2:
		b, err = a.heatmap(name, o)
	default:
		b, err = a.tiles(name, o)
	}
	if err != nil {
		return Bundle{}, err
	}
	b.Data[mimeText] = a.text(name) + "\n" + b.text()
	return b, nil
}

func (a array) heatmap(name string, o options) (Bundle, error) {
	rows := make([][]float64, a.dims[0])
	for i := range rows {
		rows[i] = a.values[i*a.dims[1] : (i+1)*a.dims[1]]
	}
	p, err := Heatmap(Axes{Title: name, X: "column", Y: "row"}, rows, Viridis)
	if err != nil {
		return Bundle{}, err
	}
	return plotBundle(p, o)
}

// tiles shows the array as one picture or a grid of them.
func (a array) tiles(name string, o options) (Bundle, error) {
	n, h, w, channels, err := a.layout(name, o)
	if err != nil {
		return Bundle{}, err
	}
	shade, note := a.shades(o.look)
	imgs := make([]image.Image, n)
	size := h * w * channels
	for i := range imgs {
		imgs[i] = tile(a.values[i*size:(i+1)*size], h, w, channels, shade)
	}
	var b Bundle
	if n == 1 {
		b, err = imageBundle(imgs[0], o)
	} else {
		b, err = gridBundle(imgs, 0, o)
	}
	if err == nil {
		b.Data[mimeText] = b.text() + "\n" + note
	}
	return b, err
}

// layout reads the axes as n pictures of h × w with 1, 3 or 4 channels. A heat map has each channel as a picture.
func (a array) layout(name string, o options) (n, h, w, channels int, err error) {
	if o.tileH > 0 && o.tileW > 0 {
		if size := o.tileH * o.tileW; len(a.values) == 0 || len(a.values)%size != 0 {
			return 0, 0, 0, 0, fmt.Errorf("kernelext: Tensor %q %v as images of %d×%d, want a multiple of %d values",
				name, a.dims, o.tileH, o.tileW, size)
		}
		return len(a.values) / (o.tileH * o.tileW), o.tileH, o.tileW, 1, nil
	}
	dims := a.dims
	if len(dims) == 2 {
		dims = []int{1, dims[0], dims[1]}
	}
	if len(dims) == 3 {
		dims = append(append([]int{}, dims...), 1)
	}
	if len(dims) != 4 || len(a.values) == 0 || dims[3] != 1 && dims[3] != 3 && dims[3] != 4 {
		return 0, 0, 0, 0, fmt.Errorf("kernelext: Tensor %q %v as images, "+
			"want [h, w], [n, h, w] or [n, h, w, channels] with 1, 3 or 4 channels", name, a.dims)
	}
	if o.look == lookHeatmap && dims[3] != 1 {
		return 0, 0, 0, 0, fmt.Errorf("kernelext: Tensor %q %v as heat maps, want one channel", name, a.dims)
	}
	return dims[0], dims[1], dims[2], dims[3], nil
}

// shades chooses the values of black and white (or of the ends of the colour map), and returns a note about them.
func (a array) shades(look look) (shade func(v float64) color.NRGBA, note string) {
	s := summarize(a.values)
	lo, hi := 0.0, 1.0
	if look == lookHeatmap || s.min < 0 || s.max > 1 {
		lo, hi = s.min, s.max
	}
	colors, ends := Grey, [2]string{"black", "white"}
	if look == lookHeatmap {
		colors, ends = Viridis, [2]string{"dark", "yellow"}
	}
	note = fmt.Sprintf("%s %s, %s %s", ends[0], number(lo), ends[1], number(hi))
	return func(v float64) color.NRGBA { return colors(unit(v, lo, hi)) }, note
}

func tile(values []float64, h, w, channels int, shade func(float64) color.NRGBA) image.Image {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for i := range h * w {
		v := values[i*channels : (i+1)*channels]
		c := shade(v[0])
		if channels >= 3 {
			c = color.NRGBA{R: shade(v[0]).R, G: shade(v[1]).R, B: shade(v[2]).R, A: 0xff}
		}
		if channels == 4 {
			c.A = shade(v[3]).R
		}
		img.SetNRGBA(i%w, i/w, c)
	}
	return img
}
