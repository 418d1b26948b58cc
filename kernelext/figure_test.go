package kernelext

import (
	"fmt"
	"image/color"
	"math"
	"strings"
	"testing"

	"gonum.org/v1/plot"
)

var named = Axes{Title: "title", X: "x (s)", Y: "y (nats)"}

// TestFigures draws one of each kind, with awkward values, and reads its words.
func TestFigures(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	logY := Axes{X: "x", Y: "y", LogY: true}
	for _, test := range []struct {
		name string
		make func() (*plot.Plot, error)
		want string
	}{
		{"lines", func() (*plot.Plot, error) {
			return Lines(named, Series{Name: "a", Y: []float64{1, nan, 3, inf, 2}})
		}, "plot: title\nx: x (s) -0.06 … 4.06\ny: y (nats) 0.9 … 3.1\na ▁·█·▅ last 2"},
		{"one point", func() (*plot.Plot, error) { return Lines(named, Series{Y: []float64{5}}) }, "last 5"},
		{"log", func() (*plot.Plot, error) {
			return Lines(logY, Series{Name: "a", Y: []float64{1e-9, 1e9}})
		}, "last 1000000000"},
		{"constant log", func() (*plot.Plot, error) {
			return Lines(logY, Series{Name: "a", Y: []float64{3, 3}})
		}, "y: y 1.5 … 6"},
		{"scatter", func() (*plot.Plot, error) {
			return Scatter(named, []float64{0, 1, nan}, []float64{0, 1, 1}, []int{0, 2, 2}, "no", "maybe", "yes", "never")
		}, "3 points; no: 1, maybe: 0, yes: 2, never: 0"},
		{"scatter of one", func() (*plot.Plot, error) {
			return Scatter(named, []float64{1}, []float64{1}, nil)
		}, "1 points; 0: 1"},
		{"bars", func() (*plot.Plot, error) {
			return Bars(named, []string{"p", "q"}, Series{Name: "a", Y: []float64{1, -2}, Err: []float64{0.5, nan}})
		}, "a: p 1 ± 0.5, q -2 ± NaN"},
		{"hist", func() (*plot.Plot, error) { return Hist(named, 2, Series{Name: "a", Y: []float64{0, 0, 0, 1, nan}}) },
			"y: y (nats) 0 … 3.15\na █▁ 5 values, min 0, mean 0.25, max 1, NaN 1"},
		{"hist of one value", func() (*plot.Plot, error) { return Hist(named, 0, Series{Y: []float64{4, 4}}) }, "2 values"},
		{"heatmap", func() (*plot.Plot, error) { return Heatmap(named, [][]float64{{1, 2, nan}, {3, 4, 5}}, nil) },
			"2×3 values: min 1, mean 3, max 5, NaN 1"},
		{"flat heatmap", func() (*plot.Plot, error) { return Heatmap(named, [][]float64{{1}}, Cividis) }, "1×1 values"},
	} {
		p, err := test.make()
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		for _, opts := range [][]Option{{Width(200)}, {SVG()}, {Width(300), Height(100), Caption("below")}} {
			b, err := plotBundle(p, defaults(t, opts...))
			if err != nil || !strings.Contains(b.text(), test.want) {
				t.Errorf("%s: %q, %v, want %q", test.name, b.text(), err, test.want)
			}
		}
	}
}

