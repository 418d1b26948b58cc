package kernelext

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"strings"
	"testing"
)

// decodePNG returns the picture of a bundle.
func decodePNG(t *testing.T, b Bundle) image.Image {
	t.Helper()
	content, ok := b.Data[mimePNG].([]byte)
	if !ok {
		t.Fatalf("no PNG in %v", b.Data)
	}
	img, err := png.Decode(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func defaults(t *testing.T, opts ...Option) options {
	t.Helper()
	o, err := gather(opts)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// painted makes a test picture, with bounds that do not start at 0.
func painted(w, h int, at func(x, y int) color.NRGBA) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(5, 7, 5+w, 7+h))
	for y := range h {
		for x := range w {
			img.SetNRGBA(5+x, 7+y, at(x, y))
		}
	}
	return img
}

// TestEncodeLossless: the PNG has every pixel as it was, in the smallest of four kinds.
func TestEncodeLossless(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, test := range []struct {
		name string
		img  image.Image
		want string
	}{
		{"two greys", painted(9, 9, func(x, _ int) color.NRGBA { return Grey(float64(x % 2)) }), "*image.Paletted"},
		{"all greys", painted(16, 16, func(x, y int) color.NRGBA { return Grey(float64(16*y+x) / 255) }), "*image.Gray"},
		{"colours", painted(12, 12, func(x, _ int) color.NRGBA { return Palette(x) }), "*image.Paletted"},
		{"256 colours", painted(16, 16, func(x, y int) color.NRGBA { return color.NRGBA{uint8(16*y + x), 7, 0, 255} }),
			"*image.Paletted"},
		{"257 colours", painted(257, 1, func(x, _ int) color.NRGBA { return color.NRGBA{uint8(x), uint8(x >> 8), 9, 255} }),
			"*image.RGBA"},
		{"see-through", painted(20, 20, func(x, y int) color.NRGBA {
			return color.NRGBA{uint8(12 * x), uint8(12 * y), uint8(random.IntN(256)), uint8(10 * x)}
		}), "*image.NRGBA"},
		{"grey then colour", painted(300, 2, func(x, y int) color.NRGBA {
			if x == 299 && y == 1 {
				return color.NRGBA{1, 2, 3, 255}
			}
			return color.NRGBA{uint8(x), uint8(x), uint8(x), 255}
		}), "*image.RGBA"},
	} {
		b, err := pngBundle(test.img, 100, "t", defaults(t))
		if err != nil {
			t.Fatal(err)
		}
		got := decodePNG(t, b)
		if kind := fmt.Sprintf("%T", got); kind != test.want {
			t.Errorf("%s: %s, want %s", test.name, kind, test.want)
		}
		samePixels(t, test.name, got, test.img)
	}
}

func samePixels(t *testing.T, name string, got, want image.Image) {
	t.Helper()
	g, w := got.Bounds(), want.Bounds()
	if g.Size() != w.Size() {
		t.Fatalf("%s: size %v, want %v", name, g.Size(), w.Size())
	}
	for y := range w.Dy() {
		for x := range w.Dx() {
			a := color.NRGBAModel.Convert(got.At(g.Min.X+x, g.Min.Y+y))
			b := color.NRGBAModel.Convert(want.At(w.Min.X+x, w.Min.Y+y))
			if a != b {
				t.Fatalf("%s: pixel %d,%d is %v, want %v", name, x, y, a, b)
			}
		}
	}
}

// TestImageCrisp: each pixel of a small image is one square of one colour.
func TestImageCrisp(t *testing.T) {
	img := painted(28, 28, func(x, y int) color.NRGBA { return Grey(float64((x*y)%7) / 6) })
	b, err := imageBundle(img, defaults(t, Scale(3)))
	if err != nil {
		t.Fatal(err)
	}
	got := decodePNG(t, b)
	const side = 3 * density
	if got.Bounds().Dx() != 28*side {
		t.Fatalf("%d pixels wide, want %d", got.Bounds().Dx(), 28*side)
	}
	for y := range 28 * side {
		for x := range 28 * side {
			want := img.NRGBAAt(5+x/side, 7+y/side)
			if got := color.NRGBAModel.Convert(got.At(x, y)); got != want {
				t.Fatalf("pixel %d,%d is %v, want %v", x, y, got, want)
			}
		}
	}
	if meta := fmt.Sprint(b.Meta[mimePNG]); meta != "map[height:84 width:84]" {
		t.Errorf("metadata %s", meta)
	}
}

func TestImageTooLarge(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	img := painted(600, 300, func(int, int) color.NRGBA {
		return color.NRGBA{uint8(random.Uint32()), uint8(random.Uint32()), uint8(random.Uint32()), 255}
	})
	b, err := imageBundle(img, defaults(t, MaxBytes(100_000)))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(b.Data[mimePNG].([]byte)); n > 100_000 || n < 30_000 {
		t.Errorf("%d bytes, want just under 100000", n)
	}
	if !strings.Contains(b.text(), "image 600×300\n(reduced to ") {
		t.Errorf("text %q", b.text())
	}
	if meta := fmt.Sprint(b.Meta[mimePNG]); meta != "map[height:300 width:600]" {
		t.Errorf("shown as %s, want the size it has", meta)
	}
}

func TestImageRefused(t *testing.T) {
	for _, img := range []image.Image{nil, image.NewGray(image.Rectangle{})} {
		if _, err := imageBundle(img, defaults(t)); err == nil {
			t.Errorf("%v was shown", img)
		}
	}
}

func digits28(n int) []image.Image {
	imgs := make([]image.Image, n)
	for i := range imgs {
		imgs[i] = painted(28, 28, func(int, int) color.NRGBA { return Grey(float64(i) / float64(n)) })
	}
	return imgs
}

func TestGrid(t *testing.T) {
	for _, test := range []struct {
		n, cols int
		opts    []Option
		want    string
		width   int // CSS pixels; 0: not checked
	}{
		{20, 10, nil, "image 280×56: 2×10 grid", 10*60 - 4},
		{20, 0, nil, "image 280×56: 2×10 grid", 10*60 - 4},
		{3, 0, nil, "image 84×28: 1×3 grid", 3*60 - 4},
		{3, 10, nil, "image 84×28: 1×3 grid", 3*60 - 4},
		{7, 3, nil, "image 84×84: 3×3 grid, 7 images", 3*60 - 4},
		{400, 20, nil, "image 560×560: 20×20 grid", 0},
		{2, 2, []Option{Captions("a", "b"), Caption("both")}, "image 56×28: 1×2 grid\ncaptions: a, b\nboth", 0},
		{4, 2, []Option{RowLabels("x", "y"), ColLabels("p", "q")},
			"image 56×56: 2×2 grid\nrows: x, y\ncolumns: p, q", 0},
		{4, 2, []Option{Width(300)}, "image 56×56: 2×2 grid", 300},
	} {
		b, err := gridBundle(digits28(test.n), test.cols, defaults(t, test.opts...))
		if err != nil {
			t.Fatal(err)
		}
		if b.text() != test.want {
			t.Errorf("%d images in %d columns: %q, want %q", test.n, test.cols, b.text(), test.want)
		}
		width, _ := b.Meta[mimePNG].(map[string]any)["width"].(int)
		if width > notebookWidth || test.width > 0 && width != test.width {
			t.Errorf("%d images in %d columns: %d CSS pixels wide, want %d", test.n, test.cols, width, test.width)
		}
	}
}

// TestGridPlaces: image i is in row i/cols, column i%cols.
func TestGridPlaces(t *testing.T) {
	b, err := gridBundle(digits28(6), 3, defaults(t, Gap(0), Scale(1)))
	if err != nil {
		t.Fatal(err)
	}
	img := decodePNG(t, b)
	for i := range 6 {
		x, y := (i%3)*56+30, (i/3)*56+30
		want := Grey(float64(i) / 6)
		if got := color.NRGBAModel.Convert(img.At(x, y)); got != want {
			t.Errorf("image %d: %v, want %v", i, got, want)
		}
	}
}

func TestGridRefused(t *testing.T) {
	refused := func(n int, opt Option) (Bundle, error) { return gridBundle(digits28(n), 2, defaults(t, opt)) }
	for want, try := range map[string]func() (Bundle, error){
		"0 images":            func() (Bundle, error) { return gridBundle(nil, 3, defaults(t)) },
		"image 1 is missing":  func() (Bundle, error) { return gridBundle(append(digits28(1), nil), 3, defaults(t)) },
		"3 Captions, want 2":  func() (Bundle, error) { return refused(2, Captions("", "", "")) },
		"1 RowLabels, want 2": func() (Bundle, error) { return refused(4, RowLabels("r")) },
		"4 ColLabels, want 2": func() (Bundle, error) { return refused(4, ColLabels("", "", "", "")) },
	} {
		if _, err := try(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestPixels(t *testing.T) {
	imgs, err := Pixels([]float32{0, 0.5, 1, 2, -1, 0, 0, 1}, 2, 2)
	if err != nil || len(imgs) != 2 {
		t.Fatalf("%d images, %v", len(imgs), err)
	}
	if got := imgs[0].(*image.Gray).Pix; !bytes.Equal(got, []byte{0, 128, 255, 255}) {
		t.Errorf("first image %v", got)
	}
	for _, size := range [][2]int{{3, 2}, {0, 2}, {-2, -2}} {
		if _, err := Pixels([]float32{1, 2, 3, 4}, size[0], size[1]); err == nil {
			t.Errorf("%v was cut", size)
		}
	}
}
