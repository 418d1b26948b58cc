package kernelext

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"strings"

	"golang.org/x/image/draw"
)

// Chart describes the coordinates of a sheet of pictures: X to the right and Y upwards, over the ranges from Min to Max,
// which are divided equally among the tiles.
type Chart struct {
	X, Y       string // names of the coordinates
	MinX, MaxX float64
	MinY, MaxY float64
	Cols       int // tiles in a row
	Spots      []Spot
}

// Spot is a named place on a [Chart].
type Spot struct {
	Name string
	X, Y float64
}

// Explore shows a sheet of pictures that can be explored by mouse or, after a click, by the arrow keys: the picture under
// the pointer is shown large beside the sheet, with its coordinates and the nearest spot. Spots are marked and show their
// names. tiles holds the pictures row by row, the first row at the top (largest Y), all of one size. A front end that runs
// no scripts, such as a saved notebook that is not trusted, shows the sheet with its spots. Options: [Width] of the sheet,
// [Caption].
func Explore(tiles []image.Image, chart Chart, opts ...Option) error {
	return here.present(func(o options) (Bundle, error) { return exploreBundle(tiles, chart, o) }, opts)
}

func exploreBundle(tiles []image.Image, chart Chart, o options) (Bundle, error) {
	if err := chart.check(tiles); err != nil {
		return Bundle{}, err
	}
	sheet := joinTiles(tiles, chart.Cols)
	png, err := encodePNG(compact(sheet), false)
	if err != nil {
		return Bundle{}, err
	}
	width := 440
	if o.width > 0 {
		width = o.width
	}
	rows := len(tiles) / chart.Cols
	text := fmt.Sprintf("image %d×%d: sheet of %d×%d pictures, %s from %.4g to %.4g, %s from %.4g to %.4g, %d spots",
		sheet.Bounds().Dx(), sheet.Bounds().Dy(), rows, chart.Cols, chart.X, chart.MinX, chart.MaxX, chart.Y, chart.MinY,
		chart.MaxY, len(chart.Spots))
	return Bundle{Data: map[string]any{
		mimeText: withCaption(text, o.caption),
		mimeHTML: chart.html(png, sheet.Bounds().Size(), rows, width, o.caption),
	}}, nil
}

// check returns an error that names what is wrong with the chart.
func (c Chart) check(tiles []image.Image) error {
	switch {
	case len(tiles) == 0 || c.Cols < 1 || len(tiles)%c.Cols != 0:
		return fmt.Errorf("kernelext: Explore of %d pictures with Chart.Cols = %d, want full rows", len(tiles), c.Cols)
	case !(c.MinX < c.MaxX) || !(c.MinY < c.MaxY) || math.IsInf(c.MaxX-c.MinX, 0) || math.IsInf(c.MaxY-c.MinY, 0):
		return fmt.Errorf("kernelext: Explore: Chart from (%g, %g) to (%g, %g), want ranges from less to more",
			c.MinX, c.MinY, c.MaxX, c.MaxY)
	case strings.TrimSpace(c.X) == "" || strings.TrimSpace(c.Y) == "":
		return errors.New("kernelext: Explore: Chart without X or Y, want the names of the coordinates")
	}
	for i, img := range tiles {
		if img == nil || img.Bounds().Empty() || img.Bounds().Size() != tiles[0].Bounds().Size() {
			return fmt.Errorf("kernelext: Explore: picture %d is missing, empty or not as large as the first", i)
		}
	}
	return nil
}

