package lecture11

import (
	"fmt"
	"math"
	"sort"

	"github.com/gomlx/gomlx/core/tensors"
)

// TopographicProduct compares the neighbours of the nodes on the grid with their neighbours in the data space, from the
// weights [m, n] alone:
//
//	P = 1/(m(m−1)) Σ_j Σ_{k=1}^{m−1} ln P₃(j,k),  P₃(j,k) = (Π_{q=1}^k Q₁(j,q)·Q₂(j,q))^{1/2k},
//	Q₁(j,q) = ρ(w_j, w_{g_q(j)}) / ρ(w_j, w_{d_q(j)}),  Q₂(j,q) = r(j, g_q(j)) / r(j, d_q(j)),
//
// where g_q(j) is the q-th nearest node of j on the grid, and d_q(j) the one in the data space. P is near 0 if the
// dimension of the grid fits the data, below 0 if the grid has too few dimensions (it folds to fill the space), and
// above 0 if it has too many. Of equally near nodes the one that is nearer by the other measure comes first. Two nodes
// with the same weights are an error, because their ratio has no logarithm.
//
// Bauer & Pawelzik 1992, "Quantifying the neighborhood preservation of self-organizing feature maps", eqs. 5–11.
func TopographicProduct(weights *tensors.Tensor, grid Grid) (float64, error) {
	if err := checkSheet(grid, weights); err != nil {
		return 0, err
	}
	m := grid.Nodes()
	if m < 2 {
		return 0, fmt.Errorf("lecture11: TopographicProduct of a %s grid, want at least 2 nodes", grid)
	}
	data, err := nodeDistances(weights)
	if err != nil {
		return 0, err
	}
	onGrid := make([]float64, m)
	sum := 0.0
	for j := range m {
		inData := data[j*m : (j+1)*m]
		for i := range onGrid {
			onGrid[i] = grid.Distance(j, i)
		}
		part, err := logProducts(j, inData, onGrid)
		if err != nil {
			return 0, err
		}
		sum += part
	}
	return sum / float64(m*(m-1)), nil
}

// logProducts returns Σ_k ln P₃(j, k).
func logProducts(j int, inData, onGrid []float64) (float64, error) {
	byGrid, byData := orderFrom(j, onGrid, inData), orderFrom(j, inData, onGrid)
	sum, logs := 0.0, 0.0
	for q := range byGrid {
		g, d := byGrid[q], byData[q]
		if inData[g] == 0 || inData[d] == 0 {
			return 0, fmt.Errorf("lecture11: TopographicProduct: node %d has the same weights as another, want all different", j)
		}
		logs += math.Log(inData[g]/inData[d]) + math.Log(onGrid[g]/onGrid[d])
		sum += logs / float64(2*(q+1))
	}
	return sum, nil
}

// orderFrom lists all nodes but j from near to far. Equally near ones are ordered by the second distance and then by
// index.
func orderFrom(j int, distance, second []float64) []int {
	var order []int
	for i := range distance {
		if i != j {
			order = append(order, i)
		}
	}
	sort.SliceStable(order, func(a, b int) bool {
		p, q := order[a], order[b]
		if math.Abs(distance[p]-distance[q]) > 1e-9*distance[q] {
			return distance[p] < distance[q]
		}
		return second[p] < second[q]
	})
	return order
}

// nodeDistances returns the distances of all pairs of nodes in the data space, ρ(w_j, w_i), [m · m].
func nodeDistances(weights *tensors.Tensor) ([]float64, error) {
	flat, err := float64s(weights)
	if err != nil {
		return nil, err
	}
	m, n := weights.Shape().Dimensions[0], weights.Shape().Dimensions[1]
	all := make([]float64, m*m)
	for a := range m {
		for b := range a {
			d := euclidean(flat[a*n:(a+1)*n], flat[b*n:(b+1)*n])
			all[a*m+b], all[b*m+a] = d, d
		}
	}
	return all, nil
}

// euclidean returns ρ(x, y) = √Σ_j (x_j − y_j)².
func euclidean(x, y []float64) float64 {
	sum := 0.0
	for j := range x {
		sum += (x[j] - y[j]) * (x[j] - y[j])
	}
	return math.Sqrt(sum)
}

// Untwisted returns the share of the grid's cells that have the same orientation as most. It is 1 for a net in the
// plane without a fold or a twist, and about ½ for one without order. It is only for data of two components, weights
// [m, 2].
//
// A cell is the square of four nodes, or the triangle of three on a hexagonal grid. Its orientation is the sign of its
// area, ½ Σ (u_i·v_{i+1} − u_{i+1}·v_i) over its corners (u, v). A torus must fold in a plane, so that the cells across
// its border are left out. C7.4 of the lecture.
func Untwisted(weights *tensors.Tensor, grid Grid) (float64, error) {
	if err := checkSheet(grid, weights); err != nil {
		return 0, err
	}
	if n := weights.Shape().Dimensions[1]; n != 2 {
		return 0, fmt.Errorf("lecture11: Untwisted: weights of %d components, want 2: cells have an orientation only in a plane", n)
	}
	columns, err := Columns(weights)
	if err != nil {
		return 0, err
	}
	cells := grid.cells()
	if len(cells) == 0 {
		return 0, fmt.Errorf("lecture11: Untwisted: a %s grid has no cells, want at least 2 columns and 2 rows", grid)
	}
	left, right := 0, 0
	for _, cell := range cells {
		switch area := signedArea(columns[0], columns[1], cell); {
		case area > 0:
			left++
		case area < 0:
			right++
		}
	}
	return float64(max(left, right)) / float64(len(cells)), nil
}

// cells returns the smallest closed paths over neighbours, all with the same orientation.
func (g Grid) cells() [][]int {
	var cells [][]int
	for y := range g.Height - 1 {
		for x := range g.Width - 1 {
			a, b, c, d := g.Index(x, y), g.Index(x+1, y), g.Index(x+1, y+1), g.Index(x, y+1)
			switch {
			case !g.Hex:
				cells = append(cells, []int{a, b, c, d})
			case y%2 == 0: // the row below is shifted by half a step to the right
				cells = append(cells, []int{a, b, d}, []int{b, c, d})
			default:
				cells = append(cells, []int{a, b, c}, []int{a, c, d})
			}
		}
	}
	return cells
}

// signedArea returns the area of a polygon, which is negative for the other orientation.
func signedArea(u, v []float64, corners []int) float64 {
	area := 0.0
	for i, a := range corners {
		b := corners[(i+1)%len(corners)]
		area += (u[a]*v[b] - u[b]*v[a]) / 2
	}
	return area
}
