package lecture11

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/zeebo/xxh3"
)

// SOMChunks gives all objects, chunk by chunk, each [rows, n] as [SOM.Training] takes them. It is called once for each pass
// over the objects and must give the same ones in the same order each time. A chunk is no longer used when the next is
// asked for. Chunks of one size are best: the program is compiled for each size.
type SOMChunks func() iter.Seq2[*tensors.Tensor, error]

// StreamTraining prepares a batch training on objects that do not fit in memory, or are better not held there: of them only
// a chunk is there at a time, and the sums of the winners. A first pass, made here, counts the objects and finds their means.
// The result is that of Training up to rounding. The loss "moved" and StopWhenStable need the last winner of each object and
// are not to be had.
func (m *SOM) StreamTraining(chunks SOMChunks, id string, fit SOMFit) (*SOMTraining, error) {
	fits, err := checkTogether([]*SOM{m}, []SOMFit{fit})
	if err != nil {
		return nil, err
	}
	switch {
	case fits[0].Mode != "batch":
		return nil, fmt.Errorf("lecture11: SOMFit.Mode = %q of a stream, want \"batch\"", fits[0].Mode)
	case fits[0].StopWhenStable > 0:
		return nil, fmt.Errorf("lecture11: SOMFit.StopWhenStable = %d of a stream, want 0", fits[0].StopWhenStable)
	}
	data, err := surveyStream(chunks, m.cfg)
	if err != nil {
		return nil, err
	}
	t, err := newSOMTraining([]*SOM{m}, fits, data, id)
	if err != nil {
		return nil, err
	}
	t.stream = chunks
	return t, nil
}

// surveyStream makes the first pass over a stream.
func surveyStream(chunks SOMChunks, cfg SOMConfig) (*somData, error) {
	d := &somData{n: cfg.Features}
	s := &streamSurvey{
		keep: max(initialSample, cfg.Nodes()), rng: rand.New(rand.NewPCG(uint64(cfg.Seed), 1)),
		sums: make([]float64, d.n), squares: make([]float64, d.n), counts: make([]float64, d.n), contents: xxh3.New(),
	}
	if cfg.Init == "uniform" {
		s.keep = 0
	}
	for x, err := range chunks() {
		if err != nil {
			return nil, err
		}
		chunk, err := newSOMData(x, nil, d.n)
		if err != nil {
			return nil, fmt.Errorf("objects from %d on: %w", d.l, err)
		}
		if err := s.add(chunk, d.l); err != nil {
			return nil, err
		}
		d.l += chunk.l
		d.missing = d.missing || chunk.missing
	}
	if d.l == 0 {
		return nil, fmt.Errorf("lecture11: the data have 0 objects, want at least 1")
	}
	s.finish(d)
	return d, nil
}

// streamSurvey gathers what a first pass learns.
type streamSurvey struct {
	keep                  int // how many objects to keep
	rng                   *rand.Rand
	kept                  []float32
	sums, squares, counts []float64
	contents              *xxh3.Hasher
}

// add takes a chunk in, of which the first object is number first.
func (s *streamSurvey) add(chunk *somData, first int) error {
	if err := writeContents(s.contents, chunk.x); err != nil {
		return err
	}
	chosen, places := s.choose(chunk.l, first)
	rows, err := chunk.rows(chosen)
	if err != nil {
		return err
	}
	for i, place := range places {
		copy(s.kept[place*chunk.n:(place+1)*chunk.n], rows[i*chunk.n:])
	}
	for j := range chunk.n {
		s.sums[j] += float64(chunk.means[j]) * chunk.counts[j]
		s.squares[j] += chunk.deviations[j] + float64(chunk.means[j])*float64(chunk.means[j])*chunk.counts[j]
		s.counts[j] += chunk.counts[j]
	}
	return nil
}

// choose draws which objects of a chunk are kept, and where, so that in the end all of the stream had the same chance.
func (s *streamSurvey) choose(l, first int) (objects, places []int) {
	n := len(s.sums)
	for i := range l {
		place := first + i
		if place >= s.keep {
			if place = s.rng.IntN(first + i + 1); place >= s.keep {
				continue
			}
		}
		if (place+1)*n > len(s.kept) {
			s.kept = append(s.kept, make([]float32, n)...)
		}
		objects, places = append(objects, i), append(places, place)
	}
	return objects, places
}

// finish gives the data what the pass has learnt.
func (s *streamSurvey) finish(d *somData) {
	d.means, d.kept, d.total = make([]float32, d.n), s.kept, float64(d.l)
	offset, spread := 0.0, 0.0
	for j := range s.sums {
		mean := s.sums[j] / max(s.counts[j], 1)
		d.means[j] = float32(mean)
		offset += mean * mean
		spread += s.squares[j]/float64(d.l) - mean*mean
	}
	d.setCentre(offset, max(0, spread))
	d.streamHash = contentsDigest(s.contents)
	s.rng.Shuffle(len(d.kept)/d.n, func(a, b int) {
		for j := range d.n {
			d.kept[a*d.n+j], d.kept[b*d.n+j] = d.kept[b*d.n+j], d.kept[a*d.n+j]
		}
	})
}

