package store

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/draw"
	"math"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"
)

type point struct {
	X, Y float64
	Tags []string
	By   map[string]int
}

type tree struct {
	Name     string
	Children []*tree
}

type vector []float32

// sealed stores its state by its own methods.
type sealed struct{ n byte }

func (s sealed) MarshalBinary() ([]byte, error) { return []byte{s.n}, nil }

func (s *sealed) UnmarshalBinary(data []byte) error {
	if len(data) != 1 {
		return errors.New("want one byte")
	}
	s.n = data[0]
	return nil
}

type withSealed struct {
	Inner sealed
	When  time.Time
}

func keepAndFetch[T any](t *testing.T, s *Store, v T) {
	t.Helper()
	name := reflect.TypeFor[T]().String()
	t.Run(name, func(t *testing.T) {
		if err := Put(s, name, v); err != nil {
			t.Fatal(err)
		}
		got, err := Get[T](s, name)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, v) {
			t.Errorf("%#v, want %#v", got, v)
		}
	})
}

func TestPutAndGet(t *testing.T) {
	s := openTest(t)
	keepAndFetch(t, s, 42)
	keepAndFetch(t, s, 0)
	keepAndFetch(t, s, false)
	keepAndFetch(t, s, "шар")
	keepAndFetch(t, s, []byte{1, 2, 255})
	keepAndFetch(t, s, []int{-1, 0, math.MaxInt64})
	keepAndFetch(t, s, []uint16{1, 65535})
	keepAndFetch(t, s, []float32{1.5, float32(math.Inf(1)), -0.25})
	keepAndFetch(t, s, []float64{math.Pi, math.SmallestNonzeroFloat64})
	keepAndFetch(t, s, []complex128{1 + 2i})
	keepAndFetch(t, s, vector{1, 2})
	keepAndFetch(t, s, []float64{})
	keepAndFetch(t, s, [][]float64{{1, 2}, {3}})
	keepAndFetch(t, s, []string{"a", "", "b"})
	keepAndFetch(t, s, [3]int{1, 2, 3})
	keepAndFetch(t, s, map[string][]float32{"a": {1}})
	keepAndFetch(t, s, point{X: 1, Tags: []string{"t"}, By: map[string]int{"k": 2}})
	keepAndFetch(t, s, &point{Y: 2})
	keepAndFetch(t, s, []point{{X: 1}, {Y: 2}})
	keepAndFetch(t, s, tree{"root", []*tree{{"leaf", nil}, {"leaf", nil}}})
	keepAndFetch(t, s, sealed{7})
	keepAndFetch(t, s, &sealed{8})
	keepAndFetch(t, s, withSealed{sealed{9}, time.Unix(1e9, 5).UTC()})
	keepAndFetch(t, s, []sealed{{1}, {2}})
	keepAndFetch(t, s, map[string]*big.Int{"x": big.NewInt(3)})
	keepAndFetch(t, s, time.Second)
}

func TestPutReplaces(t *testing.T) {
	s := openTest(t)
	if err := errors.Join(Put(s, "x", 1), Put(s, "x", "two")); err != nil {
		t.Fatal(err)
	}
	if got, err := Get[string](s, "x"); got != "two" || err != nil {
		t.Errorf("%q, %v; want two", got, err)
	}
	if info := onlyEntry(t, s); info.Kind != KindValue || info.Type != "string" || info.Key.Name != "x" {
		t.Errorf("info %+v", info)
	}
}

