package kernelext

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"math"
	"strings"
)

// Sheet is the form of a map whose nodes are on a grid: Width columns and Height rows, node (x, y) at index y·Width + x,
// row 0 at the top. On a hexagonal sheet each node has six neighbours, and odd rows are shifted half a step to the right.
type Sheet struct {
	Width, Height int
	Hex           bool
	Torus         bool // the borders touch; only [Net] draws that
}

// Plane is one reading of a map, which is drawn in the cells of its nodes. One of Values, Classes, Fill, Labels and
// Pictures is required; Labels and Path can be combined with any other.
type Plane struct {
	Title string
	Unit  string // of the values, for the colour bar

	Values    []float64 // one for each node; NaN is grey
	Colors    ColorMap  // nil: Viridis; [BlueRed] is symmetric around 0
	Low, High float64   // the ends of the colours; both 0: the smallest and the largest value

	// X and Y place the values where no node is: in node distances from node 0, y downwards. CellSize is the size of such
	// a cell, a node's being 1. For U-matrices with cells between the nodes.
	X, Y     []float64
	CellSize float64

	Classes []int    // class of each node, which chooses its colour; −1: none
	Names   []string // of the classes, for the legend

	Fill     []color.NRGBA // colour of each node
	Share    []float64     // share of each cell's area that is filled, from 0 to 1; nil: all
	Labels   []string      // text in each cell
	Pictures []image.Image // one in each cell
	Path     []int         // nodes along a path over the map, from a dot to a square
}

// rowStep is the distance between two rows of a hexagonal sheet.
var rowStep = math.Sqrt(3) / 2

func (s Sheet) nodes() int { return s.Width * s.Height }

// position returns the centre of a node's cell, in node distances from that of node 0, y downwards.
func (s Sheet) position(node int) (x, y float64) {
	column, row := node%s.Width, node/s.Width
	if !s.Hex {
		return float64(column), float64(row)
	}
	return float64(column) + 0.5*float64(row%2), rowStep * float64(row)
}

// extent returns the size of the whole sheet, in node distances.
func (s Sheet) extent() (width, height float64) {
	if !s.Hex {
		return float64(s.Width), float64(s.Height)
	}
	width = float64(s.Width)
	if s.Height > 1 {
		width += 0.5
	}
	return width, rowStep*float64(s.Height-1) + 2/math.Sqrt(3)
}

// corner returns the position of the sheet's top left corner.
func (s Sheet) corner() (x, y float64) {
	if s.Hex {
		return -0.5, -1 / math.Sqrt(3)
	}
	return -0.5, -0.5
}

// outline returns the corners of a cell of the given size around its centre.
func (s Sheet) outline(size float64) [][2]float64 {
	if !s.Hex {
		h := size / 2
		return [][2]float64{{-h, -h}, {h, -h}, {h, h}, {-h, h}}
	}
	corners := make([][2]float64, 6)
	for i := range corners {
		sin, cos := math.Sincos(math.Pi/6 + float64(i)*math.Pi/3)
		corners[i] = [2]float64{size / math.Sqrt(3) * cos, size / math.Sqrt(3) * sin}
	}
	return corners
}

// links returns the pairs of neighbouring nodes, on a torus also across the border.
func (s Sheet) links() [][2]int {
	var links [][2]int
	seen := map[[2]int]bool{}
	for node := range s.nodes() {
		x, y := node%s.Width, node/s.Width
		steps := [][2]int{{1, 0}, {0, 1}}
		if s.Hex {
			steps = [][2]int{{1, 0}, {y % 2, 1}, {y%2 - 1, 1}}
		}
		for _, step := range steps {
			column, row := x+step[0], y+step[1]
			if s.Torus {
				column, row = (column+s.Width)%s.Width, (row+s.Height)%s.Height
			}
			if column < 0 || column >= s.Width || row >= s.Height {
				continue
			}
			other := row*s.Width + column
			link := [2]int{min(node, other), max(node, other)}
			if node != other && !seen[link] {
				seen[link] = true
				links = append(links, link)
			}
		}
	}
	return links
}

func (s Sheet) String() string {
	text := fmt.Sprintf("%d×%d", s.Width, s.Height)
	if s.Hex {
		text += " hexagonal"
	}
	return text
}

