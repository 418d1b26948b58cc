package kernelext

import (
	"errors"
	"fmt"
	"image/color"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Layer is a column of neurons in a drawing by [Layers].
type Layer struct {
	Title string
	Texts []string // one for each neuron, from the top: its name or its number
	Fires []bool   // whether each neuron is filled; nil: none
}

// Layers draws a network: a column for each layer, from the left, and a line from every neuron to every neuron of the next
// layer. If oneToOne[i] is true, each neuron of layer i has a line only to the neuron beside it.
func Layers(title string, layers []Layer, oneToOne ...bool) (*plot.Plot, error) {
	if len(layers) == 0 {
		return nil, errors.New("kernelext: Layers without a layer, want at least one")
	}
	if len(oneToOne) >= len(layers) {
		return nil, fmt.Errorf("kernelext: Layers: %d connections told one to one for %d layers, want fewer", len(oneToOne), len(layers))
	}
	var words []string
	for i, l := range layers {
		if len(l.Texts) == 0 || l.Fires != nil && len(l.Fires) != len(l.Texts) {
			return nil, fmt.Errorf("kernelext: Layers: layer %d has %d texts and %d fires, want at least one text and as many fires or none",
				i, len(l.Texts), len(l.Fires))
		}
		if i < len(oneToOne) && oneToOne[i] && (i+1 >= len(layers) || len(layers[i+1].Texts) != len(l.Texts)) {
			return nil, fmt.Errorf("kernelext: Layers: layer %d has %d neurons, want as many in the next for one to one", i, len(l.Texts))
		}
		words = append(words, fmt.Sprintf("%s: %s", oneLine(l.Title), strings.Join(l.Texts, " ")))
	}
	p := plot.New()
	p.Title.Text = title
	p.Title.Padding = px(10)
	styleText(&p.Title.TextStyle, titleSize, true)
	styleText(&p.X.Tick.Label, tickSize, false)
	p.HideAxes()
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = -0.5, float64(len(layers))-0.5, 0, 1
	p.Add(&network{layers: layers, oneToOne: oneToOne}, facets{text: words})
	return p, nil
}

// network draws the layers.
type network struct {
	layers   []Layer
	oneToOne []bool
}

const headRoom = 0.08 // share of the height for the titles of the layers

// at returns the position of neuron i of layer l: x in layers, y from 0 at the bottom to 1.
func (n *network) at(l, i int) (x, y float64) {
	count := float64(len(n.layers[l].Texts))
	return float64(l), (1 - headRoom) * (1 - (float64(i)+0.5)/count)
}

// Plot implements plot.Plotter.
func (n *network) Plot(c draw.Canvas, p *plot.Plot) {
	toX, toY := p.Transforms(&c)
	place := func(l, i int) vg.Point {
		x, y := n.at(l, i)
		return vg.Point{X: toX(x), Y: toY(y)}
	}
	for l := range len(n.layers) - 1 {
		n.connect(c, place, l)
	}
	text := p.X.Tick.Label
	text.XAlign, text.YAlign = draw.XCenter, draw.YCenter
	for l, layer := range n.layers {
		for i, words := range layer.Texts {
			n.neuron(c, text, place(l, i), words, layer.Fires != nil && layer.Fires[i])
		}
		c.FillText(text, vg.Point{X: toX(float64(l)), Y: toY(1 - headRoom/3)}, layer.Title)
	}
}

// connect draws the lines from layer l to the next.
func (n *network) connect(c draw.Canvas, place func(l, i int) vg.Point, l int) {
	line := draw.LineStyle{Color: absentColor, Width: px(1)}
	for i := range n.layers[l].Texts {
		for j := range n.layers[l+1].Texts {
			if i != j && l < len(n.oneToOne) && n.oneToOne[l] {
				continue
			}
			a, b := place(l, i), place(l+1, j)
			c.StrokeLine2(line, a.X, a.Y, b.X, b.Y)
		}
	}
}

// neuron draws one neuron: an oval box with its words, dark where it fires.
func (n *network) neuron(c draw.Canvas, text draw.TextStyle, at vg.Point, words string, fires bool) {
	half, r := max(text.Width(words)/2, px(4)), px(12)
	back, border := paper, axisColor
	text.Color = inkColor
	if fires {
		back, border = Palette(0), Palette(0)
		text.Color = paper
	}
	pill(c, at, half, r+px(1.5), border)
	pill(c, at, half, r, back)
	c.FillText(text, vg.Point{X: at.X, Y: at.Y + px(textRise)}, words)
}

// pill fills a box with round ends, which is 2·half wide between the centres of its ends and 2·r high.
func pill(c draw.Canvas, at vg.Point, half, r vg.Length, fill color.Color) {
	for _, x := range []vg.Length{at.X - half, at.X + half} {
		c.DrawGlyph(draw.GlyphStyle{Color: fill, Radius: r, Shape: draw.CircleGlyph{}}, vg.Point{X: x, Y: at.Y})
	}
	c.FillPolygon(fill, []vg.Point{
		{X: at.X - half, Y: at.Y - r}, {X: at.X + half, Y: at.Y - r},
		{X: at.X + half, Y: at.Y + r}, {X: at.X - half, Y: at.Y + r},
	})
}
