package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"time"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"deeplearning.example/kernelext/device"
)

func c(g *Graph, v float32) *Node { return Const(g, v) }

func main() {
	backend, err := device.Backend()
	if err != nil {
		panic(err)
	}
	n, m, d := 10000, 400, 784
	if len(os.Args) > 3 {
		m, _ = strconv.Atoi(os.Args[2])
		d, _ = strconv.Atoi(os.Args[3])
	}
	r := rand.New(rand.NewPCG(1, 1))
	flat := make([]float32, n*d)
	for i := range flat {
		if r.Float32() < 0.2 {
			flat[i] = r.Float32()
		}
	}
	x := tensors.FromFlatDataAndDimensions(flat, n, d)
	w0 := make([]float32, m*d)
	for i := range w0 {
		w0[i] = r.Float32() * .3
	}
	px := make([]float32, m)
	py := make([]float32, m)
	for i := range m {
		px[i], py[i] = float32(i%20), float32(i/20)
	}
	order := make([]int32, n)
	for i := range order {
		order[i] = int32(r.IntN(n))
	}
	kind := os.Args[1]
	for _, B := range []int{1, 8, 16, 32, 64} {
		if kind == "direct" && B > 1 {
			break
		}
		steps := n / B
		w := tensors.FromFlatDataAndDimensions(w0, m, d)
		exec := MustNewExec(backend, func(x, w, order, px, py *Node) []*Node {
			g := x.Graph()
			state := []*Node{Const(g, int32(0)), x, w, order, px, py, Const(g, float32(0))}
			params := func(g *Graph) []*Node {
				o := make([]*Node, len(state))
				for i, s := range state {
					o[i] = Parameter(g, fmt.Sprint("s", i), s.Shape())
				}
				return o
			}
			cond := NewClosure(g, func(g *Graph) []*Node { return []*Node{LessThan(params(g)[0], Const(g, int32(steps)))} })
			body := NewClosure(g, func(g *Graph) []*Node {
				s := params(g)
				i, x, w, order, px, py := s[0], s[1], s[2], s[3], s[4], s[5]
				hood := func(b *Node) *Node {
					dx := Sub(px, Gather(px, Reshape(b, 1)))
					dy := Sub(py, Gather(py, Reshape(b, 1)))
					h := Exp(Mul(Add(Square(dx), Square(dy)), c(g, -0.5/9)))
					return Mul(h, c(g, 0.1))
				}
				if kind == "direct" {
					row := DynamicSlice(order, []*Node{i}, []int{1})
					xi := DynamicSlice(x, []*Node{Reshape(row), Const(g, int32(0))}, []int{1, d})
					diff := Sub(BroadcastToDims(xi, m, d), w)
					score := ReduceSum(Square(diff), 1)
					b := ArgMin(score, 0)
					a := hood(b)
					s[2] = Add(w, Mul(BroadcastToDims(ExpandAxes(a, 1), m, d), diff))
					s[6] = Add(s[6], ReduceMin(score, 0))
				} else {
					rows := DynamicSlice(order, []*Node{Mul(i, Const(g, int32(B)))}, []int{B})
					xb := Gather(x, Reshape(rows, B, 1))             // [B,d]
					P := DotGeneral(xb, []int{1}, nil, w, []int{1}, nil) // [B,m]
					Q := DotGeneral(xb, []int{1}, nil, xb, []int{1}, nil)
					N := ReduceSum(Square(w), 1)
					var as []*Node
					for t := range B {
						p := Reshape(Slice(P, AxisElem(0)), m)
						score := Sub(N, Mul(p, c(g, 2)))
						b := ArgMin(score, 0)
						a := hood(b)
						as = append(as, a)
						one := Sub(BroadcastToDims(c(g, 1), m), a)
						qt := Slice(Q, AxisElem(t), AxisRange(t)) // [1, B-t]
						qtt := Reshape(Slice(qt, AxisElem(0), AxisElem(0)))
						N = Add(Mul(Square(one), N), Add(Mul(Mul(c(g, 2), Mul(a, one)), p), Mul(Square(a), BroadcastToDims(qtt, m))))
						s[6] = Add(s[6], ReduceMin(score, 0))
						if t+1 < B {
							k := B - t - 1
							rest := Slice(P, AxisRange(1))
							P = Add(Mul(BroadcastToDims(Reshape(one, 1, m), k, m), rest),
								Mul(BroadcastToDims(Reshape(a, 1, m), k, m), BroadcastToDims(Reshape(Slice(qt, AxisRange(), AxisRange(1)), k, 1), k, m)))
						}
					}
					beta := make([]*Node, B)
					suf := BroadcastToDims(c(g, 1), m)
					for t := B - 1; t >= 0; t-- {
						beta[t] = Mul(as[t], suf)
						suf = Mul(suf, Sub(BroadcastToDims(c(g, 1), m), as[t]))
					}
					bt := Stack(beta, 0) // [B,m]
					s[2] = Add(Mul(BroadcastToDims(ExpandAxes(suf, 1), m, d), w), DotGeneral(bt, []int{0}, nil, xb, []int{0}, nil))
				}
				s[0] = Add(i, Const(g, int32(1)))
				return s
			})
			out := While(cond, body, state...)
			return []*Node{out[2], out[6]}
		})
		x.ToDevice(backend, 0)
		t0 := time.Now()
		o := tensors.FromFlatDataAndDimensions(order, n)
		p1, p2 := tensors.FromFlatDataAndDimensions(px, m), tensors.FromFlatDataAndDimensions(py, m)
		res := exec.MustCall(x, w, o, p1, p2)
		first := time.Since(t0).Seconds()
		best := 1e9
		for range 5 {
			t := time.Now()
			res = exec.MustCall(x, w, o, p1, p2)
			best = min(best, time.Since(t).Seconds())
		}
		fmt.Printf("%s B=%d: first %.2f s, %.1f ms, %.0f samples/s, %.2f us/sample  sum %v w0 %v\n", kind, B, first, best*1e3, float64(n)/best, best/float64(n)*1e6, res[1].Value(), tensors.MustCopyFlatData[float32](res[0])[:3])
	}
	_ = dtypes.Float32
	_ = shapes.Make
}
