package lecture11

import (
	"errors"
	"fmt"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// Clustering is an assignment of objects to centres with its criterion.
type Clustering struct {
	Winner []int   // a(x_i) of each object
	Sizes  []int   // objects of each centre
	Sum    float64 // Q, the criterion of the slide: a sum over objects, in squared units of x
	Mean   float64 // Q̄ = Q/l
}

// Dead returns the number of centres that are nearest to no object.
func (c Clustering) Dead() int {
	dead := 0
	for _, size := range c.Sizes {
		if size == 0 {
			dead++
		}
	}
	return dead
}

// String returns the criterion as a sum and as a mean, with the number of dead centres.
func (c Clustering) String() string {
	return fmt.Sprintf("sum Q = %.5g, mean Q̄ = %.5g over %d objects, %d of %d centres dead",
		c.Sum, c.Mean, len(c.Winner), c.Dead(), len(c.Sizes))
}

// Cluster assigns the objects x [l, n] to the centres w [m, n] by squared Euclidean distance.
func Cluster(backend compute.Backend, x, w *tensors.Tensor) (Clustering, error) {
	if err := checkBackend("Cluster", backend); err != nil {
		return Clustering{}, err
	}
	var c Clustering
	if err := checkClustering(x, w); err != nil {
		return c, err
	}
	exec, err := NewExec(backend, clusterGraph)
	if err != nil {
		return c, err
	}
	defer exec.Finalize()
	return clusterBy(exec, x, w)
}

// clusterGraph returns a(x_i), int32 [l], and the criterion as a sum, a scalar. x [l, n], w [m, n].
func clusterGraph(x, w *Node) (winners, sum *Node) {
	squared := SquaredDistances(pixels(x), w)
	return Assign(squared), CriterionSum(squared)
}

// clusterBy runs a compiled clusterGraph.
func clusterBy(exec *Exec, x, w *tensors.Tensor) (c Clustering, err error) {
	out, err := exec.Call(x, w)
	if err != nil {
		return c, fmt.Errorf("lecture11: assigning %s to %s: %w", x.Shape(), w.Shape(), err)
	}
	winners, err := tensors.CopyFlatData[int32](out[0])
	if err != nil {
		return c, err
	}
	sum, err := float64s(out[1])
	if err != nil {
		return c, err
	}
	c = Clustering{Sizes: make([]int, w.Shape().Dimensions[0]), Sum: sum[0], Mean: sum[0] / float64(len(winners))}
	for _, y := range winners {
		c.Winner = append(c.Winner, int(y))
		c.Sizes[y]++
	}
	return c, errors.Join(out[0].FinalizeAll(), out[1].FinalizeAll())
}

// lloydIterations bounds Lloyd's algorithm, which stops after far fewer rounds on all data of the lecture.
const lloydIterations = 10_000

// Lloyd runs k-means on the whole sample, in float64 and without a device. It is the oracle for the stochastic
// training. From the centres start, m rows of n numbers, it assigns all objects, moves each centre to the mean of its
// objects, and repeats until no object changes its centre. A centre without objects does not move. Q never rises from
// one round to the next.
//
// Lloyd 1982.
func Lloyd(x, start [][]float64) (centers [][]float64, c Clustering, err error) {
	if err := checkRows(x, start); err != nil {
		return nil, c, err
	}
	if len(start) > len(x) {
		return nil, c, fmt.Errorf("lecture11: Lloyd: %d centres, want at most %d, the number of objects", len(start), len(x))
	}
	for _, w := range start {
		centers = append(centers, append([]float64(nil), w...))
	}
	for range lloydIterations {
		next := assignRows(x, centers)
		same := c.Winner != nil
		for i := range next.Winner {
			same = same && next.Winner[i] == c.Winner[i]
		}
		c = next
		if same {
			return centers, c, nil
		}
		moveToMeans(centers, x, c)
	}
	return centers, c, fmt.Errorf("lecture11: Lloyd: not finished after %d rounds, Q̄ = %g", lloydIterations, c.Mean)
}

// checkRows returns an error unless x and w are rows of the same, positive length.
func checkRows(x, w [][]float64) error {
	if len(x) == 0 || len(x[0]) == 0 {
		return fmt.Errorf("lecture11: clustering of %d objects, want at least one with at least one component", len(x))
	}
	if len(w) == 0 {
		return errors.New("lecture11: clustering with 0 centres, want at least one")
	}
	for _, set := range [][][]float64{x, w} {
		for i, row := range set {
			if len(row) != len(x[0]) {
				return fmt.Errorf("lecture11: clustering: row %d has %d components, want %d", i, len(row), len(x[0]))
			}
			for j, v := range row {
				if !finite(v) {
					return fmt.Errorf("lecture11: clustering: component %d of row %d is %g, want a finite number", j, i, v)
				}
			}
		}
	}
	return nil
}

// ClusterRows assigns objects to centres like Cluster, but in float64 and without a device. It is for small sets, for
// example the recorded centres of a run. x: l rows, w: m rows, of n numbers each.
func ClusterRows(x, w [][]float64) (Clustering, error) {
	if err := checkRows(x, w); err != nil {
		return Clustering{}, err
	}
	return assignRows(x, w), nil
}

// assignRows assigns each object to its nearest centre, the first of equally near ones.
func assignRows(x, w [][]float64) Clustering {
	c := Clustering{Winner: make([]int, len(x)), Sizes: make([]int, len(w))}
	for i := range x {
		best := squaredDistance(x[i], w[0])
		for y := 1; y < len(w); y++ {
			if d := squaredDistance(x[i], w[y]); d < best {
				best, c.Winner[i] = d, y
			}
		}
		c.Sum += best
		c.Sizes[c.Winner[i]]++
	}
	c.Mean = c.Sum / float64(len(x))
	return c
}

// moveToMeans moves each centre that has objects to their mean.
func moveToMeans(w, x [][]float64, c Clustering) {
	for y := range w {
		if c.Sizes[y] > 0 {
			clear(w[y])
		}
	}
	for i, y := range c.Winner {
		for j, v := range x[i] {
			w[y][j] += v / float64(c.Sizes[y])
		}
	}
}

// LloydBest returns the best of several runs of Lloyd, each from another k-means++ start drawn by seed.
func LloydBest(x *tensors.Tensor, m, restarts int, seed int64) (centers [][]float64, best Clustering, err error) {
	rows, err := objectRows(x)
	if err != nil {
		return nil, best, err
	}
	if restarts < 1 {
		return nil, best, fmt.Errorf("lecture11: LloydBest: restarts = %d, want a positive number", restarts)
	}
	for r := range restarts {
		start, err := StartCenters("k-means++", x, m, seed+int64(r)<<32)
		if err != nil {
			return nil, best, err
		}
		flat, err := Components(start)
		if err != nil {
			return nil, best, err
		}
		w, c, err := Lloyd(rows, cut(flat, m))
		if err != nil {
			return nil, best, err
		}
		if r == 0 || c.Sum < best.Sum {
			centers, best = w, c
		}
	}
	return centers, best, nil
}
