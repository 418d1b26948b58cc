package lecture11

import (
	"fmt"
	"math"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// A Kernel returns the weights K_y of the step w_y := w_y + η(x − w_y)·K_y: how strongly an object attracts each
// centre when the winner takes most. squared: ρ²(x, w_y) [m]; rank: the number of nearer centres, 0 for the winner,
// [m]; width: the kernel's scale, a scalar of the same dtype. Result: [m].
//
// Slide "Hard and soft competition": K should be non-negative and non-increasing in ρ; CheckKernel checks this.
type Kernel func(squared, rank, width *Node) *Node

// kernels holds the kernels by name. h is the width.
var kernels = map[string]Kernel{
	// [ρ = min ρ]: the winner takes all, written as a kernel.
	"indicator": func(squared, rank, width *Node) *Node { return won(rank) },

	// e^{−ρ²/2h²}
	"gaussian": func(squared, rank, width *Node) *Node { return gaussian(squared, width) },

	// e^{−ρ²/2h²}, but 1 for the winner: at least the winner always moves.
	"gaussian+winner": func(squared, rank, width *Node) *Node { return Max(gaussian(squared, width), won(rank)) },

	// [ρ ≤ h]
	"bubble": func(squared, rank, width *Node) *Node {
		return ConvertDType(LessOrEqual(squared, Square(width)), squared.DType())
	},

	// max(0, 1 − ρ/h)
	"triangular": func(squared, rank, width *Node) *Node {
		k := OneMinus(Div(Sqrt(squared), width))
		return Max(k, ZerosLike(k))
	},

	// (1 − ρ²/h²)·e^{−ρ²/2h²}: negative beyond h and rising again beyond √3·h. It violates the slide's condition.
	"mexican hat": func(squared, rank, width *Node) *Node {
		return Mul(OneMinus(Div(squared, Square(width))), gaussian(squared, width))
	},

	// e^{−ρ²/h} divided by its sum over the centres, h a temperature: tends to the indicator as h → 0.
	"softmax": func(squared, rank, width *Node) *Node { return Softmax(Neg(Div(squared, width)), -1) },

	// e^{−rank/h}: neural gas. The nearest centre takes a full step at any distance. Martinetz, Berkovich & Schulten 1993.
	"neural gas": func(squared, rank, width *Node) *Node { return Exp(Neg(Div(rank, width))) },
}

// KernelByName returns one of the known kernels: "indicator", "gaussian", "gaussian+winner", "bubble", "triangular",
// "mexican hat" (which violates the slide's condition), "softmax" or "neural gas".
func KernelByName(name string) (Kernel, error) {
	if err := checkName("kernel", name, kernels); err != nil {
		return nil, err
	}
	return kernels[name], nil
}

// won returns 1 for rank 0 and 0 for all others.
func won(rank *Node) *Node { return ConvertDType(Equal(rank, ZerosLike(rank)), rank.DType()) }

func gaussian(squared, width *Node) *Node { return Exp(MulScalar(Div(squared, Square(width)), -0.5)) }

// ranks returns for each centre the number of nearer ones, counting earlier ones among equals: [m] → [m], a
// permutation of 0 … m−1.
func ranks(squared *Node) *Node {
	m := squared.Shape().Dim(0)
	other, own := Reshape(squared, 1, m), Reshape(squared, m, 1) // own distance down, the others' across
	index := IotaFull(squared.Graph(), squared.Shape())
	earlier := LessThan(Reshape(index, 1, m), Reshape(index, m, 1)) // [m, m]
	nearer := LogicalOr(LessThan(other, own), LogicalAnd(Equal(other, own), earlier))
	return ReduceSum(ConvertDType(nearer, squared.DType()), -1)
}

// KernelCurve returns K at the distances rho, in ascending order, for one width: the weights of centres at these
// distances from an object. It is meant for plots and checks.
func KernelCurve(backend compute.Backend, k Kernel, rho []float64, width float64) ([]float64, error) {
	if err := checkBackend("KernelCurve", backend); err != nil {
		return nil, err
	}
	if err := checkGiven("KernelCurve", "the kernel", k != nil, "a function such as KernelByName returns"); err != nil {
		return nil, err
	}
	squared, rank := make([]float64, len(rho)), make([]float64, len(rho))
	for i, r := range rho {
		squared[i], rank[i] = r*r, float64(i)
	}
	out, err := ExecOnce(backend, func(s, r, h *Node) *Node { return k(s, r, h) }, squared, rank, width)
	if err != nil {
		return nil, fmt.Errorf("lecture11: KernelCurve: %w", err)
	}
	return tensors.CopyFlatData[float64](out)
}

// The distances that CheckKernel tests: checkPoints of them, up to checkWidths widths, and at least 10.
const (
	checkPoints = 401
	checkWidths = 10
)

// slack is the relative increase of a kernel that is attributed to rounding.
const slack = 1e-12

// CheckKernel returns an error unless k satisfies the slide's condition at this width: non-negative and non-increasing
// in ρ, on a fine grid. It also requires rate·K(0) ≤ 1, so that no step overshoots the object.
func CheckKernel(backend compute.Backend, k Kernel, rate, width float64) error {
	if err := checkBackend("CheckKernel", backend); err != nil {
		return err
	}
	if err := checkGiven("CheckKernel", "the kernel", k != nil, "a function such as KernelByName returns"); err != nil {
		return err
	}
	rho := make([]float64, checkPoints)
	for i := range rho {
		rho[i] = max(10, checkWidths*width) * float64(i) / (checkPoints - 1)
	}
	values, err := KernelCurve(backend, k, rho, width)
	if err != nil {
		return err
	}
	for i, v := range values {
		switch {
		case math.IsNaN(v) || v < 0:
			return fmt.Errorf("lecture11: kernel K(ρ = %.3g) = %.3g at width %.3g, want a non-negative number", rho[i], v, width)
		case i > 0 && v > values[i-1]*(1+slack)+slack:
			return fmt.Errorf("lecture11: kernel K rises from %.3g to %.3g at ρ = %.3g, width %.3g, want it non-increasing",
				values[i-1], v, rho[i], width)
		}
	}
	return checkStep(values[0], rate)
}

// checkStep returns an error for steps that overshoot the object.
func checkStep(top, rate float64) error {
	if rate*top > 1+slack {
		return fmt.Errorf("lecture11: rate η·K(0) = %g·%.3g = %.3g, want at most 1: a longer step goes past the object",
			rate, top, rate*top)
	}
	return nil
}