// check returns an error that names what of a plane does not fit the sheet.
func (s Sheet) check(planes []Plane) error {
	if s.Width < 1 || s.Height < 1 {
		return fmt.Errorf("kernelext: Sheet{Width: %d, Height: %d}, want both positive", s.Width, s.Height)
	}
	if len(planes) == 0 {
		return errors.New("kernelext: SheetMaps without planes, want at least one")
	}
	for i, p := range planes {
		if err := s.checkPlane(p); err != nil {
			return fmt.Errorf("kernelext: SheetMap: plane %d %q: %w", i, p.Title, err)
		}
	}
	return nil
}

func (s Sheet) checkPlane(p Plane) error {
	values := s.nodes()
	if p.X != nil || p.Y != nil {
		values = len(p.X)
		if len(p.Y) != values || !(p.CellSize > 0) {
			return fmt.Errorf("%d X, %d Y, CellSize %g, want as many and a positive size", values, len(p.Y), p.CellSize)
		}
	}
	kinds := 0
	for _, field := range []struct {
		name      string
		got, want int
		kind      bool
	}{
		{"Values", len(p.Values), values, true}, {"Classes", len(p.Classes), s.nodes(), true},
		{"Fill", len(p.Fill), s.nodes(), true}, {"Pictures", len(p.Pictures), s.nodes(), true},
		{"Labels", len(p.Labels), s.nodes(), false}, {"Share", len(p.Share), s.nodes(), false},
	} {
		if field.got > 0 && field.got != field.want {
			return fmt.Errorf("%d %s, want %d: the sheet is %s", field.got, field.name, field.want, s)
		}
		if field.got > 0 && field.kind {
			kinds++
		}
	}
	if kinds > 1 || kinds == 0 && len(p.Labels) == 0 && len(p.Path) == 0 {
		return fmt.Errorf("%d of Values, Classes, Fill and Pictures are there, want one", kinds)
	}
	return s.checkContent(p)
}

func (s Sheet) checkContent(p Plane) error {
	if len(p.Values) > 0 && math.IsNaN(summarize(p.Values).mean) {
		return fmt.Errorf("none of the %d values is finite", len(p.Values))
	}
	for i, class := range p.Classes {
		if class < -1 || class > 1000 {
			return fmt.Errorf("class of node %d is %d, want −1 to 1000", i, class)
		}
	}
	for i, img := range p.Pictures {
		if img == nil || img.Bounds().Empty() {
			return fmt.Errorf("picture of node %d is missing or empty", i)
		}
	}
	for i, node := range p.Path {
		if node < 0 || node >= s.nodes() {
			return fmt.Errorf("node %d of Path is %d, want 0 to %d", i, node, s.nodes()-1)
		}
	}
	return nil
}

// text describes a plane in words.
func (s Sheet) text(p Plane) string {
	var parts []string
	switch {
	case len(p.Values) > 0:
		unit := ""
		if p.Unit != "" {
			unit = " (" + p.Unit + ")"
		}
		parts = append(parts, fmt.Sprintf("%d values%s: %s", len(p.Values), unit, summarize(p.Values)))
	case len(p.Classes) > 0:
		parts = append(parts, classText(p))
	case len(p.Pictures) > 0:
		parts = append(parts, fmt.Sprintf("%d pictures", len(p.Pictures)))
	case len(p.Fill) > 0:
		parts = append(parts, fmt.Sprintf("%d colours", len(p.Fill)))
	}
	if len(p.Path) > 0 {
		parts = append(parts, fmt.Sprintf("way of %d nodes from %d to %d", len(p.Path), p.Path[0], p.Path[len(p.Path)-1]))
	}
	text := strings.Join(parts, "; ")
	if p.Title != "" {
		text = oneLine(p.Title) + ": " + text
	}
	return text
}

func classText(p Plane) string {
	counts := map[int]int{}
	for _, class := range p.Classes {
		counts[class]++
	}
	var words []string
	for class := -1; len(words) < len(counts); class++ {
		if n, in := counts[class]; in {
			words = append(words, fmt.Sprintf("%s: %d", p.className(class), n))
		}
	}
	return "nodes " + strings.Join(words, ", ")
}

func (p Plane) className(class int) string {
	switch {
	case class < 0:
		return "no object"
	case class < len(p.Names):
		return p.Names[class]
	}
	return fmt.Sprint(class)
}
