package kernelext

import (
	"image"
	"image/color"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"gonum.org/v1/plot"
)

// TestSheetPlaces: each node has the colour of its value where it belongs, row 0 at the top, odd rows of a hexagonal sheet
// half a cell to the right.
func TestSheetPlaces(t *testing.T) {
	for _, hex := range []bool{false, true} {
		s := Sheet{Width: 4, Height: 3, Hex: hex}
		values := make([]float64, s.nodes())
		for i := range values {
			values[i] = float64(i)
		}
		p := Plane{Title: "title", Unit: "cm", Values: values}
		b, err := sheetBundle(s, []Plane{p}, defaults(t))
		if err != nil {
			t.Fatal(err)
		}
		img, l := decodePNG(t, b), newPanels(s, []Plane{p}, defaults(t))
		cx, cy := s.corner()
		for node, v := range values {
			x, y := s.position(node)
			px := int((figureMargin + (x-cx)*l.cell) * density)
			py := int((figureMargin + l.head + (y-cy)*l.cell) * density)
			got := color.NRGBAModel.Convert(img.At(px, py))
			if want := Viridis(v / 11); got != want {
				t.Errorf("hex %v, node %d: %v, want %v", hex, node, got, want)
			}
		}
		want := "title: 12 values (cm): min 0, mean 5.5, max 11, NaN 0"
		if !strings.Contains(b.text(), want) {
			t.Errorf("text %q, want %q", b.text(), want)
		}
	}
}

// TestSheetKinds draws one of each kind, also very small and many, and reads its words.
func TestSheetKinds(t *testing.T) {
	s := Sheet{Width: 2, Height: 2, Hex: true}
	img := image.NewGray(image.Rect(0, 0, 5, 7))
	four := []float64{1, math.NaN(), 3, 4}
	for want, planes := range map[string][]Plane{
		"map 2×2 hexagonal\n4 values: min 1, mean 2.667, max 4, NaN 1": {{Values: four}},
		"c: nodes no object: 1, setosa: 2, 1: 1":                       {{Title: "c", Classes: []int{0, -1, 0, 1}, Names: []string{"setosa"}}},
		"4 colours; way of 3 nodes from 0 to 3": {{Fill: make([]color.NRGBA, 4), Path: []int{0, 1, 3},
			Share: []float64{0, 1, 2, 0.5}, Labels: []string{"a", "", "c", "d"}}},
		"4 pictures": {{Pictures: []image.Image{img, img, img, img}}},
		"3 values":   {{X: []float64{0, 0.5, 1}, Y: []float64{0, 0, 0}, CellSize: 0.5, Values: []float64{1, 1, 1}}},
		"b: 4 value": {{Title: "a", Values: four}, {Title: "b", Values: four, Colors: BlueRed}, {Values: four}, {Values: four}, {Values: four}},
	} {
		for _, opts := range [][]Option{nil, {Width(120)}, {SVG(), Caption("below")}} {
			b, err := sheetBundle(s, planes, defaults(t, opts...))
			if err != nil || !strings.Contains(b.text(), want) {
				t.Errorf("%q, %v, want %q", b.text(), err, want)
			}
		}
	}
	b, err := sheetBundle(Sheet{Width: 1, Height: 1}, []Plane{{Values: []float64{2}}}, defaults(t))
	if err != nil || decodePNG(t, b).Bounds().Dx() > 400 {
		t.Errorf("one node: %v, %v", b.Meta, err)
	}
}

