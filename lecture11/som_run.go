package lecture11

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// Run trains from Step to Steps. onStep (which may be nil) gets the number of steps taken and the losses, after each
// epoch in batch mode and after every few hundred objects online; its error ends the training. When ctx ends, Run
// returns ctx.Err() at a step boundary. The state is then complete, and a second Run continues from it with the same
// numbers. SOM.Weights returns the current weights, also within onStep. If the nodes of a map end at one point, Run
// returns a [CollapsedError] after the last step.
func (t *SOMTraining) Run(ctx context.Context, onStep func(step int, losses map[string]float64) error) error {
	if err := t.begin("the training " + t.name); err != nil {
		return err
	}
	defer t.end(len(t.maps))
	if t.step < t.steps {
		if err := t.locked(t.own); err != nil {
			return err
		}
	}
	for t.step < t.steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		before := t.step
		losses, err := t.advance(ctx)
		if err != nil {
			return err
		}
		if err := t.report(before, losses, onStep); err != nil {
			return err
		}
	}
	return t.locked(t.finish)
}

// advance takes the steps of one call of the device and returns their losses. Nobody uses the maps meanwhile. The chunks of a stream
// are the exception: its code may use them, as the weights stay as they are until all chunks are added.
func (t *SOMTraining) advance(ctx context.Context) (losses []map[string]float64, err error) {
	if err := t.locked(t.start); err != nil {
		return nil, err
	}
	var sums []*tensors.Tensor
	if t.stream != nil {
		sums, err = t.addStream(ctx)
	}
	if err == nil {
		err = t.locked(func() (err error) {
			losses, err = t.call(sums)
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("lecture11: %s, step %d: %w", t.name, t.step, err)
	}
	return losses, nil
}

// finish takes over the last weights, and looks at the maps of a finished training, unless others have changed them since.
func (t *SOMTraining) finish() error {
	for _, m := range t.maps {
		if m.guard.last != t {
			return nil
		}
	}
	if err := t.syncAll(); err != nil {
		return err
	}
	return t.checkSpread()
}

// report passes the losses of a call to onStep, in batch mode those of each epoch.
func (t *SOMTraining) report(before int, losses []map[string]float64, onStep func(int, map[string]float64) error) error {
	for i, values := range losses {
		step := before + i + 1
		if i == len(losses)-1 {
			step = t.step
		}
		if onStep != nil {
			if err := onStep(step, values); err != nil {
				return err
			}
		}
		for name, v := range values {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return fmt.Errorf("lecture11: %s diverged before step %d: %s = %g", t.name, step, name, v)
			}
		}
	}
	return nil
}

// start prepares the first step: initial weights, data on the device, the program. It runs only before the first step,
// so that a stored map can be restored without it.
func (t *SOMTraining) start() error {
	if err := t.checkData(); err != nil {
		return err
	}
	if t.w != nil {
		return nil
	}
	if err := t.hashed.unchanged(); err != nil {
		return err
	}
	if err := t.startMaps(); err != nil {
		return err
	}
	if t.winners == nil {
		t.winners = slices.Repeat([]int32{-1}, t.data.l*t.program.k)
	}
	constant, err := t.data.toDevice(t.backend, t.frame, t.columns)
	if err != nil {
		return err
	}
	t.constant = maps.Clone(constant)
	configs := make([]SOMConfig, len(t.maps))
	for i, m := range t.maps {
		configs[i] = m.cfg
	}
	maps.Copy(t.constant, somGeometry(configs, t.program.m))
	if t.stream == nil {
		t.assigned = tensors.FromFlatDataAndDimensions(t.winners, t.data.l, t.program.k)
	}
	return nil
}

// checkData returns an error if the objects were finalized after Training was called, unless they are no longer needed.
func (t *SOMTraining) checkData() error {
	var used []*tensors.Tensor
	if t.w == nil && t.data.x != nil {
		used = append(used, t.data.x)
	}
	if x := t.data.onDevice["x"]; x != nil {
		used = append(used, x)
	}
	for _, x := range used {
		if err := checkTensors("the data of "+t.name, x); err != nil {
			return err
		}
	}
	return nil
}

// startMaps copies the initial weights of all maps to the device, [k, m, columns].
func (t *SOMTraining) startMaps() error {
	initial, err := t.firstWeights()
	if err != nil {
		return err
	}
	if t.columns == nil {
		if err := t.chooseColumns(initial); err != nil {
			return err
		}
	}
	p := t.program
	p.use(len(t.columns))
	ready := t.exact != nil && t.exact.Size() == p.k*p.m*p.n
	if !ready {
		t.frame = t.data.frameFor(initial)
	}
	flat := make([]float32, p.k*p.m*p.n)
	for i, w := range initial {
		for at, v := range takeColumns(w, t.data.n, t.columns) {
			flat[i*p.m*p.n+at] = float32((v - t.frame.at(int(t.columns[at%p.n]))) / t.frame.unit)
		}
	}
	if !t.frame.plain() {
		t.synced = slices.Clone(flat)
	}
	if t.w = tensors.FromFlatDataAndDimensions(flat, p.k, p.m, p.n); ready {
		t.w, t.exact = t.exact, nil
	}
	return nil
}

// firstWeights returns the initial weights of all maps. It draws those that were not given.
func (t *SOMTraining) firstWeights() (initial [][]float64, err error) {
	for i, m := range t.maps {
		if t.initial[i] == nil {
			sample, err := t.data.sample(m.cfg.sampleSize(t.data.l), m.cfg.Seed)
			if err != nil {
				return nil, err
			}
			m.initialise(sample, t.data.wide)
		} else {
			m.weights = t.initial[i]
		}
		m.sync = nil
		w, err := float64s(m.weights)
		if err != nil {
			return nil, err
		}
		initial = append(initial, w)
	}
	return initial, nil
}

// frameFor returns the frame that suits the objects and the initial weights of the maps.
func (d *somData) frameFor(initial [][]float64) somFrame {
	f, reach := somFrame{centre: d.centre, unit: 1}, 0.0
	for _, w := range initial {
		for i, v := range w {
			reach = max(reach, math.Abs(v-f.at(i%d.n)))
		}
	}
	if d.moves {
		f.unit = unitFor(d.reach, reach)
	}
	return f
}

// learnt records that the weights on the device are newer than those of the maps.
func (t *SOMTraining) learnt() {
	t.taken.Store(int64(t.step))
	for i, m := range t.maps {
		m.given, m.sync = true, func() error { return t.sync(i) }
	}
	t.madeMaps()
}

// madeMaps records the origin of the maps' weights.
func (t *SOMTraining) madeMaps() {
	for _, m := range t.maps {
		m.trained, m.guard.last = provenance{t.key, t.step}, t
	}
}

// syncAll copies the weights from the device to the maps.
func (t *SOMTraining) syncAll() error {
	for _, m := range t.maps {
		if m.sync == nil {
			continue
		}
		if err := m.sync(); err != nil {
			return err
		}
	}
	return nil
}

// sync copies the weights of map i from the device. Its caller holds the guard of the map.
func (t *SOMTraining) sync(i int) error {
	m, size := t.maps[i], t.program.m*t.program.n
	var flat []float32
	err := tensors.ConstFlatData(t.w, func(all []float32) { flat = slices.Clone(all[i*size : (i+1)*size]) })
	if err != nil {
		return err
	}
	w, err := float64s(m.weights)
	if err != nil {
		return err
	}
	values := takeColumns(w, m.cfg.Features, t.columns)
	for at := range values {
		if u := flat[at]; t.synced == nil || u != t.synced[i*size+at] {
			values[at] = t.frame.out(u, int(t.columns[at%t.program.n]))
		}
	}
	putColumns(w, m.cfg.Features, t.columns, values)
	m.weights, m.sync = m.cfg.weightsOf(w, t.data.wide || wide(m.weights.DType())), nil
	if t.synced != nil {
		copy(t.synced[i*size:], flat)
	}
	return nil
}

// call takes some steps on the device and returns their losses: one set per epoch in batch mode, the means online. sums are those
// over the objects of a stream.
func (t *SOMTraining) call(sums []*tensors.Tensor) (losses []map[string]float64, err error) {
	switch {
	case t.stream != nil:
		losses, err = t.endStreamed(sums)
	case t.fits[0].Mode == "online":
		losses, err = t.callOnline()
	default:
		losses, err = t.callBatch()
	}
	if err == nil {
		t.learnt()
	}
	return losses, err
}

// execute runs the program, which build builds once, on the constant inputs and on args.
func (t *SOMTraining) execute(build func(g *Graph, s somState) []*Node, args map[string]any) ([]*tensors.Tensor, error) {
	for name, value := range t.constant {
		args[name] = value
	}
	if t.exec == nil {
		t.inputs = slices.Sorted(maps.Keys(args))
		exec, err := NewExec(t.backend, func(inputs []*Node) []*Node {
			return build(inputs[0].Graph(), named(t.inputs, inputs))
		})
		if err != nil {
			return nil, err
		}
		t.exec = exec.WithName("SOMTraining:" + t.name)
	}
	list := make([]any, len(t.inputs))
	for i, name := range t.inputs {
		list[i] = args[name]
	}
	return t.exec.Call(list...)
}

// tables returns η and σ of the next count steps as tables [height, k] whose other rows are 0.
func (t *SOMTraining) tables(count, height int) (eta, sigma *tensors.Tensor, err error) {
	k := len(t.fits)
	etas, sigmas := make([]float32, height*k), make([]float32, height*k)
	for j, fit := range t.fits {
		e, err := fit.LearningRate.table("SOMFit.LearningRate", 1, t.step, count, t.steps)
		if err != nil {
			return nil, nil, err
		}
		r, err := fit.Radius.table("SOMFit.Radius", maxRadius, t.step, count, t.steps)
		if err != nil {
			return nil, nil, err
		}
		for i := range count {
			etas[i*k+j], sigmas[i*k+j] = e[i], r[i]
		}
	}
	return tensors.FromFlatDataAndDimensions(etas, height, k), tensors.FromFlatDataAndDimensions(sigmas, height, k), nil
}

// replace sets *old to the new tensor and frees the old one.
func replace(old **tensors.Tensor, new *tensors.Tensor) error {
	before := *old
	*old = new
	return before.FinalizeAll()
}

// callBatch runs the number of epochs of one call.
func (t *SOMTraining) callBatch() ([]map[string]float64, error) {
	p, height, build := t.program, 1, t.program.epoch
	if p.oneChunk() {
		height, build = p.epochsPerCall(), p.epochs
	}
	count := min(height-t.step%height, t.steps-t.step)
	eta, sigma, err := t.tables(count, height)
	if err != nil {
		return nil, err
	}
	stop := int32(math.MaxInt32)
	if n := t.fits[0].StopWhenStable; n > 0 {
		stop = int32(n)
	}
	out, err := t.execute(func(g *Graph, s somState) []*Node {
		s = build(g, s)
		return []*Node{s["w"], s["winners"], s["i"], s["stable"], s["qes"], s["changes"], s["energies"]}
	}, map[string]any{
		"w": t.w, "winners": t.assigned, "eta": eta, "sigma": sigma,
		"count": int32(count), "stable": int32(t.stable), "stop": stop,
	})
	if err != nil {
		return nil, err
	}
	return t.takeEpochs(out, sigma)
}

// takeEpochs takes over the result of callBatch.
func (t *SOMTraining) takeEpochs(out []*tensors.Tensor, sigma *tensors.Tensor) ([]map[string]float64, error) {
	if err := replace(&t.w, out[0]); err != nil {
		return nil, err
	}
	if err := replace(&t.assigned, out[1]); err != nil {
		return nil, err
	}
	done := int(tensors.ToScalar[int32](out[2]))
	t.stable = int(tensors.ToScalar[int32](out[3]))
	losses, err := t.epochLosses(done, out[4:], sigma)
	t.step += done
	t.stopIfStable()
	return losses, err
}

// stopIfStable ends the training when the clustering has been stable for long enough.
func (t *SOMTraining) stopIfStable() {
	if n := t.fits[0].StopWhenStable; n > 0 && t.stable >= n && t.step < t.steps {
		t.stopped, t.step = t.step, t.steps
	}
}

// epochLosses returns the losses of done epochs from the tables of distances, changes and energies, [epochs, k].
func (t *SOMTraining) epochLosses(done int, tables []*tensors.Tensor, sigma *tensors.Tensor) ([]map[string]float64, error) {
	var columns [4][]float64
	for i, table := range append(slices.Clone(tables), sigma) {
		values, err := float64s(table)
		if err != nil {
			return nil, err
		}
		columns[i] = values
	}
	k := t.program.k
	losses := make([]map[string]float64, done)
	for e := range losses {
		mean := func(column int) float64 { return meanOf(columns[column][e*k : (e+1)*k]) }
		losses[e] = map[string]float64{"QE": mean(0) / t.data.total * t.frame.unit, "radius": mean(3)}
		if t.stream == nil {
			losses[e]["moved"] = mean(1) / float64(t.data.l)
		}
		if t.program.heskes {
			losses[e]["energy"] = mean(2) / t.data.total * t.frame.unit * t.frame.unit
		}
	}
	return losses, nil
}