// somStreamed are the programs of a stream: one for a chunk of objects, one for the end of an epoch.
type somStreamed struct {
	chunk, end *Exec
}

// streamed are the inputs that both programs of a stream take besides the sums.
var streamed = []string{"centre", "ex", "ey", "pad", "px", "py", "w", "weights"}

// streamSums are what chunks add to.
var streamSums = []string{"counts", "energy", "qe", "sums"}

// callStream runs an epoch over a stream. When ctx ends within it, its chunks count for nothing.
func (t *SOMTraining) callStream(ctx context.Context) ([]map[string]float64, error) {
	if err := t.compileStream(); err != nil {
		return nil, err
	}
	eta, sigma, err := t.tables(1, 1)
	if err != nil {
		return nil, err
	}
	sums := t.emptySums()
	for x, err := range t.stream() {
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			sums, err = t.addChunk(x, sigma, sums)
		}
		if err != nil {
			return nil, err
		}
	}
	return t.endStreamed(sums, eta, sigma)
}

// emptySums are the sums before the first chunk.
func (t *SOMTraining) emptySums() []*tensors.Tensor {
	p := t.program
	zero := func(dims ...int) *tensors.Tensor {
		size := 1
		for _, d := range dims {
			size *= d
		}
		return tensors.FromFlatDataAndDimensions(make([]float32, size), dims...)
	}
	return []*tensors.Tensor{zero(p.countDims()...), zero(p.k), zero(p.k), zero(p.k*p.m+1, p.n)}
}

// streamArgs lists the inputs of both programs.
func (t *SOMTraining) streamArgs(sums []*tensors.Tensor, more ...any) []any {
	args := more
	for _, name := range streamed {
		if name == "w" {
			args = append(args, t.w)
		} else {
			args = append(args, t.constant[name])
		}
	}
	for _, sum := range sums {
		args = append(args, sum)
	}
	return args
}

// addChunk adds the objects of a chunk to the sums.
func (t *SOMTraining) addChunk(x, sigma *tensors.Tensor, sums []*tensors.Tensor) ([]*tensors.Tensor, error) {
	if err := checkTensors("a chunk of the stream", x); err != nil {
		return nil, err
	}
	if x.Rank() != 2 || x.Shape().Dimensions[1] != t.data.n {
		return nil, fmt.Errorf("a chunk of the stream is %s, want [rows, %d]", x.Shape(), t.data.n)
	}
	out, err := t.streamed.chunk.Call(t.streamArgs(sums, x, sigma)...)
	if err != nil {
		return nil, err
	}
	for _, sum := range sums {
		if err := sum.FinalizeAll(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// endStreamed moves the weights at the end of an epoch.
func (t *SOMTraining) endStreamed(sums []*tensors.Tensor, eta, sigma *tensors.Tensor) ([]map[string]float64, error) {
	out, err := t.streamed.end.Call(t.streamArgs(sums, eta, sigma)...)
	if err != nil {
		return nil, err
	}
	if err := replace(&t.w, out[0]); err != nil {
		return nil, err
	}
	losses, err := t.epochLosses(1, []*tensors.Tensor{sums[2], sums[2], sums[1]}, sigma)
	t.step++
	return losses, err
}

// compileStream makes the two programs of a stream.
func (t *SOMTraining) compileStream() error {
	if t.streamed != nil {
		return nil
	}
	names := append(append([]string{}, streamed...), streamSums...)
	chunk, err := NewExec(t.backend, func(inputs []*Node) []*Node {
		s := named(append([]string{"x", "sigma"}, names...), inputs)
		s = t.program.streamChunk(s)
		return []*Node{s["counts"], s["energy"], s["qe"], s["sums"]}
	})
	if err != nil {
		return err
	}
	end, err := NewExec(t.backend, func(inputs []*Node) *Node {
		s := named(append([]string{"eta", "sigma"}, names...), inputs)
		p := *t.program
		return p.applyAll(s["w"].Graph(), s, Reshape(s["eta"], p.k), Reshape(s["sigma"], p.k))
	})
	if err != nil {
		return err
	}
	t.streamed = &somStreamed{chunk: chunk, end: end}
	return nil
}

// streamChunk builds the sums over one chunk of a stream, which is cut again into chunks that fit the caches.
func (p *somProgram) streamChunk(s somState) somState {
	q := *p
	q.l = s["x"].Shape().Dim(0)
	q.use(q.n)
	g := s["x"].Graph()
	sums := somState{}
	for _, name := range streamSums {
		sums[name] = s[name]
	}
	q.prepare(s, Reshape(s["sigma"], q.k))
	for name, sum := range sums {
		s[name] = sum
	}
	s["i"] = Const(g, int32(0))
	chunks := (q.l + q.chunk - 1) / q.chunk
	return p.loop(g, s,
		func(s somState) *Node { return LessThan(s["i"], Const(s["i"].Graph(), int32(chunks))) },
		func(s somState) {
			q.accumulate(s, q.take(s, s["i"]))
			s["i"] = next(s["i"])
		})
}
