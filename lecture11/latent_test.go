package lecture11

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"
)

// TestCodeSheets: the tiles of a rectangle are those computed by hand; draws have the mean, the variance and the length
// of N(0, I); each code is repeated in place.
func TestCodeSheets(t *testing.T) {
	grid, err := CodeGrid(2, 3, 0, 4, -3, 3)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := tensors.MustCopyFlatData[float32](grid), []float32{1, 2, 3, 2, 1, 0, 3, 0, 1, -2, 3, -2}; !slices.Equal(got, want) {
		t.Errorf("grid %v, want %v", got, want)
	}
	z, err := RandomCodes(10_000, 20, 1)
	if err != nil {
		t.Fatal(err)
	}
	lengths, err := CodeLengths(z)
	if err != nil {
		t.Fatal(err)
	}
	squares := make([]float64, len(lengths))
	for i, length := range lengths {
		squares[i] = length * length
	}
	e := NewEstimate(squares)
	near(t, "E‖z‖² (4 SE)", e.Mean, 20, 4*e.SE)
	repeated, err := RepeatCodes(grid, 2)
	if err != nil {
		t.Fatal(err)
	}
	if got := tensors.MustCopyFlatData[float32](repeated)[:8]; !slices.Equal(got, []float32{1, 2, 1, 2, 3, 2, 3, 2}) {
		t.Errorf("repeated %v", got)
	}
	for want, err := range map[string]error{
		"CodeGrid of 0×3":       second(CodeGrid(0, 3, 0, 1, 0, 1)),
		"from (1, 0) to (1, 1)": second(CodeGrid(2, 2, 1, 1, 0, 1)),
		"CodeGrid of 2×2 tiles": second(CodeGrid(2, 2, math.Inf(-1), 1, 0, 1)),
		"RandomCodes(count = 0": second(RandomCodes(0, 2, 1)),
		"RepeatCodes((Float32)": second(RepeatCodes(grid, 0)),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that contains %q", err, want)
		}
	}
}