func TestFiguresRefused(t *testing.T) {
	y, noX := []float64{1, 2}, Axes{Title: "t", Y: "y"}
	for want, try := range map[string]func() (*plot.Plot, error){
		`Lines: Axes{X: "", Y: "y"}, want a label`: func() (*plot.Plot, error) { return Lines(noX, Series{Y: y}) },
		`Scatter: Axes{X: ""`:                      func() (*plot.Plot, error) { return Scatter(noX, y, y, nil) },
		`Bars: Axes{X: ""`:                         func() (*plot.Plot, error) { return Bars(noX, nil) },
		`Hist: Axes{X: ""`:                         func() (*plot.Plot, error) { return Hist(noX, 3) },
		`Heatmap: Axes{X: ""`:                      func() (*plot.Plot, error) { return Heatmap(noX, nil, nil) },
		"Lines without a series":                   func() (*plot.Plot, error) { return Lines(named) },
		`series 0 "e" has no values`: func() (*plot.Plot, error) {
			return Lines(named, Series{Name: "e"})
		},
		`has 1 X and 2 Y`: func() (*plot.Plot, error) {
			return Lines(named, Series{X: y[:1], Y: y})
		},
		`has 1 Err and 2 Y`: func() (*plot.Plot, error) {
			return Bars(named, nil, Series{Y: y, Err: y[:1]})
		},
		"Lines: no finite values": func() (*plot.Plot, error) {
			return Lines(named, Series{Y: []float64{math.NaN()}})
		},
		"logarithmic axis Y is 0": func() (*plot.Plot, error) {
			return Lines(Axes{X: "x", Y: "y", LogY: true}, Series{Y: []float64{0, 1}})
		},
		"2 x, 1 y":                func() (*plot.Plot, error) { return Scatter(named, y, y[:1], nil) },
		"class[1] = -1":           func() (*plot.Plot, error) { return Scatter(named, y, y, []int{0, -1}) },
		"has 2 values, want 1 as": func() (*plot.Plot, error) { return Bars(named, []string{"a"}, Series{Y: y}) },
		"row 1 has 1 values, want 2": func() (*plot.Plot, error) {
			return Heatmap(named, [][]float64{y, y[:1]}, nil)
		},
		"none of the 1 values": func() (*plot.Plot, error) {
			return Heatmap(named, [][]float64{{math.Inf(1)}}, nil)
		},
		"Hist with a logarithmic": func() (*plot.Plot, error) {
			return Hist(Axes{X: "x", Y: "y", LogX: true}, 3, Series{Y: y})
		},
		"Hist: no finite values": func() (*plot.Plot, error) {
			return Hist(named, 3, Series{Y: []float64{math.NaN()}})
		},
		"Bars on a logarithmic axis": func() (*plot.Plot, error) {
			return Bars(Axes{X: "x", Y: "y", LogY: true}, nil, Series{Y: y})
		},
	} {
		if _, err := try(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if _, err := plotBundle(nil, defaults(t)); err == nil {
		t.Error("a nil plot was shown")
	}
}

// TestPlotPanics: gonum panics on a figure that it cannot draw; the cell gets an error.
func TestPlotPanics(t *testing.T) {
	p, err := Lines(named, Series{Y: []float64{1, 2}})
	if err != nil {
		t.Fatal(err)
	}
	p.Y.Scale = plot.LogScale{}
	p.Y.Min = -1
	if _, err := plotBundle(p, defaults(t)); err == nil || !strings.Contains(err.Error(), "cannot be drawn") {
		t.Errorf("%v, want an error", err)
	}
}

// TestHeatmapPlaces: row 0 is at the top, the cells are square and have the colours of their values.
func TestHeatmapPlaces(t *testing.T) {
	values := [][]float64{{0, 1}, {2, 3}, {4, 5}}
	p, err := Heatmap(named, values, Viridis)
	if err != nil {
		t.Fatal(err)
	}
	o := defaults(t, Width(400))
	b, err := plotBundle(p, o)
	if err != nil {
		t.Fatal(err)
	}
	img := decodePNG(t, b)
	height := float64(img.Bounds().Dy()) / density
	data := drawing{draw: p.Draw, o: o}.read(400, height).data
	side := float64(data.Size().X) / 0.75 / 2
	if got := float64(data.Size().Y) / 0.75 / 3; math.Abs(got-side) > 0.5 {
		t.Errorf("cells are %.1f×%.1f CSS pixels, want squares", side, got)
	}
	left, top := float64(data.Min.X)/0.75, height-float64(data.Max.Y)/0.75
	for row := range values {
		for col, v := range values[row] {
			x, y := (left+(float64(col)+0.5)*side)*density, (top+(float64(row)+0.5)*side)*density
			got := color.NRGBAModel.Convert(img.At(int(x), int(y)))
			if want := Viridis(v / 5); got != want {
				t.Errorf("row %d, column %d: %v, want %v", row, col, got, want)
			}
		}
	}
}

// TestScatterEqual: one unit is as long on both axes.
func TestScatterEqual(t *testing.T) {
	a := named
	a.Equal = true
	p, err := Scatter(a, []float64{0, 10}, []float64{0, 4}, []int{0, 1})
	if err != nil {
		t.Fatal(err)
	}
	b, err := plotBundle(p, defaults(t))
	if err != nil {
		t.Fatal(err)
	}
	height := float64(decodePNG(t, b).Bounds().Dy()) / density
	data := drawing{draw: p.Draw}.read(plotWidth, height).data
	x := float64(data.Size().X) / (p.X.Max - p.X.Min)
	y := float64(data.Size().Y) / (p.Y.Max - p.Y.Min)
	if math.Abs(x/y-1) > 0.01 {
		t.Errorf("a unit is %.2f on x and %.2f on y", x, y)
	}
}

func TestTicks(t *testing.T) {
	for _, test := range []struct {
		lo, hi float64
		log    bool
		want   string
	}{
		{0, 1, false, "0 0.2 0.4 0.6 0.8 1.0"},
		{-0.06, 4.06, false, "0 1 2 3 4"},
		{-120, 6, false, "−120 −100 −80 −60 −40 −20 0"},
		{0, 4699, false, "0 1000 2000 3000 4000"},
		{0, 2.5e6, false, "0 5e5 1e6 1.5e6 2e6 2.5e6"},
		{0, 5e-5, false, "0 1e−5 2e−5 3e−5 4e−5 5e−5"},
		{0.001, 12, true, "0.001 0.01 0.1 1 10"},
		{0.3, 20, true, "0.5 1 2 5 10 20"},
		{2, 3, true, "2.0 2.2 2.4 2.6 2.8 3.0"},
		{1e-9, 1e9, true, "1e−9 1e−6 0.001 1 1000 1e6 1e9"},
		{3, 3, false, "3"},
	} {
		ticks := evenTicks
		if test.log {
			ticks = logTicks
		}
		var labels []string
		for _, tick := range ticks(test.lo, test.hi) {
			if tick.Label != "" {
				labels = append(labels, tick.Label)
			}
		}
		if got := strings.Join(labels, " "); got != test.want {
			t.Errorf("%v … %v: %s, want %s", test.lo, test.hi, got, test.want)
		}
	}
}

// lightness is CIE L* of a colour, 0 to 100.
func lightness(c color.NRGBA) float64 {
	linear := func(v uint8) float64 {
		x := float64(v) / 255
		if x <= 0.04045 {
			return x / 12.92
		}
		return math.Pow((x+0.055)/1.055, 2.4)
	}
	y := 0.2126*linear(c.R) + 0.7152*linear(c.G) + 0.0722*linear(c.B)
	return 116*math.Cbrt(y) - 16
}

// TestColorMaps: the sequential maps get lighter in nearly equal steps; the diverging one is as dark at both ends.
func TestColorMaps(t *testing.T) {
	for name, colors := range map[string]ColorMap{"viridis": Viridis, "cividis": Cividis, "grey": Grey} {
		first, last := lightness(colors(0)), lightness(colors(1))
		for i := range 101 {
			at := float64(i) / 100
			if off := lightness(colors(at)) - (first + at*(last-first)); name != "grey" && math.Abs(off) > 5 {
				t.Errorf("%s at %.2f: lightness is off the line by %.1f of 100", name, at, off)
			}
			if i > 0 && lightness(colors(at)) <= lightness(colors(at-0.01)) {
				t.Errorf("%s at %.2f is not lighter than before", name, at)
			}
		}
		if colors(-3) != colors(0) || colors(7) != colors(1) || colors(math.NaN()) != absentColor {
			t.Errorf("%s outside of [0, 1]: %v %v %v", name, colors(-3), colors(7), colors(math.NaN()))
		}
	}
	low, middle, high := lightness(BlueRed(0)), lightness(BlueRed(0.5)), lightness(BlueRed(1))
	if math.Abs(low-high) > 3 || middle < 80 || !diverging(BlueRed) || diverging(Viridis) {
		t.Errorf("BlueRed has lightness %.0f, %.0f, %.0f", low, middle, high)
	}
}

func TestPalette(t *testing.T) {
	seen := map[color.NRGBA]bool{}
	for i := range 10 {
		seen[Palette(i)] = true
	}
	if len(seen) != 10 || Palette(10) != Palette(0) || Palette(-1) != Palette(9) {
		t.Errorf("%d colours of 10, Palette(10) %v, Palette(-1) %v", len(seen), Palette(10), Palette(-1))
	}
	if got := fmt.Sprint(Palette(0)); got != "{0 114 178 255}" {
		t.Errorf("first colour %s, want the blue of Okabe and Ito", got)
	}
}

// BenchmarkPlot draws a figure of two lines of 500 points as PNG.
func BenchmarkPlot(b *testing.B) {
	y := make([]float64, 500)
	for i := range y {
		y[i] = math.Sin(float64(i) / 50)
	}
	p, err := Lines(named, Series{Name: "a", Y: y}, Series{Name: "b", Y: y})
	if err != nil {
		b.Fatal(err)
	}
	o, err := gather(nil)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := plotBundle(p, o); err != nil {
			b.Fatal(err)
		}
	}
}
