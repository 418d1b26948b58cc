package lecture11

import (
	"fmt"
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

const (
	kohonenCall = 10_000 // steps in a call of the device; an interrupt takes effect after a call
	calmSpans   = 3      // consecutive spans of 1/λ steps over which a stable Q does not change
)

// The state of the loop on the device, in this order. C is the number of steps in a call, R the number of its records.
const (
	ksStep    = iota // step of the call, int32
	ksLast           // the step of the call before which it ends, int32
	ksFirst          // the step of the training at which the call starts, int32
	ksCalm           // consecutive spans without a change of Q, int32
	ksQ              // running Q
	ksBefore         // running Q at the end of the last span
	ksCenters        // w [m, n]
	ksWins           // n_y [m]

	ksQs         // Q after each step [C]
	ksSquared    // ρ² of each step [C]
	ksWinners    // of each step, int32 [C]
	ksTrajectory // [R, m, n]

	ksPicks  // the object of each step, int32 [C]
	ksRates  // η [C]
	ksWidths // [C]
	ksData   // x [l, n]

	ksCount
)

// kohonenState is a run in progress, on the host.
type kohonenState struct {
	run   *KohonenRun
	pick  func(step int) int
	l     int // objects
	dtype dtypes.DType

	calm      int32
	q, before float64
	wins      *tensors.Tensor
}

// begin sets up the state for the first step.
func (s *kohonenState) begin() error {
	m := s.run.Centers.Shape().Dimensions[0]
	s.q, s.before = s.run.Q0, s.run.Q0
	s.wins = numbers(s.dtype, make([]float64, m), m)
	flat, err := float64s(s.run.Centers)
	s.run.Trajectory = [][][]float64{cut(flat, m)}
	return err
}

// numbers returns a float32 or float64 tensor of the values.
func numbers(dtype dtypes.DType, values []float64, dims ...int) *tensors.Tensor {
	if dtype == dtypes.Float64 {
		return tensors.FromFlatDataAndDimensions(values, dims...)
	}
	flat := make([]float32, len(values))
	for i, v := range values {
		flat[i] = float32(v)
	}
	return tensors.FromFlatDataAndDimensions(flat, dims...)
}

// callSize returns the number C of steps in a call. A call holds whole records, so that none is split.
func (k *Kohonen) callSize() int {
	if k.oneByOne() {
		return 1
	}
	return min(k.cfg.Steps, k.cfg.Every*max(1, kohonenCall/k.cfg.Every))
}

// call runs the next steps on the device and adds their results to the run.
func (k *Kohonen) call(s *kohonenState, x *tensors.Tensor) error {
	size, first := k.callSize(), s.run.Steps
	count := min(size, k.cfg.Steps-first)
	picks, rates, widths := make([]int32, size), make([]float64, size), make([]float64, size)
	copy(rates, k.rates[first:first+count])
	copy(widths, k.widths[first:first+count])
	for i := range count {
		pick := s.pick(first + i)
		if pick < 0 || pick >= s.l {
			return fmt.Errorf("KohonenConfig.Pick(%d) = %d, want an object from 0 to %d", first+i, pick, s.l-1)
		}
		picks[i] = int32(pick)
	}
	out, err := k.exec.Call(int32(0), int32(count), int32(first), s.calm,
		numbers(s.dtype, []float64{s.q}), numbers(s.dtype, []float64{s.before}), s.run.Centers, s.wins,
		picks, numbers(s.dtype, rates, size), numbers(s.dtype, widths, size), x)
	if err != nil {
		return err
	}
	return s.add(out, k.cfg)
}

// add takes over the state and the traces that a call returned.
func (s *kohonenState) add(out []*tensors.Tensor, cfg KohonenConfig) error {
	values := make([][]float64, len(out))
	for _, i := range []int{ksQ, ksBefore, ksWins, ksQs, ksSquared, ksTrajectory} {
		var err error
		if values[i], err = float64s(out[i]); err != nil {
			return err
		}
	}
	winners, err := tensors.CopyFlatData[int32](out[ksWinners])
	if err != nil {
		return err
	}
	count := int(tensors.ToScalar[int32](out[ksStep]))
	s.calm = tensors.ToScalar[int32](out[ksCalm])
	s.q, s.before = values[ksQ][0], values[ksBefore][0]
	s.run.Centers, s.wins = out[ksCenters], out[ksWins]
	s.run.Q = append(s.run.Q, values[ksQs][:count]...)
	s.run.Squared = append(s.run.Squared, values[ksSquared][:count]...)
	s.run.Winner = append(s.run.Winner, winners[:count]...)
	s.run.Stable = s.calm >= calmSpans
	s.run.Wins = make([]int, len(values[ksWins]))
	for y, w := range values[ksWins] {
		s.run.Wins[y] = int(w)
	}
	s.records(values[ksTrajectory], out[ksTrajectory].Shape().Dimensions, count, cfg)
	s.run.Steps += count
	for i, t := range out {
		if i == ksCenters || i == ksWins {
			continue
		}
		if err := t.FinalizeAll(); err != nil {
			return err
		}
	}
	return nil
}

// records adds the records [R, m, n] of a call of count steps to the trajectory: those after every cfg.Every steps and
// the last.
func (s *kohonenState) records(flat []float64, dims []int, count int, cfg KohonenConfig) {
	size := dims[1] * dims[2]
	for r := 0; r*cfg.Every < count; r++ {
		step := s.run.Steps + min((r+1)*cfg.Every, count)
		if step%cfg.Every != 0 && step != cfg.Steps && !s.run.Stable {
			continue // one step per call
		}
		s.run.Recorded = append(s.run.Recorded, step)
		s.run.Trajectory = append(s.run.Trajectory, cut(flat[r*size:(r+1)*size], dims[1]))
	}
}

// loop builds the steps of a call as one loop on the device. Its inputs are the state of the loop without the traces;
// its results are the state without the fixed inputs. The rules for a graph.While are those of Training.loop:
// everything that the body needs is part of the state, and a scalar constant is made by Const outside the body.
func (k *Kohonen) loop(inputs []*Node) []*Node {
	state := k.withTraces(inputs)
	g := state[0].Graph()
	parameters := func(g *Graph) []*Node {
		nodes := make([]*Node, ksCount)
		for i, s := range state {
			nodes[i] = Parameter(g, fmt.Sprintf("state_%d", i), s.Shape())
		}
		return nodes
	}
	cond := NewClosure(g, func(g *Graph) []*Node {
		s := parameters(g)
		return []*Node{LogicalAnd(LessThan(s[ksStep], s[ksLast]), LessThan(s[ksCalm], Const(g, int32(calmSpans))))}
	})
	body := NewClosure(g, func(g *Graph) []*Node { return k.step(parameters(g)) })
	return While(cond, body, state...)[:ksPicks]
}

// single builds one step, without a loop.
func (k *Kohonen) single(inputs []*Node) []*Node { return k.step(k.withTraces(inputs))[:ksPicks] }

// withTraces inserts room for the traces between the state and the fixed inputs. Its contents are overwritten.
func (k *Kohonen) withTraces(inputs []*Node) []*Node {
	size, w := k.callSize(), inputs[ksCenters].Shape()
	q := inputs[ksQ]
	records := (size + k.cfg.Every - 1) / k.cfg.Every
	traces := []*Node{
		BroadcastToDims(q, size), BroadcastToDims(q, size), BroadcastToDims(inputs[ksStep], size),
		BroadcastToDims(q, records, w.Dimensions[0], w.Dimensions[1]),
	}
	state := append([]*Node(nil), inputs[:ksQs]...)
	return append(append(state, traces...), inputs[ksQs:]...)
}

// step builds one step of the training.
func (k *Kohonen) step(in []*Node) []*Node {
	s := append([]*Node(nil), in...)
	g, i := s[0].Graph(), s[ksStep]
	x := pixels(Gather(s[ksData], Reshape(Gather(s[ksPicks], Reshape(i, 1)), 1))) // [n]
	diff := Sub(ExpandAxes(x, 0), s[ksCenters])                                   // x − w_y, [m, n]
	squared := ReduceSum(Square(diff), -1)                                        // [m]
	winner := ArgMin(squared, -1)
	wins := Add(s[ksWins], OneHot(winner, squared.Shape().Dim(0), squared.DType()))
	rate := Gather(s[ksRates], Reshape(i, 1))
	if k.cfg.MacQueen {
		rate = Reciprocal(Gather(wins, Reshape(winner, 1)))
	}
	var w *Node
	if kernel := k.cfg.kernel(); kernel == nil {
		w = winnerTakesAll(s[ksCenters], diff, winner, rate)
	} else {
		pull := kernel(squared, ranks(squared), Gather(s[ksWidths], Reshape(i, 1)))
		w = winnerTakesMost(s[ksCenters], diff, pull, rate)
	}
	record := ReduceMin(squared)
	if k.cfg.AfterStep {
		record = ReduceSum(Square(Sub(x, Gather(w, Reshape(winner, 1)))))
	}
	q := Add(MulScalar(record, k.cfg.Lambda), MulScalar(s[ksQ], 1-k.cfg.Lambda))
	k.judge(s, q)
	s[ksCenters], s[ksWins], s[ksQ] = w, wins, q
	s[ksQs] = put(s[ksQs], q, i)
	s[ksSquared] = put(s[ksSquared], record, i)
	s[ksWinners] = put(s[ksWinners], winner, i)
	s[ksTrajectory] = put(s[ksTrajectory], w, Div(i, Const(g, int32(k.cfg.Every))))
	s[ksStep] = Add(i, Const(g, int32(1)))
	return s
}

// put writes value to row i of trace.
func put(trace, value, i *Node) *Node {
	value = ExpandAxes(value, 0)
	if trace.Shape().Dim(0) == 1 {
		return value
	}
	at := []*Node{i}
	for range trace.Rank() - 1 {
		at = append(at, Const(i.Graph(), int32(0)))
	}
	return DynamicUpdateSlice(trace, value, at)
}

// winnerTakesAll is the step of hard competition, w_y := w_y + η(x − w_y)[a(x) = y]. All other rows stay the same to
// the last bit. w, diff = x − w_y: [m, n]; winner, rate: scalars.
//
// Slides "Kohonen network" and "Hard and soft competition".
func winnerTakesAll(w, diff, winner, rate *Node) *Node {
	fires := Equal(winner, Iota(w.Graph(), shapes.Make(winner.DType(), w.Shape().Dim(0)), 0)) // [m]
	return Where(fires, Add(w, Mul(rate, diff)), w)
}

// winnerTakesMost is the step of soft competition, w_y := w_y + η(x − w_y)·K_y, of all centres. w, diff = x − w_y:
// [m, n]; pull: K_y [m]; rate: scalar.
//
// Slide "Hard and soft competition".
func winnerTakesMost(w, diff, pull, rate *Node) *Node {
	return Add(w, Mul(ExpandAxes(Mul(rate, pull), -1), diff))
}

// judge applies the stopping rule. At the end of each span of 1/λ steps it compares the new running Q with that of the
// span before, counts the calm spans and keeps Q for the next comparison.
func (k *Kohonen) judge(s []*Node, q *Node) {
	if k.cfg.Tolerance == 0 {
		return
	}
	g := q.Graph()
	one := Const(g, int32(1))
	span := Const(g, int32(math.Ceil(1/k.cfg.Lambda)))
	step := Add(Add(s[ksFirst], s[ksStep]), one)
	atEnd := Equal(Mod(step, span), Const(g, int32(0)))
	still := LessOrEqual(Abs(Sub(q, s[ksBefore])), MulScalar(s[ksBefore], k.cfg.Tolerance))
	calm := Where(still, Add(s[ksCalm], one), Const(g, int32(0)))
	s[ksCalm] = Where(atEnd, calm, s[ksCalm])
	s[ksBefore] = Where(atEnd, q, s[ksBefore])
}
