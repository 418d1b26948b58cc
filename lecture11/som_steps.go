package lecture11

import (
	"math"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// callOnline runs the steps up to the next boundary of calls. A boundary depends only on the step, so that a run that
// continues from a boundary computes the same blocks.
func (t *SOMTraining) callOnline() ([]map[string]float64, error) {
	height := t.program.stepsPerCall(t.fits[0].Every)
	count := min(height-t.step%height, t.steps-t.step)
	if t.fits[0].StopWhenStable > 0 {
		l := t.data.l
		count = min(t.step/l*l+l, t.steps, t.step+height) - t.step
	}
	eta, sigma, err := t.tables(count, height)
	if err != nil {
		return nil, err
	}
	objects := t.nextObjects(count, height)
	out, err := t.execute(func(g *Graph, s somState) []*Node {
		s = t.program.online(g, s)
		return []*Node{s["w"], s["wins"], s["qe"]}
	}, map[string]any{
		"w": t.w, "eta": eta, "sigma": sigma, "count": int32(count),
		"order": tensors.FromFlatDataAndDimensions(objects, height, t.program.k),
	})
	if err != nil {
		return nil, err
	}
	return t.takeSteps(out, objects, sigma, count)
}

// nextObjects returns the objects of the next count steps, [height, k]; rows from count on are 0.
func (t *SOMTraining) nextObjects(count, height int) []int32 {
	k := t.program.k
	objects := make([]int32, height*k)
	for i := range count {
		for j, order := range t.orders {
			objects[i*k+j] = order.at(t.step + i)
		}
	}
	return objects
}

// takeSteps takes over the result of callOnline.
func (t *SOMTraining) takeSteps(out []*tensors.Tensor, objects []int32, sigma *tensors.Tensor, count int) (
	[]map[string]float64, error) {
	if err := replace(&t.w, out[0]); err != nil {
		return nil, err
	}
	wins, err := tensors.CopyFlatData[int32](out[1])
	if err != nil {
		return nil, err
	}
	distances, err := float64s(out[2])
	if err != nil {
		return nil, err
	}
	sigmas, err := float64s(sigma)
	if err != nil {
		return nil, err
	}
	k := t.program.k
	objects = objects[:count*k]
	moved := t.noteWins(objects, wins)
	t.step += count
	t.changes += moved
	if t.step%t.data.l == 0 {
		t.endOnlineEpoch()
	}
	return []map[string]float64{{
		"QE":     meanOf(distances) * t.frame.unit * float64(k) / max(t.weightOf(objects), math.SmallestNonzeroFloat32),
		"radius": meanOf(sigmas[:count*k]),
		"moved":  float64(moved) / float64(count*k),
	}}, nil
}

// noteWins stores the winners of visited objects, [steps, k], and returns the number of those that changed.
func (t *SOMTraining) noteWins(objects, wins []int32) (moved int) {
	k := t.program.k
	for i, object := range objects {
		place := int(object)*k + i%k
		if t.winners[place] != wins[i] {
			moved++
		}
		t.winners[place] = wins[i]
	}
	return moved
}

// weightOf returns the sum of the weights of objects.
func (t *SOMTraining) weightOf(objects []int32) float64 {
	if t.data.weights == nil {
		return float64(len(objects))
	}
	sum := 0.0
	for _, object := range objects {
		sum += float64(t.data.weights[object])
	}
	return sum
}

// endOnlineEpoch checks whether an object changed its node in the epoch.
func (t *SOMTraining) endOnlineEpoch() {
	t.stable++
	if t.changes > 0 {
		t.stable = 0
	}
	t.changes = 0
	t.stopIfStable()
}
