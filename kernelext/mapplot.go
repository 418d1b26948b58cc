package kernelext

import (
	"fmt"
	"image/color"
	"sync"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg/draw"
)

// Net draws a map in the space of its data, which must be a plane: the objects as grey points, the nodes at their weights
// (x[node], y[node]), and a line between any two neighbours on the sheet. objectsX and objectsY may be nil.
func Net(a Axes, sheet Sheet, x, y, objectsX, objectsY []float64) (*plot.Plot, error) {
	p, err := newPlot("Net", a)
	if err != nil {
		return nil, err
	}
	if sheet.Width < 1 || sheet.Height < 1 || len(x) != sheet.nodes() || len(y) != sheet.nodes() {
		return nil, fmt.Errorf("kernelext: Net: %d x and %d y for a sheet of %d×%d, want one for each node",
			len(x), len(y), sheet.Width, sheet.Height)
	}
	if len(objectsX) != len(objectsY) {
		return nil, fmt.Errorf("kernelext: Net: objects with %d x and %d y, want as many", len(objectsX), len(objectsY))
	}
	if len(objectsX) > 0 {
		p.Add(&dots{x: objectsX, y: objectsY, radius: dotRadius(len(objectsX)) * 0.7, color: objectColor})
	}
	radius := px(3.2)
	if sheet.nodes() > 150 {
		radius = px(2.2)
	}
	p.Add(&mesh{x: x, y: y, links: sheet.links()}, &dots{x: x, y: y, radius: radius, color: Palette(1)})
	words := fmt.Sprintf("net %s, %d objects; x of the nodes: %s", sheet, len(objectsX), summarize(x))
	return finish("Net", p, a, legend{}, []string{words})
}

// objectColor is the colour of the data behind a net.
var objectColor = color.NRGBA{R: 0xcc, G: 0xcc, B: 0xcc, A: 0xff}

// mesh draws the lines of a net.
type mesh struct {
	x, y  []float64
	links [][2]int
}

// Plot implements plot.Plotter.
func (m *mesh) Plot(c draw.Canvas, p *plot.Plot) {
	toX, toY := p.Transforms(&c)
	line := draw.LineStyle{Color: Palette(0), Width: px(1.5)}
	for _, link := range m.links {
		a, b := link[0], link[1]
		if finite(m.x[a]+m.y[a]) && finite(m.x[b]+m.y[b]) {
			c.StrokeLine2(line, toX(m.x[a]), toY(m.y[a]), toX(m.x[b]), toY(m.y[b]))
		}
	}
}

// DataRange implements plot.DataRanger.
func (m *mesh) DataRange() (xmin, xmax, ymin, ymax float64) {
	x, y := summarize(m.x), summarize(m.y)
	return x.min, x.max, y.min, y.max
}

// LiveNet draws a [Net] while it learns: one picture, redrawn in place at most every 500 ms. Its methods may be called
// from several goroutines.
type LiveNet struct {
	live               *live
	axes               Axes
	sheet              Sheet
	objectsX, objectsY []float64

	mu   sync.Mutex
	step int
	x, y []float64
}

// NewLiveNet returns a net that is shown at its first Set. Call Done at the end.
func NewLiveNet(a Axes, sheet Sheet, objectsX, objectsY []float64) *LiveNet {
	return here.newLiveNet(a, sheet, objectsX, objectsY)
}

func (f *frontend) newLiveNet(a Axes, sheet Sheet, objectsX, objectsY []float64) *LiveNet {
	n := &LiveNet{axes: a, sheet: sheet, objectsX: objectsX, objectsY: objectsY}
	n.live = newLive(f, n)
	return n
}

// Set shows the positions of the nodes after a step. It copies x and y.
func (n *LiveNet) Set(step int, x, y []float64) {
	n.mu.Lock()
	n.step, n.x, n.y = step, append([]float64(nil), x...), append([]float64(nil), y...)
	n.mu.Unlock()
	n.live.changed()
}

// Done shows the last state. It may be called twice, and by defer; it returns the first error of the net.
func (n *LiveNet) Done() error {
	n.mu.Lock()
	empty := n.x == nil
	n.mu.Unlock()
	if empty {
		return nil
	}
	return n.live.done()
}

// status returns the net's last state as one line.
func (n *LiveNet) status() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return fmt.Sprintf("%s: net %s, step %d", n.axes.Title, n.sheet, n.step)
}

func (n *LiveNet) render(final bool) (Bundle, error) {
	n.mu.Lock()
	a, x, y := n.axes, n.x, n.y
	a.Title = fmt.Sprintf("%s, step %d", a.Title, n.step)
	n.mu.Unlock()
	p, err := Net(a, n.sheet, x, y, n.objectsX, n.objectsY)
	if err != nil {
		return Bundle{}, err
	}
	o, err := gather([]Option{Width(480)})
	if err != nil {
		return Bundle{}, err
	}
	o.fastPNG = !final
	return plotBundle(p, o)
}
