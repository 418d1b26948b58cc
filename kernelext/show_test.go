package kernelext

import (
	"errors"
	"fmt"
	"image"
	"math"
	"net/url"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes/bfloat16"
	"github.com/gomlx/gomlx/core/tensors"
)

type own struct{}

func (own) Bundle() (Bundle, error) {
	return Bundle{Data: map[string]any{mimeText: "own text", mimeHTML: "<b>own</b>"}}, nil
}

func TestShow(t *testing.T) {
	type row struct {
		Name   string
		Loss   float64
		hidden int
	}
	long := make([]int, 1000)
	for i := range long {
		long[i] = i
	}
	for _, test := range []struct {
		v    any
		want string
	}{
		{nil, "<nil>(nil)"},
		{(*url.URL)(nil), "*url.URL(nil)"},
		{"", `""`},
		{own{}, "own text"},
		{errors.New("bad"), "error: bad"},
		{&url.URL{Host: "h"}, "//h"},
		{42, "42"},
		{struct{ A, B int }{1, 2}, "{A:1 B:2}"},
		{[]byte{1, 0xab}, "2 bytes: 01 ab"},
		{[]float64{1, math.Pi}, "[]float64 (2): 1 3.142\nmin 1, mean 2.071, max 3.142"},
		{[]string{}, "[]string (0): "},
		{long, "[]int (1000): 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 …\nmin 0, mean 499.5, max 999"},
		{map[int]string{10: "ten", 9: "nine"}, "key  value\n───  ─────\n  9  nine\n 10  ten"},
		{map[string]int{}, "map[string]int (0)"},
		{[]row{{"a", 0.5, 1}, {"b", 10, 2}}, "Name  Loss\n────  ────\na      0.5\nb       10"},
		{[]*row{{"a", 0.5, 1}, nil}, "Name  Loss\n────  ────\na      0.5\n"},
		{[]*image.Gray{image.NewGray(image.Rect(0, 0, 2, 2))}, "image 2×2: 1×1 grid"},
		{image.NewGray(image.Rect(0, 0, 2, 2)), "image 2×2"},
		{tensors.FromValue([]float32{1, 2}), "tensor: Float32 [2]\nmin 1, mean 1.5, max 2, NaN 0\n1 2"},
	} {
		b, err := bundleOf(test.v, defaults(t))
		if err != nil {
			t.Errorf("%v: %v", test.v, err)
		}
		if b.text() != test.want {
			t.Errorf("%v: %q, want %q", test.v, b.text(), test.want)
		}
		if _, err := b.wire(""); err != nil {
			t.Errorf("%v: %v", test.v, err)
		}
	}
}

func TestShowLongTable(t *testing.T) {
	m := map[int]int{}
	for i := range 200 {
		m[i] = i
	}
	b, err := bundleOf(m, defaults(t))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(b.text(), "\n"); n != maxTableRows+2 || !strings.HasSuffix(b.text(), "(the first 50 of 200)") {
		t.Errorf("%d lines, end %q", n, b.text()[len(b.text())-40:])
	}
}

func TestTable(t *testing.T) {
	b, err := tableBundle([]string{"model", "ELBO <nats>", "note"}, [][]any{
		{"VAE-20", -98.37123, "ok"}, {"AE", nil, "a & b"}, {"β", math.Inf(-1), 3},
	}, defaults(t, Caption("Three models.")))
	if err != nil {
		t.Fatal(err)
	}
	want := "model   ELBO <nats>  note\n──────  ───────────  ─────\nVAE-20       -98.37  ok\n" +
		"AE                   a & b\nβ              -Inf  3\nThree models."
	if b.text() != want {
		t.Errorf("text\n%s\nwant\n%s", b.text(), want)
	}
	html, _ := b.Data[mimeHTML].(string)
	for _, want := range []string{
		`<th style="text-align:right;padding:2px 10px">ELBO &lt;nats&gt;</th>`,
		`<td style="text-align:left;padding:2px 10px">a &amp; b</td>`, "Three models.</caption>",
	} {
		if !strings.Contains(html, want) {
			t.Errorf("no %s in %s", want, html)
		}
	}
	for _, rows := range [][][]any{{{1}}, {{1, 2, 3, 4}}} {
		if _, err := tableBundle([]string{"a", "b", "c"}, rows, defaults(t)); err == nil {
			t.Errorf("%v was shown under 3 columns", rows)
		}
	}
	if _, err := tableBundle(nil, nil, defaults(t)); err == nil {
		t.Error("a table without columns was shown")
	}
}

