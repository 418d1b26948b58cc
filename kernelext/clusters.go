package kernelext

import (
	"fmt"
	"image"
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Clusters draws centres among their objects on a plane. The cell of each centre, all points to which it is the nearest,
// has a light colour. Objects are grey points; centres are black dots, or rings where they are nearest to no object.
// paths holds earlier positions of the centres, paths[record][centre], which are joined by lines; it may be nil. Each
// object and each centre is a pair (x, y).
func Clusters(a Axes, objects, centers [][]float64, paths [][][]float64) (*plot.Plot, error) {
	p, err := newPlot("Clusters", a)
	if err != nil {
		return nil, err
	}
	if err := checkPairs(objects, centers, paths); err != nil {
		return nil, err
	}
	dead := deadCenters(objects, centers)
	x, y := columns(objects)
	objectDots := &dots{x: x, y: y, radius: dotRadius(len(objects)) * 0.6, color: objectGrey}
	p.Add(&cells{centers: centers}, objectDots)
	for i := range centers {
		addPath(p, paths, i)
	}
	p.Add(&marks{centers: centers, dead: dead})
	count := 0
	for _, d := range dead {
		if d {
			count++
		}
	}
	for _, axis := range []*plot.Axis{&p.X, &p.Y} { // room for the dots at the border
		room := 0.03 * (axis.Max - axis.Min)
		axis.Min, axis.Max = axis.Min-room, axis.Max+room
	}
	words := fmt.Sprintf("%d centres, %d nearest to none of %d objects", len(centers), count, len(objects))
	return finish("Clusters", p, a, legend{}, []string{words})
}

// objectGrey is the colour of objects on coloured cells.
var objectGrey = color.NRGBA{R: 0x55, G: 0x55, B: 0x55, A: 0xff}

// checkPairs returns an error unless all objects and centres are points of a plane.
func checkPairs(objects, centers [][]float64, paths [][][]float64) error {
	if len(objects) == 0 || len(centers) == 0 {
		return fmt.Errorf("kernelext: Clusters of %d objects and %d centres, want at least one of each", len(objects), len(centers))
	}
	check := func(what string, pairs [][]float64) error {
		for i, pair := range pairs {
			if len(pair) != 2 || !finite(pair[0]) || !finite(pair[1]) {
				return fmt.Errorf("kernelext: Clusters: %s %d = %v, want a pair of finite numbers", what, i, pair)
			}
		}
		return nil
	}
	if err := check("object", objects); err != nil {
		return err
	}
	if err := check("centre", centers); err != nil {
		return err
	}
	for r, record := range paths {
		if len(record) != len(centers) {
			return fmt.Errorf("kernelext: Clusters: record %d of the paths has %d centres, want %d", r, len(record), len(centers))
		}
		if err := check(fmt.Sprintf("record %d, centre", r), record); err != nil {
			return err
		}
	}
	return nil
}

// nearestCenter returns the centre nearest to (x, y), and of several equally near ones the first.
func nearestCenter(centers [][]float64, x, y float64) int {
	best, nearest := 0, 0.0
	for i, c := range centers {
		if d := (c[0]-x)*(c[0]-x) + (c[1]-y)*(c[1]-y); i == 0 || d < nearest {
			best, nearest = i, d
		}
	}
	return best
}

func deadCenters(objects, centers [][]float64) []bool {
	dead := make([]bool, len(centers))
	for i := range dead {
		dead[i] = true
	}
	for _, o := range objects {
		dead[nearestCenter(centers, o[0], o[1])] = false
	}
	return dead
}

func columns(pairs [][]float64) (x, y []float64) {
	for _, pair := range pairs {
		x, y = append(x, pair[0]), append(y, pair[1])
	}
	return x, y
}

// addPath adds the path of one centre.
func addPath(p *plot.Plot, paths [][][]float64, center int) {
	var points plotter.XYs
	for _, record := range paths {
		points = append(points, plotter.XY{X: record[center][0], Y: record[center][1]})
	}
	if len(points) > 1 {
		p.Add(&plotter.Line{XYs: points, LineStyle: draw.LineStyle{Color: inkColor, Width: px(1)}})
	}
}

// cells colours the plane, within the axes, by the nearest centre.
type cells struct{ centers [][]float64 }

const cellPixels = 400 // of the picture behind the data, on each side

// Plot implements plot.Plotter.
func (v *cells) Plot(c draw.Canvas, p *plot.Plot) {
	img := image.NewNRGBA(image.Rect(0, 0, cellPixels, cellPixels))
	for row := range cellPixels {
		y := p.Y.Max - (p.Y.Max-p.Y.Min)*(float64(row)+0.5)/cellPixels
		for column := range cellPixels {
			x := p.X.Min + (p.X.Max-p.X.Min)*(float64(column)+0.5)/cellPixels
			img.SetNRGBA(column, row, pale(Palette(nearestCenter(v.centers, x, y))))
		}
	}
	c.DrawImage(c.Rectangle, img)
}

// pale mixes a colour with three parts of white.
func pale(c color.NRGBA) color.NRGBA {
	mix := func(v uint8) uint8 { return uint8((int(v) + 3*0xff) / 4) }
	return color.NRGBA{R: mix(c.R), G: mix(c.G), B: mix(c.B), A: 0xff}
}

// marks draws the centres.
type marks struct {
	centers [][]float64
	dead    []bool
}

// Plot implements plot.Plotter. Centres with objects come last, because one without objects may cover them.
func (m *marks) Plot(c draw.Canvas, p *plot.Plot) {
	toX, toY := p.Transforms(&c)
	for _, dead := range []bool{true, false} {
		style := draw.GlyphStyle{Color: inkColor, Radius: px(5), Shape: draw.CircleGlyph{}}
		if dead {
			style.Shape = draw.RingGlyph{}
		}
		for i, center := range m.centers {
			if m.dead[i] == dead {
				at := vg.Point{X: toX(center[0]), Y: toY(center[1])}
				c.DrawGlyph(draw.GlyphStyle{Color: paper, Radius: px(7), Shape: draw.CircleGlyph{}}, at)
				c.DrawGlyph(style, at)
			}
		}
	}
}

// DataRange implements plot.DataRanger.
func (m *marks) DataRange() (xmin, xmax, ymin, ymax float64) {
	x, y := columns(m.centers)
	sx, sy := summarize(x), summarize(y)
	return sx.min, sx.max, sy.min, sy.max
}
