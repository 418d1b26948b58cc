package lecture11

import "math/rand/v2"

// somOrder computes the objects of an online training of one map, as a function of only the seed and the step.
type somOrder struct {
	kind  string
	seed  int64
	l     int
	epoch int // of objects; −1 before the first
	list  []int32
}

// at returns the object of a step.
func (o *somOrder) at(step int) int32 {
	if o.kind == "sequential" {
		return int32(step % o.l)
	}
	if epoch := step / o.l; epoch != o.epoch || o.list == nil {
		o.epoch, o.list = epoch, o.draw(epoch)
	}
	return o.list[step%o.l]
}

// draw returns the objects of an epoch: each once ("shuffled"), or all independent ("random").
func (o *somOrder) draw(epoch int) []int32 {
	rng := rand.New(rand.NewPCG(uint64(o.seed), uint64(epoch)))
	list := make([]int32, o.l)
	for i := range list {
		list[i] = int32(i)
		if o.kind == "random" {
			list[i] = int32(rng.IntN(o.l))
		}
	}
	if o.kind == "shuffled" {
		rng.Shuffle(o.l, func(i, j int) { list[i], list[j] = list[j], list[i] })
	}
	return list
}