func TestTensorText(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, test := range []struct {
		t    *tensors.Tensor
		want string
	}{
		{tensors.FromValue([][]float32{{1, nan}, {3, inf}}),
			"w: Float32 [2 2]\nmin 1, mean 2, max 3, NaN 1, infinite 1\n1 NaN 3 +Inf"},
		{tensors.FromScalar(int32(7)), "w: Int32 []\nmin 7, mean 7, max 7, NaN 0\n7"},
		{tensors.FromValue([]bool{true, false, false, true}), "w: Bool [4]\nmin 0, mean 0.5, max 1, NaN 0\n1 0 0 1"},
		{tensors.FromValue([]uint8{0, 255}), "w: Uint8 [2]\nmin 0, mean 127.5, max 255, NaN 0\n0 255"},
		{tensors.FromValue([]bfloat16.BFloat16{bfloat16.FromFloat32(1.5)}),
			"w: BFloat16 [1]\nmin 1.5, mean 1.5, max 1.5, NaN 0\n1.5"},
		{tensors.FromFlatDataAndDimensions([]float32{}, 0, 3), "w: Float32 [0 3], empty"},
		{tensors.FromValue(make([]float64, 9)), "w: Float64 [9]\nmin 0, mean 0, max 0, NaN 0\n0 0 0 0 0 0 0 0 …"},
	} {
		b, err := tensorBundle("w", test.t, defaults(t))
		if err != nil || b.text() != test.want {
			t.Errorf("%q, %v, want %q", b.text(), err, test.want)
		}
	}
	if _, err := tensorBundle("z", tensors.FromValue([]complex64{1}), defaults(t)); err == nil {
		t.Error("complex numbers were described")
	}
	finalized := tensors.FromValue([]float32{1})
	if err := finalized.FinalizeAll(); err != nil {
		t.Fatal(err)
	}
	if _, err := tensorBundle("gone", finalized, defaults(t)); err == nil {
		t.Error("a finalised tensor was described")
	}
	if _, err := tensorBundle("nil", nil, defaults(t)); err == nil {
		t.Error("no tensor was described")
	}
}

func TestTensorPictures(t *testing.T) {
	flat := make([]float32, 6*8*3)
	for i := range flat {
		flat[i] = float32(i)
	}
	of := func(dims ...int) *tensors.Tensor {
		n := 1
		for _, d := range dims {
			n *= d
		}
		return tensors.FromFlatDataAndDimensions(flat[:n], dims...)
	}
	for _, test := range []struct {
		t    *tensors.Tensor
		opt  Option
		want string // the end of the text; with ! of the error
	}{
		{of(4, 6), AsImages(0, 0), "image 6×4\nblack 0, white 23"},
		{of(3, 4, 2), AsImages(0, 0), "image 6×4: 1×3 grid\nblack 0, white 23"},
		{of(2, 4, 6, 3), AsImages(0, 0), "image 12×4: 1×2 grid\nblack 0, white 143"},
		{of(3, 8), AsImages(4, 2), "image 6×4: 1×3 grid\nblack 0, white 23"},
		{of(3, 4, 2), AsHeatmap(), "image 6×4: 1×3 grid\ndark 0, yellow 23"},
		{of(4, 6), AsHeatmap(), "4×6 values: min 0, mean 11.5, max 23, NaN 0"},
		{of(2, 4, 6, 3), AsHeatmap(), "! want one channel"},
		{of(6), AsImages(0, 0), "! want [h, w], [n, h, w]"},
		{of(2, 2, 2, 2), AsImages(0, 0), "! want [h, w], [n, h, w]"},
		{of(3, 8), AsImages(5, 5), "! want a multiple of 25 values"},
	} {
		b, err := tensorBundle("x", test.t, defaults(t, test.opt))
		if want, isError := strings.CutPrefix(test.want, "! "); isError {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v: %v, want %q", test.t.Shape(), err, want)
			}
			continue
		}
		if err != nil || !strings.HasSuffix(b.text(), test.want) || b.Data[mimePNG] == nil {
			t.Errorf("%v: %q %v, want %q", test.t.Shape(), b.text(), err, test.want)
		}
	}
}

func TestNumber(t *testing.T) {
	for x, want := range map[float64]string{
		0: "0", 1e6: "1000000", 0.000123456: "0.0001235", -2.5: "-2.5", 98.37123: "98.37", 1e20: "1e+20",
	} {
		if got := number(x); got != want {
			t.Errorf("%v: %s, want %s", x, got, want)
		}
	}
	if got := fmt.Sprint(sparkline([]float64{0, 1, math.NaN(), 0.5}), sparkline(nil)); got != "▁█·▅" {
		t.Errorf("sparkline %s", got)
	}
}
