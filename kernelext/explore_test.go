package kernelext

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/color"
	"image/png"
	"math"
	"regexp"
	"strings"
	"testing"
)

// tiles are count pictures of 4×4, tile i of grey level 10·i.
func tiles(count int) []image.Image {
	made := make([]image.Image, count)
	for i := range made {
		img := image.NewGray(image.Rect(0, 0, 4, 4))
		for p := range img.Pix {
			img.Pix[p] = uint8(10 * i)
		}
		made[i] = img
	}
	return made
}

var plane = Chart{X: "z₁", Y: `z₂ "<b>"`, MinX: -1, MaxX: 1, MinY: 0, MaxY: 4, Cols: 3,
	Spots: []Spot{{"Go <Mono>", -1, 4}, {"middle", 0, 2}}}

// TestExplore: the sheet has each tile at its place, the spots lie where the chart says, and names cannot break the page.
func TestExplore(t *testing.T) {
	b, err := exploreBundle(tiles(6), plane, options{width: 300, caption: "a & b"})
	if err != nil {
		t.Fatal(err)
	}
	html := b.Data[mimeHTML].(string)
	encoded := regexp.MustCompile(`base64,([^"]+)"`).FindStringSubmatch(html)[1]
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		t.Fatal(err)
	}
	sheet, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	if sheet.Bounds().Size() != image.Pt(12, 8) {
		t.Fatalf("sheet of %v, want 12×8", sheet.Bounds().Size())
	}
	for i := range 6 {
		at := sheet.At(i%3*4+2, i/3*4+2)
		if got := color.GrayModel.Convert(at).(color.Gray).Y; got != uint8(10*i) {
			t.Errorf("tile %d has grey %d, want %d", i, got, 10*i)
		}
	}
	for _, want := range []string{
		`<circle cx="0.0" cy="0.0"`, `<circle cx="150.0" cy="100.0"`, "Go &lt;Mono&gt;", `\u003cb\u003e`, "a &amp; b", `width:300px;height:200px`,
	} {
		if !strings.Contains(html, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(html, "<b>") || strings.Contains(html, "<Mono>") {
		t.Error("a name became a tag")
	}
	expectText(t, b.text(), "sheet of 2×3 pictures", "2 spots", "a & b")
}

func TestExploreRefuses(t *testing.T) {
	uneven := append(tiles(5), image.NewGray(image.Rect(0, 0, 9, 4)))
	noRange, noName := plane, plane
	noRange.MaxX, noName.X = math.NaN(), " "
	for _, c := range []struct {
		tiles []image.Image
		chart Chart
		want  string
	}{
		{nil, plane, "Explore of 0 pictures"},
		{tiles(5), plane, "5 pictures with Chart.Cols = 3, want full rows"},
		{uneven, plane, "picture 5 is missing, empty or not as large"},
		{tiles(6), noRange, "want ranges from less to more"},
		{tiles(6), noName, "names of the coordinates"},
	} {
		if _, err := exploreBundle(c.tiles, c.chart, options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one that contains %q", err, c.want)
		}
	}
}