// A value given as an interface is stored with its dynamic type.
func TestPutInterface(t *testing.T) {
	s := openTest(t)
	var v any = []float32{1, 2}
	if err := Put(s, "x", v); err != nil {
		t.Fatal(err)
	}
	if got, err := Get[[]float32](s, "x"); err != nil || len(got) != 2 {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := Get[any](s, "x"); !errors.Is(err, ErrType) || !strings.Contains(err.Error(), "[]float32") {
		t.Errorf("Get[any]: error %v, want ErrType that names []float32", err)
	}
}

func TestGetRefuses(t *testing.T) {
	s := openTest(t)
	if _, err := Get[int](s, "x"); !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "there are: none") {
		t.Errorf("empty store: %v", err)
	}
	if err := errors.Join(Put(s, "codes", []float32{1}), Put(s, "table", point{}), saveVersion(s, 1)); err != nil {
		t.Fatal(err)
	}
	_, err := Get[int](s, "cods")
	if !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), `"codes" ([]float32)`) ||
		!strings.Contains(err.Error(), `"table" (store.point)`) || strings.Contains(err.Error(), "vae") {
		t.Errorf("unknown name: error %v, want the values that there are", err)
	}
	_, float64Err := Get[[]float64](s, "codes")
	_, structErr := Get[point](s, "codes")
	_, imageErr := Get[image.Image](s, "codes")
	for want, err := range map[string]error{
		"[]float64": float64Err, "store.point": structErr, "image.Image": imageErr,
	} {
		if !errors.Is(err, ErrType) || !strings.Contains(err.Error(), "it holds []float32, asked for "+want) {
			t.Errorf("error %v, want ErrType with []float32 and %s", err, want)
		}
	}
}

// A type that has changed since Put is an error that shows the change, never silent zeros.
func TestChangedType(t *testing.T) {
	s := openTest(t)
	put := func() error {
		type sample struct {
			X     float64
			Label string
		}
		return Put(s, "sample", []sample{{1, "a"}})
	}
	get := func() error {
		type sample struct {
			X    float64
			Name string
		}
		_, err := Get[[]sample](s, "sample")
		return err
	}
	if err := put(); err != nil {
		t.Fatal(err)
	}
	err := get()
	if !errors.Is(err, ErrType) || !strings.Contains(err.Error(), "was Label string, is now Name string") {
		t.Errorf("error %v, want ErrType and the changed field", err)
	}
}

func TestPutRefuses(t *testing.T) {
	s := openTest(t)
	type hidden struct{ A, b int }
	type deep struct{ Inner []map[string]hidden }
	type callback struct{ F func() }
	type dynamic struct{ V any }
	type optional struct{ N *int }
	ring := &tree{Name: "a"}
	ring.Children = []*tree{{Name: "b", Children: []*tree{ring}}}
	tests := []struct {
		name string
		put  func(name string) error
		want []string
	}{
		{"unexported", func(n string) error { return Put(s, n, hidden{1, 2}) }, []string{"store.hidden.b", "export it"}},
		{"unexported deep", func(n string) error { return Put(s, n, deep{}) }, []string{"Inner[][].b"}},
		{"function", func(n string) error { return Put(s, n, func() {}) }, []string{"func"}},
		{"function in a struct", func(n string) error { return Put(s, n, callback{}) }, []string{"callback.F"}},
		{"interface inside", func(n string) error { return Put(s, n, dynamic{1}) }, []string{"dynamic.V", "interface"}},
		{"pointer to a number", func(n string) error { return Put(s, n, optional{}) }, []string{"optional.N", "nil"}},
		{"channel", func(n string) error { return Put(s, n, make(chan int)) }, []string{"chan"}},
		{"nil pointer", func(n string) error { return Put(s, n, (*point)(nil)) }, []string{"nil *store.point"}},
		{"nil interface", func(n string) error { return Put[any](s, n, nil) }, []string{"nil"}},
		{"nil image", func(n string) error { return Put(s, n, (*image.Gray)(nil)) }, []string{"nil *image.Gray"}},
		{"nil sealed", func(n string) error { return Put(s, n, (*sealed)(nil)) }, []string{"nil *store.sealed"}},
		{"cycle", func(n string) error { return Put(s, n, ring) }, []string{"points back to itself"}},
		{"no name", func(string) error { return Put(s, "", 1) }, []string{"no name"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := test.put(test.name)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q, want %q in it", err, want)
				}
			}
			if infos, err := s.List(); err != nil || len(infos) > 0 {
				t.Errorf("left %v, %v", infos, err)
			}
		})
	}
}

func TestDamagedValue(t *testing.T) {
	s := openTest(t)
	if err := Put(s, "codes", []float32{1, 2, 3}); err != nil {
		t.Fatal(err)
	}
	flipBit(t, s.path(onlyEntry(t, s).ID), prefixSize+4, 2)
	var damaged *DamagedError
	if _, err := Get[[]float32](s, "codes"); !errors.As(err, &damaged) || damaged.Moved == "" {
		t.Errorf("error %v, want a DamagedError", err)
	}
	if _, err := Get[[]float32](s, "codes"); !errors.Is(err, ErrNotFound) {
		t.Errorf("error %v, want ErrNotFound", err)
	}
}

