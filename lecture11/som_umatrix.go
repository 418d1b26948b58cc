package lecture11

import (
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/tensors"
)

// UMatrix returns the mean distance of each node to its neighbours on the grid,
//
//	U_ab = 1/|N(a,b)| Σ_{(c,d)∈N(a,b)} ‖w_ab − w_cd‖,
//
// [m], in the unit of x. N are the 4 neighbours (6 on a hexagonal grid), fewer at a free border. High walls separate
// clusters, low valleys are clusters. weights [m, n]. Slide 8; Ultsch & Siemon 1990.
func UMatrix(weights *tensors.Tensor, grid Grid) ([]float64, error) {
	between, err := linkDistances(weights, grid)
	if err != nil {
		return nil, err
	}
	u := make([]float64, grid.Nodes())
	for node := range u {
		neighbours := grid.Neighbours(node, false)
		for _, other := range neighbours {
			u[node] += between(node, other) / float64(len(neighbours))
		}
	}
	return u, nil
}

// linkDistances returns a function for the distance of two nodes in the data space.
func linkDistances(weights *tensors.Tensor, grid Grid) (func(a, b int) float64, error) {
	if err := checkSheet(grid, weights); err != nil {
		return nil, err
	}
	if grid.Nodes() < 2 {
		return nil, fmt.Errorf("lecture11: U-matrix of a %s grid, want at least 2 nodes", grid)
	}
	flat, err := float64s(weights)
	if err != nil {
		return nil, err
	}
	n := weights.Shape().Dimensions[1]
	return func(a, b int) float64 { return euclidean(flat[a*n:(a+1)*n], flat[b*n:(b+1)*n]) }, nil
}

// Cells holds values at places of the sheet, for a picture with more detail than one cell per node. Places are in grid
// distances, with y downwards; each cell has the shape of a node's cell, scaled by Size.
type Cells struct {
	X, Y, Values []float64
	Size         float64
}

func (c *Cells) add(x, y, value float64) {
	c.X, c.Y, c.Values = append(c.X, x), append(c.Y, y), append(c.Values, value)
}

// ExpandedUMatrix returns the U-matrix with a cell between any two neighbours, whose value is their distance, so that
// walls are visible in place. A node's own cell has its U value (see [UMatrix]). On a rectangular grid the cell between
// four nodes has the mean of its two diagonals, each divided by √2, so that a plane without walls is flat. Links across
// the border of a torus are left out. Values are in the unit of x. Ultsch & Siemon 1990.
func ExpandedUMatrix(weights *tensors.Tensor, grid Grid) (Cells, error) {
	cells := Cells{Size: 0.5}
	between, err := linkDistances(weights, grid)
	if err != nil {
		return cells, err
	}
	u, err := UMatrix(weights, grid)
	if err != nil {
		return cells, err
	}
	for node, value := range u {
		x, y := grid.Position(node)
		cells.add(x, y, value)
	}
	for _, link := range grid.Links() {
		ax, ay := grid.Position(link[0])
		bx, by := grid.Position(link[1])
		cells.add((ax+bx)/2, (ay+by)/2, between(link[0], link[1]))
	}
	if grid.Hex {
		return cells, nil
	}
	for y := range grid.Height - 1 {
		for x := range grid.Width - 1 {
			down := between(grid.Index(x, y), grid.Index(x+1, y+1))
			up := between(grid.Index(x+1, y), grid.Index(x, y+1))
			cells.add(float64(x)+0.5, float64(y)+0.5, (down+up)/2/math.Sqrt2)
		}
	}
	return cells, nil
}

// Links returns the pairs of neighbours that are side by side on the drawn sheet: 4 around a node, 6 on a hexagonal
// grid. Those across the border of a torus are left out.
func (g Grid) Links() [][2]int {
	flat := g
	flat.Torus = false
	var links [][2]int
	for node := range flat.Nodes() {
		for _, other := range flat.Neighbours(node, false) {
			if node < other {
				links = append(links, [2]int{node, other})
			}
		}
	}
	return links
}
