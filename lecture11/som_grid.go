package lecture11

import (
	"fmt"
	"math"
	"slices"
)

// Grid is the sheet of the neurons of a Kohonen map: Width columns and Height rows, in a rectangular or a hexagonal
// arrangement, with free borders or closed to a torus. Node (x, y), both from 0, has the index y·Width + x.
//
// Distances on the grid are in units of the distance of two neighbours. Slide "Kohonen map", second metric.
type Grid struct {
	Width  int  `json:"width"`  // SizeX on the slide
	Height int  `json:"height"` // SizeY on the slide
	Hex    bool `json:"hex"`    // each node has six neighbours; odd rows are shifted by half a step to the right
	Torus  bool `json:"torus"`  // the last column is beside the first, the last row beside the first
}

// rowStep is the distance of two rows of a hexagonal grid.
var rowStep = math.Sqrt(3) / 2

// touch is the largest distance of two neighbours, including rounding errors.
const touch = 1 + 1e-9

// check returns an error that names the first invalid field of a grid.
func (g Grid) check() error {
	switch {
	case g.Width < 1:
		return fmt.Errorf("lecture11: Grid.Width = %d, want a positive number of columns", g.Width)
	case g.Height < 1:
		return fmt.Errorf("lecture11: Grid.Height = %d, want a positive number of rows", g.Height)
	case g.Hex && g.Torus && g.Height%2 == 1 && g.Height > 1:
		return fmt.Errorf("lecture11: Grid.Height = %d of a hexagonal torus, want an even number: its last row must fit the "+
			"first", g.Height)
	}
	return nil
}

// Nodes returns the number m of neurons.
func (g Grid) Nodes() int { return g.Width * g.Height }

// Index returns the node at column x of row y.
func (g Grid) Index(x, y int) int { return y*g.Width + x }

// Cell returns the column and the row of a node.
func (g Grid) Cell(node int) (x, y int) { return node % g.Width, node / g.Width }

// Position returns the point at which a node is drawn. The unit is the distance of two neighbours; y grows downwards.
func (g Grid) Position(node int) (x, y float64) {
	column, row := g.Cell(node)
	if !g.Hex {
		return float64(column), float64(row)
	}
	return float64(column) + 0.5*float64(row%2), rowStep * float64(row)
}

// size returns the extent of the sheet, after which a torus repeats.
func (g Grid) size() (width, height float64) {
	if g.Hex {
		return float64(g.Width), rowStep * float64(g.Height)
	}
	return float64(g.Width), float64(g.Height)
}

// Distance returns the grid metric of two nodes: Euclidean on the sheet,
//
//	r((x, y), (a, b)) = √((x − a)² + (y − b)²),
//
// and over the nearer border on a torus. Slide "Kohonen map".
func (g Grid) Distance(a, b int) float64 { return math.Sqrt(g.squaredDistance(a, b)) }

func (g Grid) squaredDistance(a, b int) float64 {
	dx, dy := g.offsets(false, a, b)
	return dx*dx + dy*dy
}

// offsets returns the distances of two nodes along the two sides of the sheet, on a torus over the nearer border: in
// grid distances, or, with cells, in columns and rows.
func (g Grid) offsets(cells bool, a, b int) (dx, dy float64) {
	g.Hex = g.Hex && !cells
	ax, ay := g.Position(a)
	bx, by := g.Position(b)
	dx, dy = math.Abs(ax-bx), math.Abs(ay-by)
	if g.Torus {
		width, height := g.size()
		dx, dy = min(dx, width-dx), min(dy, height-dy)
	}
	return dx, dy
}

// Distances returns the squared grid distances of all pairs of nodes, [m · m], row by row.
func (g Grid) Distances() []float64 {
	m := g.Nodes()
	all := make([]float64, m*m)
	for a := range m {
		for b := range m {
			all[a*m+b] = g.squaredDistance(a, b)
		}
	}
	return all
}

// Neighbours returns the indices of the nodes that touch a node. On a rectangular grid these are the four beside, above
// and below it and, with corners, the four at its corners. On a hexagonal grid they are its six, regardless of corners.
// At a free border there are fewer.
func (g Grid) Neighbours(node int, corners bool) []int {
	limit := touch
	if corners && !g.Hex {
		limit = 2 * touch // the squared distance of a corner
	}
	var near []int
	for _, other := range g.around(node) {
		if other != node && g.squaredDistance(node, other) <= limit {
			near = append(near, other)
		}
	}
	slices.Sort(near)
	return slices.Compact(near)
}

// around returns the nodes of the three by three block around a node.
func (g Grid) around(node int) []int {
	x, y := g.Cell(node)
	var block []int
	for dy := -1; dy <= 1; dy++ {
		for dx := -1; dx <= 1; dx++ {
			column, row := x+dx, y+dy
			if g.Torus {
				column, row = (column+g.Width)%g.Width, (row+g.Height)%g.Height
			}
			if column >= 0 && column < g.Width && row >= 0 && row < g.Height {
				block = append(block, g.Index(column, row))
			}
		}
	}
	return block
}

// String returns a description such as "20×20 hexagonal torus".
func (g Grid) String() string {
	text := fmt.Sprintf("%d×%d", g.Width, g.Height)
	if g.Hex {
		text += " hexagonal"
	}
	if g.Torus {
		text += " torus"
	}
	return text
}