// joinTiles returns one picture with pictures of one size side by side, without gaps.
func joinTiles(tiles []image.Image, cols int) *image.NRGBA {
	size := tiles[0].Bounds().Size()
	out := image.NewNRGBA(image.Rect(0, 0, cols*size.X, len(tiles)/cols*size.Y))
	draw.Draw(out, out.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	for i, tile := range tiles {
		at := image.Pt(i%cols*size.X, i/cols*size.Y)
		draw.Draw(out, image.Rectangle{at, at.Add(size)}, tile, tile.Bounds().Min, draw.Over)
	}
	return out
}

// html returns the sheet with its spots, a large view beside it, and the script that connects them. size: of the sheet in pixels.
func (c Chart) html(png []byte, size image.Point, rows, width int, caption string) string {
	height := width * size.Y / size.X
	id := fmt.Sprintf("explore%016x", rand.Uint64()) // several on a page
	var b strings.Builder
	fmt.Fprintf(&b, `<div id="%s" style="display:flex;flex-wrap:wrap;gap:20px;align-items:flex-start">`, id)
	fmt.Fprintf(&b, `<div tabindex="0" style="position:relative;width:%dpx;height:%dpx;cursor:crosshair">`, width, height)
	fmt.Fprintf(&b, `<img alt="sheet of %d×%d pictures" style="width:%dpx;height:%dpx;max-width:none" src="data:image/png;base64,%s">`,
		rows, c.Cols, width, height, base64.StdEncoding.EncodeToString(png))
	fmt.Fprintf(&b, `<svg viewBox="0 0 %d %d" style="position:absolute;left:0;top:0;width:100%%;height:100%%">`, width, height)
	for _, s := range c.Spots {
		x := (s.X - c.MinX) / (c.MaxX - c.MinX) * float64(width)
		y := (c.MaxY - s.Y) / (c.MaxY - c.MinY) * float64(height)
		fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="3.5" fill="#e69f00" stroke="#000" stroke-width="0.8"><title>%s</title></circle>`,
			x, y, html.EscapeString(s.Name))
	}
	b.WriteString(`</svg></div><div style="display:none">`)
	side := 180
	fmt.Fprintf(&b, `<canvas width="%d" height="%d" style="border:1px solid #888;display:block"></canvas><div style="width:%dpx;`+
		`font-size:13px;min-height:4em">point at the sheet</div></div></div>`, side, side*(size.Y/rows)/(size.X/c.Cols), side+40)
	fmt.Fprintf(&b, `<div style="font-size:13px">%s to the right from %.3g to %.3g, %s upwards from %.3g to %.3g. %s</div>`,
		html.EscapeString(c.X), c.MinX, c.MaxX, html.EscapeString(c.Y), c.MinY, c.MaxY, html.EscapeString(caption))
	b.WriteString(c.script(id, rows))
	return b.String()
}

// script shows the picture under the pointer. It reads names from the page, as text.
func (c Chart) script(id string, rows int) string {
	return fmt.Sprintf(`<script>(function () {
const root = document.getElementById("%s"), sheet = root.children[0], view = root.children[1];
const img = sheet.querySelector("img"), canvas = view.querySelector("canvas"), label = view.querySelector("div");
const cols = %d, rows = %d, range = [%g, %g, %g, %g], names = [%s, %s];
const spots = [...sheet.querySelectorAll("circle")].map((c) =>
  [+c.getAttribute("cx"), +c.getAttribute("cy"), c.querySelector("title").textContent]);
let col = cols >> 1, row = rows >> 1;
view.style.display = "block";
function show() {
  const w = img.naturalWidth / cols, h = img.naturalHeight / rows, ctx = canvas.getContext("2d");
  ctx.imageSmoothingEnabled = false;
  ctx.drawImage(img, col * w, row * h, w, h, 0, 0, canvas.width, canvas.height);
  const u = (col + 0.5) / cols, v = (row + 0.5) / rows;
  const x = range[0] + u * (range[1] - range[0]), y = range[3] - v * (range[3] - range[2]);
  let text = names[0] + " = " + x.toFixed(2) + ", " + names[1] + " = " + y.toFixed(2), best = 1e9, name = "";
  for (const [sx, sy, n] of spots) {
    const d = Math.hypot(sx - u * sheet.clientWidth, sy - v * sheet.clientHeight);
    if (d < best) [best, name] = [d, n];
  }
  label.textContent = name === "" ? text : text + "; nearest: " + name;
}
sheet.addEventListener("pointermove", (e) => {
  const box = sheet.getBoundingClientRect();
  col = Math.max(0, Math.min(cols - 1, Math.floor((e.clientX - box.left) / box.width * cols)));
  row = Math.max(0, Math.min(rows - 1, Math.floor((e.clientY - box.top) / box.height * rows)));
  show();
});
sheet.addEventListener("keydown", (e) => {
  const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[e.key] ?? [0, 0];
  if (dx === 0 && dy === 0) return;
  e.preventDefault(); e.stopPropagation();
  col = Math.max(0, Math.min(cols - 1, col + dx));
  row = Math.max(0, Math.min(rows - 1, row + dy));
  show();
});
if (img.complete) show(); else img.addEventListener("load", show);
})();</script>`, id, c.Cols, rows, c.MinX, c.MaxX, c.MinY, c.MaxY, scriptString(c.X), scriptString(c.Y))
}

// scriptString returns text as a string of JavaScript within HTML.
func scriptString(text string) string {
	encoded, _ := json.Marshal(text) // a string always can be; < > & come out as \u003c …
	return string(encoded)
}
