package kernelext

import "fmt"

const (
	notebookWidth   = 960     // CSS pixels: the text column of a notebook on a laptop
	defaultMaxBytes = 1 << 20 // of one picture: each is stored in the notebook file
	density         = 2       // picture pixels per CSS pixel, so that lines and letters are crisp on any screen
)

// Option changes how a value is shown. An option that does not apply to the value is ignored.
type Option func(*options)

type options struct {
	width, height int // CSS pixels; 0: chosen
	scale         int
	maxBytes      int
	gap           int
	caption       string
	captions      []string
	rows, cols    []string
	svg           bool
	look          look
	tileH, tileW  int
	fastPNG       bool // live pictures: speed before size
}

type look int

const (
	lookNumbers look = iota
	lookImages
	lookHeatmap
)

// Width sets the width at which a picture is shown, in CSS pixels.
func Width(px int) Option { return func(o *options) { o.width = px } }

// Height sets the height of a plot, in CSS pixels. Other pictures keep their proportions.
func Height(px int) Option { return func(o *options) { o.height = px } }

// Scale shows each pixel of an image as factor × factor CSS pixels, with hard edges.
func Scale(factor int) Option { return func(o *options) { o.scale = factor } }

// MaxBytes limits the size of a picture's PNG file (default 1 MiB). A larger picture is scaled down, and its text says so.
func MaxBytes(n int) Option { return func(o *options) { o.maxBytes = n } }

// Caption adds a line of text under a picture, a plot or a table.
func Caption(text string) Option { return func(o *options) { o.caption = text } }

// Captions adds a text under each image of a [Grid], in order. There must be one for each image.
func Captions(texts ...string) Option { return func(o *options) { o.captions = texts } }

// RowLabels adds a text left of each row of a [Grid], from the top.
func RowLabels(texts ...string) Option { return func(o *options) { o.rows = texts } }

// ColLabels adds a text over each column of a [Grid], from the left.
func ColLabels(texts ...string) Option { return func(o *options) { o.cols = texts } }

// Gap sets the space between the images of a [Grid], in CSS pixels (default 4).
func Gap(px int) Option { return func(o *options) { o.gap = px } }

// SVG sends a plot as a vector drawing in place of a PNG picture.
func SVG() Option { return func(o *options) { o.svg = true } }

// AsImages shows a tensor as pictures: [h, w] as one, [n, h, w] and [n, h, w, channels] as a grid. With height and
// width not 0 the tensor is read as [n, height, width], whatever its axes are: AsImages(28, 28) for [n, 784].
func AsImages(height, width int) Option {
	return func(o *options) { o.look, o.tileH, o.tileW = lookImages, height, width }
}

// AsHeatmap shows a tensor in colours: [rows, columns] as a heat map with a colour bar, [n, h, w] and [n, h, w, 1] as
// a grid of maps on one scale.
func AsHeatmap() Option { return func(o *options) { o.look = lookHeatmap } }

// gather applies the options, and returns an error for impossible numbers.
func gather(opts []Option) (options, error) {
	o := options{maxBytes: defaultMaxBytes, gap: 4}
	for _, opt := range opts {
		opt(&o)
	}
	for _, check := range []struct {
		name       string
		value, min int
	}{
		{"Width", o.width, 0}, {"Height", o.height, 0}, {"Scale", o.scale, 0},
		{"MaxBytes", o.maxBytes, 1024}, {"Gap", o.gap, 0},
		{"AsImages height", o.tileH, 0}, {"AsImages width", o.tileW, 0},
	} {
		if check.value < check.min {
			return o, fmt.Errorf("kernelext: option %s(%d), want at least %d", check.name, check.value, check.min)
		}
	}
	return o, nil
}
