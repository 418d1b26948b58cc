package setup

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"

	"golang.org/x/image/vector"
)

// The logo is a self-organising map that has started to unfold: a bent grid of nodes, coloured by their place, with the
// winner and its neighbourhood. It is drawn from one list of shapes, as SVG and as PNG.
const (
	logoSide  = 64.0 // units of the drawing, side of the square
	logoNodes = 4    // nodes along a side of the grid
)

// shape is a filled polygon, which both formats can draw.
type shape struct {
	outline [][2]float64
	fill    color.NRGBA
}

// logoShapes lists the shapes from the back to the front.
func logoShapes() []shape {
	shapes := []shape{{roundedSquare(13), color.NRGBA{R: 0x10, G: 0x2a, B: 0x3c, A: 0xff}}}
	winner := logoNode(1, 2)
	shapes = append(shapes, shape{circle(winner, 15), color.NRGBA{R: 0x1d, G: 0x4a, B: 0x5f, A: 0xff}})
	mesh := color.NRGBA{R: 0x8f, G: 0xc9, B: 0xd9, A: 0xff}
	for i := range logoNodes {
		for j := range logoNodes - 1 {
			shapes = append(shapes,
				shape{line(logoNode(i, j), logoNode(i, j+1), 1.3), mesh},
				shape{line(logoNode(j, i), logoNode(j+1, i), 1.3), mesh})
		}
	}
	for i := range logoNodes {
		for j := range logoNodes {
			shapes = append(shapes, shape{circle(logoNode(i, j), 3.7), logoColour(i, j)})
		}
	}
	return append(shapes,
		shape{circle(winner, 6.4), color.NRGBA{R: 0xff, G: 0xff, B: 0xff, A: 0xff}},
		shape{circle(winner, 4.6), color.NRGBA{R: 0xff, G: 0x8a, B: 0x3d, A: 0xff}})
}

// logoNode returns the place of a node: the regular grid, bent as a map is while it unfolds.
func logoNode(i, j int) [2]float64 {
	u, v := float64(i)/(logoNodes-1), float64(j)/(logoNodes-1)
	x := 12 + 40*u + 4.5*math.Sin(math.Pi*v*1.3)*(1-u)
	y := 11 + 40*v + 5*math.Sin(math.Pi*u*1.2)*(1-0.8*v)
	return [2]float64{x, y}
}

// logoColour returns a colour between Go's blue and a warm yellow, by the place in the grid.
func logoColour(i, j int) color.NRGBA {
	t := float64(i+j) / (2 * (logoNodes - 1))
	mix := func(a, b float64) uint8 { return uint8(a + (b-a)*t) }
	return color.NRGBA{R: mix(0x00, 0xff), G: mix(0xad, 0xd1), B: mix(0xd8, 0x66), A: 0xff}
}

func circle(centre [2]float64, radius float64) [][2]float64 {
	return arc(nil, centre, radius, 0, 2*math.Pi)
}

// arc appends points on a circle from one angle to another.
func arc(points [][2]float64, centre [2]float64, radius, from, to float64) [][2]float64 {
	steps := int(math.Ceil((to - from) / (math.Pi / 12)))
	for k := range steps + 1 {
		angle := from + (to-from)*float64(k)/float64(steps)
		points = append(points, [2]float64{centre[0] + radius*math.Cos(angle), centre[1] + radius*math.Sin(angle)})
	}
	return points
}

// roundedSquare returns the outline of the drawing, with round corners.
func roundedSquare(radius float64) [][2]float64 {
	var points [][2]float64
	near, far := radius, logoSide-radius
	for k, corner := range [][2]float64{{far, far}, {near, far}, {near, near}, {far, near}} {
		points = arc(points, corner, radius, float64(k)*math.Pi/2, float64(k+1)*math.Pi/2)
	}
	return points
}

// line returns a line of some width as a polygon.
func line(a, b [2]float64, width float64) [][2]float64 {
	dx, dy := b[0]-a[0], b[1]-a[1]
	scale := width / 2 / math.Hypot(dx, dy)
	nx, ny := -dy*scale, dx*scale
	return [][2]float64{{a[0] + nx, a[1] + ny}, {b[0] + nx, b[1] + ny}, {b[0] - nx, b[1] - ny}, {a[0] - nx, a[1] - ny}}
}

// logoSVG returns the logo as a standalone SVG file.
func logoSVG() []byte {
	var svg bytes.Buffer
	fmt.Fprintf(&svg, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %g">`+"\n", logoSide, logoSide)
	for _, s := range logoShapes() {
		fmt.Fprintf(&svg, `<path fill="#%02x%02x%02x" d="`, s.fill.R, s.fill.G, s.fill.B)
		for k, p := range s.outline {
			fmt.Fprintf(&svg, "%c%.2f %.2f", "ML"[min(k, 1)], p[0], p[1])
		}
		svg.WriteString("Z\"/>\n")
	}
	svg.WriteString("</svg>\n")
	return svg.Bytes()
}

// logoPNG returns the logo as a square PNG file of the given side in pixels.
func logoPNG(side int) ([]byte, error) {
	img := image.NewNRGBA(image.Rect(0, 0, side, side))
	scale := float32(side) / logoSide
	for _, s := range logoShapes() {
		raster := vector.NewRasterizer(side, side)
		for k, p := range s.outline {
			x, y := float32(p[0])*scale, float32(p[1])*scale
			if k == 0 {
				raster.MoveTo(x, y)
			} else {
				raster.LineTo(x, y)
			}
		}
		raster.ClosePath()
		raster.Draw(img, img.Bounds(), image.NewUniform(s.fill), image.Point{})
	}
	var out bytes.Buffer
	err := png.Encode(&out, img)
	return out.Bytes(), err
}

// logoFiles returns the logos under the names that Jupyter looks for.
func logoFiles() (map[string][]byte, error) {
	small, err := logoPNG(32)
	if err != nil {
		return nil, err
	}
	large, err := logoPNG(64)
	if err != nil {
		return nil, err
	}
	return map[string][]byte{"logo-32x32.png": small, "logo-64x64.png": large, "logo-svg.svg": logoSVG()}, nil
}