func TestSheetRefused(t *testing.T) {
	s, four := Sheet{Width: 2, Height: 2}, []float64{1, 2, 3, 4}
	for want, planes := range map[string][]Plane{
		`plane 0 "t": 3 Values, want 4: the sheet is 2×2`: {{Title: "t", Values: four[:3]}},
		"without planes":            nil,
		"plane 1":                   {{Values: four}, {}},
		"2 of Values, Classes":      {{Values: four, Classes: []int{0, 0, 0, 0}}},
		"none of the 4 values":      {{Values: slices.Repeat([]float64{math.NaN()}, 4)}},
		"class of node 2 is -7":     {{Classes: []int{0, 0, -7, 0}}},
		"node 0 of Path is 4, want": {{Values: four, Path: []int{4}}},
		"picture of node 0 is miss": {{Pictures: make([]image.Image, 4)}},
		"2 X, 1 Y, CellSize 0":      {{X: four[:2], Y: four[:1], Values: four[:2]}},
	} {
		if _, err := sheetBundle(s, planes, defaults(t)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if _, err := sheetBundle(Sheet{}, []Plane{{}}, defaults(t)); err == nil {
		t.Error("an empty sheet was drawn")
	}
}

// TestSheetLinks counts the lines of a net.
func TestSheetLinks(t *testing.T) {
	for want, s := range map[int]Sheet{
		31: {Width: 5, Height: 4}, 40: {Width: 5, Height: 4, Torus: true}, 16: {Width: 3, Height: 3, Hex: true},
		48: {Width: 4, Height: 4, Hex: true, Torus: true}, 0: {Width: 1, Height: 1, Torus: true}, 1: {Width: 2, Height: 1, Torus: true},
	} {
		if got := len(s.links()); got != want {
			t.Errorf("%+v: %d links, want %d", s, got, want)
		}
	}
}

// TestNet: the figure, its refusals, and several in a row.
func TestNet(t *testing.T) {
	s := Sheet{Width: 2, Height: 2}
	x, y := []float64{0, 1, 0, 1}, []float64{0, 0, 1, math.NaN()}
	a := Axes{Title: "net", X: "x₁", Y: "x₂", Equal: true}
	p, err := Net(a, s, x, y, []float64{0.5}, []float64{2})
	if err != nil {
		t.Fatal(err)
	}
	b, err := plotBundle(p, defaults(t))
	if want := "net 2×2, 1 objects; x of the nodes: min 0, mean 0.5, max 1"; err != nil || !strings.Contains(b.text(), want) {
		t.Errorf("%q, %v, want %q", b.text(), err, want)
	}
	b, err = panelsBundle(2, []*plot.Plot{p, p, p}, defaults(t))
	if err != nil || !strings.HasPrefix(b.text(), "3 figures\nnet: net 2×2") {
		t.Errorf("%q, %v", b.text(), err)
	}
	for want, try := range map[string]func() error{
		"3 x and 4 y for a sheet of 2×2": func() error { _, err := Net(a, s, x[:3], y, nil, nil); return err },
		"objects with 1 x and 0 y":       func() error { _, err := Net(a, s, x, y, x[:1], nil); return err },
		"want a label":                   func() error { _, err := Net(Axes{}, s, x, y, nil, nil); return err },
		"Panels of 0 figures":            func() error { _, err := panelsBundle(2, nil, defaults(t)); return err },
		"figure 0 is nil":                func() error { _, err := panelsBundle(1, []*plot.Plot{nil}, defaults(t)); return err },
	} {
		if err := try(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestLiveNet: many steps make few pictures, all in one place, the last of which is the last state.
func TestLiveNet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(toNotebook)
		s := Sheet{Width: 2, Height: 1}
		net := f.newLiveNet(Axes{Title: "square", X: "x₁", Y: "x₂"}, s, nil, nil)
		for step := range 1000 {
			net.Set(step, []float64{0, float64(step)}, []float64{0, 1})
		}
		for range 2 {
			if err := net.Done(); err != nil {
				t.Fatal(err)
			}
		}
		if n := len(f.sent); n == 0 || n > 3 {
			t.Errorf("%d pictures", n)
		}
	})
	f := newFake(toPipe)
	net := f.newLiveNet(Axes{Title: "square", X: "x₁", Y: "x₂"}, Sheet{Width: 2, Height: 1}, nil, nil)
	if err := net.Done(); err != nil || f.out.Len() > 0 {
		t.Errorf("an empty net: %v, printed %q", err, f.out.String())
	}
	net.Set(7, []float64{0, 1}, []float64{0, 1})
	net.live.finished = false
	if err := net.Done(); err != nil || !strings.Contains(f.out.String(), "plot: square, step 7") {
		t.Errorf("%v, printed %q", err, f.out.String())
	}
	wrong := newFake(toPipe).newLiveNet(Axes{X: "x", Y: "y"}, Sheet{Width: 3, Height: 3}, nil, nil)
	wrong.Set(1, []float64{0}, []float64{0})
	if err := wrong.Done(); err == nil || !strings.Contains(err.Error(), "1 x and 1 y") {
		t.Errorf("%v", err)
	}
}