func TestImages(t *testing.T) {
	s := openTest(t)
	opaque := color.NRGBA{200, 100, 50, 255}
	glass := color.NRGBA{201, 101, 51, 77}
	bounds := image.Rect(-1, 2, 6, 9)
	images := []draw.Image{
		image.NewGray(bounds), image.NewGray16(bounds), image.NewAlpha(bounds), image.NewAlpha16(bounds),
		image.NewRGBA(bounds), image.NewRGBA64(bounds), image.NewNRGBA(bounds), image.NewNRGBA64(bounds),
		image.NewCMYK(bounds),
	}
	for _, background := range []color.Color{opaque, glass} {
		for _, img := range images {
			draw.Draw(img, img.Bounds(), image.NewUniform(background), image.Point{}, draw.Src)
			img.Set(1, 4, color.NRGBA64{0x1234, 0x4321, 0x8765, 0xfffe})
			var v image.Image = img
			if err := Put(s, "img", v); err != nil {
				t.Fatal(err)
			}
			got, err := Get[image.Image](s, "img")
			if err != nil || !reflect.DeepEqual(got, v) {
				t.Errorf("%T on %v: %T, %v; want the same", img, background, got, err)
			}
		}
	}
}

// An image can be read by its own type or as any image, and not by another type.
func TestImageTypes(t *testing.T) {
	s := openTest(t)
	img := image.NewGray(image.Rect(0, 0, 28, 28))
	img.Pix[5] = 9
	if err := Put(s, "digit", img); err != nil {
		t.Fatal(err)
	}
	if got, err := Get[*image.Gray](s, "digit"); err != nil || !bytes.Equal(got.Pix, img.Pix) {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := Get[*image.RGBA](s, "digit"); !errors.Is(err, ErrType) ||
		!strings.Contains(err.Error(), "it holds *image.Gray, asked for *image.RGBA") {
		t.Errorf("error %v, want ErrType", err)
	}
	if err := Put(s, "empty", image.NewGray(image.Rect(3, 3, 3, 9))); err != nil {
		t.Fatal(err)
	}
	if got, err := Get[*image.Gray](s, "empty"); err != nil || got.Bounds() != image.Rect(3, 3, 3, 9) {
		t.Errorf("empty image: %v, %v", got, err)
	}
	palette := image.NewPaletted(image.Rect(0, 0, 2, 1), color.Palette{color.Black, color.White})
	palette.Pix[1] = 1
	if err := Put(s, "palette", palette); err != nil {
		t.Fatal(err)
	}
	got, err := Get[image.Image](s, "palette")
	if err != nil || color.GrayModel.Convert(got.At(1, 0)) != (color.Gray{255}) {
		t.Errorf("%v, %v; want a white pixel", got, err)
	}
}

func TestHistory(t *testing.T) {
	var h History
	h.Add(10, map[string]float64{"total": 3, "kl": 1})
	h.Add(20, map[string]float64{"total": 2, "kl": 0.5, "test": 9})
	h.Add(30, map[string]float64{"total": 1})
	var buf bytes.Buffer
	if err := h.Write(&buf); err != nil {
		t.Fatal(err)
	}
	whole := buf.Bytes()
	got, err := ReadHistory(bytes.NewReader(whole))
	if err != nil || !reflect.DeepEqual(got.Names, []string{"kl", "total", "test"}) ||
		!reflect.DeepEqual(got.Steps, []int{10, 20, 30}) || !reflect.DeepEqual(got.Loss("total"), []float64{3, 2, 1}) {
		t.Fatalf("%+v, %v", got, err)
	}
	if test := got.Loss("test"); !math.IsNaN(test[0]) || test[1] != 9 || !math.IsNaN(test[2]) || got.Loss("none") != nil {
		t.Errorf("test loss %v, want NaN 9 NaN", test)
	}
	for n := range whole {
		if _, err := ReadHistory(bytes.NewReader(whole[:n])); err == nil {
			t.Errorf("cut to %d bytes: no error", n)
		}
	}
}
