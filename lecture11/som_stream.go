package lecture11

import (
	"context"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"slices"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/zeebo/xxh3"
)

// SOMChunks returns all objects in chunks, each [rows, n] of a type that [SOM.Training] accepts. It is called once for
// each pass over the objects and must return the same objects in the same order each time. A chunk is no longer used
// when the next one is requested. Chunks of one size are best, because the program is compiled for each size.
type SOMChunks func() iter.Seq2[*tensors.Tensor, error]

// StreamTraining prepares a batch training on objects that do not fit in memory or should not be held there: only one
// chunk and the sums of the winners are in memory at a time. A first pass, which StreamTraining makes itself, counts
// the objects and computes their means. The result is that of Training up to rounding. The loss "moved" and
// StopWhenStable are not available, because they need the last winner of each object.
func (m *SOM) StreamTraining(chunks SOMChunks, id string, fit SOMFit) (*SOMTraining, error) {
	if err := checkGiven("SOM.StreamTraining", "chunks", chunks != nil, "a function that returns the objects"); err != nil {
		return nil, err
	}
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
	s := newStreamSurvey(cfg)
	d := s.all
	for x, err := range chunks() {
		if err != nil {
			return nil, err
		}
		chunk, err := newSOMData(x, nil, cfg)
		if err != nil {
			return nil, fmt.Errorf("%w (in the chunk that starts at object %d)", err, d.l)
		}
		if err := s.add(chunk); err != nil {
			return nil, err
		}
	}
	if d.l == 0 {
		return nil, fmt.Errorf("lecture11: the data have 0 objects, want at least 1")
	}
	s.finish(cfg.metric())
	return d, nil
}

// streamSurvey gathers the statistics of a first pass.
type streamSurvey struct {
	all  *somData // of the chunks so far
	keep int      // the number of objects to keep
	rng  *rand.Rand

	contents *xxh3.Hasher
}

func newStreamSurvey(cfg SOMConfig) *streamSurvey {
	d := &somData{n: cfg.Features, means: make([]float64, cfg.Features), counts: make([]float64, cfg.Features),
		deviations: make([]float64, cfg.Features), lows: slices.Repeat([]float64{math.Inf(1)}, cfg.Features),
		highs: slices.Repeat([]float64{math.Inf(-1)}, cfg.Features)}
	s := &streamSurvey{all: d, keep: max(initialSample, cfg.Nodes()), rng: rand.New(rand.NewPCG(uint64(cfg.Seed), 1)),
		contents: xxh3.New()}
	if cfg.Init == "uniform" {
		s.keep = 0
	}
	return s
}

// add adds a chunk to the statistics. Deviations are combined by the rule of Chan, Golub & LeVeque 1983, which loses no
// digits far from 0.
func (s *streamSurvey) add(chunk *somData) error {
	d := s.all
	if err := writeContents(s.contents, chunk.x); err != nil {
		return err
	}
	chosen, places := s.choose(chunk.l, d.l)
	rows, err := chunk.rows(chosen)
	if err != nil {
		return err
	}
	for i, place := range places {
		copy(d.kept[place*d.n:(place+1)*d.n], rows[i*d.n:])
	}
	for j := range d.n {
		both := d.counts[j] + chunk.counts[j]
		apart := chunk.means[j] - d.means[j]
		share := chunk.counts[j] / max(both, 1)
		d.deviations[j] += chunk.deviations[j] + apart*apart*share*d.counts[j]
		d.means[j] += apart * share
		d.counts[j] = both
		d.lows[j], d.highs[j] = min(d.lows[j], chunk.lows[j]), max(d.highs[j], chunk.highs[j])
	}
	d.l += chunk.l
	d.missing, d.wide = d.missing || chunk.missing, d.wide || chunk.wide
	return nil
}

// choose draws the objects of a chunk to keep, and their places, so that in the end all objects of the stream had the
// same probability.
func (s *streamSurvey) choose(l, first int) (objects, places []int) {
	n, kept := s.all.n, &s.all.kept
	for i := range l {
		place := first + i
		if place >= s.keep {
			if place = s.rng.IntN(first + i + 1); place >= s.keep {
				continue
			}
		}
		if (place+1)*n > len(*kept) {
			*kept = append(*kept, make([]float64, n)...)
		}
		objects, places = append(objects, i), append(places, place)
	}
	return objects, places
}

// finish completes the statistics of the objects, and shuffles the kept objects.
func (s *streamSurvey) finish(metric somMetric) {
	d := s.all
	d.total = float64(d.l)
	d.setCenter(metric)
	d.streamHash = contentsDigest(s.contents)
	s.rng.Shuffle(len(d.kept)/d.n, func(a, b int) {
		for j := range d.n {
			d.kept[a*d.n+j], d.kept[b*d.n+j] = d.kept[b*d.n+j], d.kept[a*d.n+j]
		}
	})
}

// somStreamed holds the programs of a stream: one for a chunk of objects, one for the end of an epoch.
type somStreamed struct {
	chunk, end *Exec
}

// streamed lists the inputs that both programs of a stream take in addition to the sums.
var streamed = []string{"ex", "ey", "pad", "px", "py", "w", "weights"}

// streamSums lists the sums over the chunks.
var streamSums = []string{"counts", "energy", "qe", "sums"}

// addStream adds up the objects of a stream for an epoch. When ctx ends during the epoch, its chunks do not count.
func (t *SOMTraining) addStream(ctx context.Context) (sums []*tensors.Tensor, err error) {
	if err := t.compileStream(); err != nil {
		return nil, err
	}
	_, sigma, err := t.tables(1, 1)
	if err != nil {
		return nil, err
	}
	sums = t.emptySums()
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
	return sums, nil
}

// emptySums returns the sums before the first chunk.
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

// streamArgs returns the inputs of both programs.
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
	x, err := t.maps[0].cfg.metric().prepare(x)
	if err != nil {
		return nil, err
	}
	if x, err = t.data.framed(x, t.frame, seq(t.data.n)); err != nil {
		return nil, err
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

// endStreamed updates the weights at the end of an epoch.
func (t *SOMTraining) endStreamed(sums []*tensors.Tensor) ([]map[string]float64, error) {
	eta, sigma, err := t.tables(1, 1)
	if err != nil {
		return nil, err
	}
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

// compileStream compiles the two programs of a stream.
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

// streamChunk builds the sums over one chunk of a stream, which is split again into chunks that fit the caches.
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
