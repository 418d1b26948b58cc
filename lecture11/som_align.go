package lecture11

import (
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/tensors"
)

// Alignment describes how to rotate and mirror a map so that it matches another one.
type Alignment struct {
	Name  string  // "as it is", "mirrored left-right", "turned by 90°", …
	Nodes []int   // [m]: the node of the map that moves to each place
	RMS   float64 // root of the mean over nodes of ‖w_reference − w‖², in the unit of x, after aligning
	As    float64 // the same before aligning
}

// Align finds the symmetry of the grid under which a map is most similar to a reference. The arrangement of a map
// depends on its initial weights and the order of the objects, so that two good maps of the same data may be mirrored
// or rotated relative to each other. A square has 8 symmetries, a rectangle 4, a hexagonal sheet 2; a torus may also be
// shifted. reference and weights: [m, n]. Slide 8, "depends on initialisation".
func Align(reference, weights *tensors.Tensor, grid Grid) (Alignment, error) {
	best := Alignment{RMS: math.Inf(1)}
	if err := checkSheet(grid, reference); err != nil {
		return best, err
	}
	if err := checkSheet(grid, weights); err != nil {
		return best, err
	}
	if !reference.Shape().Equal(weights.Shape()) {
		return best, fmt.Errorf("lecture11: Align: maps of %s and %s, want equal shapes", reference.Shape(), weights.Shape())
	}
	a, err := float64s(reference)
	if err != nil {
		return best, err
	}
	b, err := float64s(weights)
	if err != nil {
		return best, err
	}
	for i, symmetry := range grid.symmetries() {
		symmetry.RMS = rmsDistance(a, b, symmetry.Nodes)
		if i == 0 {
			best.As = symmetry.RMS
		}
		if symmetry.RMS < best.RMS {
			symmetry.As = best.As
			best = symmetry
		}
	}
	return best, nil
}

// Weights returns a map's weights [m, n] in the aligned order.
func (a Alignment) Weights(weights *tensors.Tensor) (*tensors.Tensor, error) {
	if err := checkTensors("Alignment.Weights", weights); err != nil {
		return nil, err
	}
	flat, err := tensors.CopyFlatData[float32](weights)
	if err != nil {
		return nil, err
	}
	n := weights.Shape().Dimensions[1]
	out := make([]float32, 0, len(flat))
	for _, node := range a.Nodes {
		out = append(out, flat[node*n:(node+1)*n]...)
	}
	return tensors.FromFlatDataAndDimensions(out, len(a.Nodes), n), nil
}

func rmsDistance(a, b []float64, nodes []int) float64 {
	n := len(a) / len(nodes)
	sum := 0.0
	for place, node := range nodes {
		d := euclidean(a[place*n:(place+1)*n], b[node*n:(node+1)*n])
		sum += d * d
	}
	return math.Sqrt(sum / float64(len(nodes)))
}

// turns holds the symmetries of a square around its middle: (x, y) → (a·x + b·y, c·x + d·y).
var turns = []struct {
	name       string
	a, b, c, d float64
}{
	{"as it is", 1, 0, 0, 1},
	{"mirrored left-right", -1, 0, 0, 1},
	{"mirrored top-bottom", 1, 0, 0, -1},
	{"turned by 180°", -1, 0, 0, -1},
	{"mirrored at the diagonal", 0, 1, 1, 0},
	{"mirrored at the other diagonal", 0, -1, -1, 0},
	{"turned by 90°", 0, -1, 1, 0},
	{"turned by 270°", 0, 1, -1, 0},
}

// symmetries returns those turns that bring each node to the place of another node, and on a torus also their shifts.
// The first is the identity.
func (g Grid) symmetries() []Alignment {
	shifts := 1
	if g.Torus {
		shifts = g.Nodes()
	}
	var found []Alignment
	for _, turn := range turns {
		for shift := range shifts {
			sx, sy := g.Position(shift)
			nodes, ok := g.moved(func(x, y float64) (float64, float64) {
				return turn.a*x + turn.b*y + sx, turn.c*x + turn.d*y + sy
			})
			if !ok {
				continue
			}
			name := turn.name
			if shift > 0 {
				name += ", shifted"
			}
			found = append(found, Alignment{Name: name, Nodes: nodes})
		}
	}
	return found
}

// moved applies a rigid motion around the middle of the sheet to all nodes. nodes holds for each place the node that
// arrives there; ok is false if a node arrives between places.
func (g Grid) moved(motion func(x, y float64) (float64, float64)) (nodes []int, ok bool) {
	cx, cy := g.middle()
	nodes = make([]int, g.Nodes())
	for node := range nodes {
		x, y := g.Position(node)
		x, y = motion(x-cx, y-cy)
		place := g.at(x+cx, y+cy)
		if place < 0 {
			return nil, false
		}
		nodes[place] = node
	}
	return nodes, true
}

// middle returns the centre of the sheet's bounding box.
func (g Grid) middle() (x, y float64) {
	width := float64(g.Width - 1)
	if g.Hex && g.Height > 1 {
		width += 0.5
	}
	_, bottom := g.Position(g.Nodes() - 1)
	return width / 2, bottom / 2
}

// at returns the node at a place, or −1 where there is none.
func (g Grid) at(x, y float64) int {
	width, height := g.size()
	for node := range g.Nodes() {
		nx, ny := g.Position(node)
		dx, dy := math.Abs(x-nx), math.Abs(y-ny)
		if g.Torus {
			dx, dy = math.Mod(dx, width), math.Mod(dy, height)
			dx, dy = min(dx, width-dx), min(dy, height-dy)
		}
		if dx < 1e-6 && dy < 1e-6 {
			return node
		}
	}
	return -1
}
