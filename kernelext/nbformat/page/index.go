package page

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"html/template"
	"image"
	"image/color"
	_ "image/jpeg" // thumbnails of JPEG outputs
	"image/png"
	"io"
	"strings"
	"time"

	"golang.org/x/image/draw"

	"deeplearning.example/kernelext/nbformat"
)

// Entry is one notebook in an index.
type Entry struct {
	// Title to show: see Title; default: Page.
	Title string
	// Page is the address of the notebook's page, relative to the index.
	Page string
	// Status in words, such as "ok" or "failed in cell 7"; Failed gives it the colour of an error.
	Status string
	Failed bool
	// Took is how long the run was; 0 means: not shown.
	Took time.Duration
	// Thumbnail is a picture as a data URL: see Thumbnail; "" for none.
	Thumbnail string
}

// RenderIndex writes a self-contained HTML page that lists notebooks. Of opts, Title, Lang and Note count.
func RenderIndex(w io.Writer, entries []Entry, opts Options) error {
	type view struct {
		Entry
		Thumbnail template.URL // ours: not to be checked by the template
		Time      string
	}
	views := make([]view, len(entries))
	for i, entry := range entries {
		entry.Title = cmp.Or(entry.Title, entry.Page)
		views[i] = view{Entry: entry, Time: took(entry.Took)}
		if strings.HasPrefix(entry.Thumbnail, "data:image/") {
			views[i].Thumbnail = template.URL(entry.Thumbnail)
		}
	}
	return execute(w, "index.html", map[string]any{"Lang": cmp.Or(opts.Lang, "en"),
		"Title": cmp.Or(opts.Title, "Notebooks"), "Note": opts.Note, "Entries": views})
}

// took is a time in words for people: 0.4 s, 12 s, 1 min 52 s.
func took(d time.Duration) string {
	switch {
	case d <= 0:
		return ""
	case d < 10*time.Second:
		return strings.TrimSuffix(d.Round(100*time.Millisecond).String(), "s") + " s"
	}
	d = d.Round(time.Second)
	text := d.String() // 1h2m3s, 1m52s, 12s
	return strings.NewReplacer("h", " h ", "m", " min ", "s", " s").Replace(text)
}

// thumbnailWidth is the width in pixels of a thumbnail: twice that of a card, for sharp screens.
const thumbnailWidth = 480

// Thumbnail is the notebook's first picture output as a data URL: PNG and JPEG made small, SVG as it is; "" when
// there is none.
func Thumbnail(nb *nbformat.Notebook) string {
	for _, cell := range nb.Cells {
		for _, output := range cell.Outputs {
			if picture, ok := bundlePicture(output.Data); ok {
				return shrink(picture)
			}
		}
	}
	return ""
}

// shrink makes a PNG or JPEG in a data URL at most thumbnailWidth wide; what cannot be read stays as it is.
func shrink(address string) string {
	_, encoded, _ := strings.Cut(address, ",")
	data, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return address
	}
	picture, _, err := image.Decode(bytes.NewReader(data))
	if err != nil || picture.Bounds().Dx() <= thumbnailWidth {
		return address
	}
	size := picture.Bounds().Size()
	small := image.NewRGBA(image.Rect(0, 0, thumbnailWidth, max(1, size.Y*thumbnailWidth/size.X)))
	draw.Draw(small, small.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	draw.CatmullRom.Scale(small, small.Bounds(), picture, picture.Bounds(), draw.Over, nil)
	var out bytes.Buffer
	if err := png.Encode(&out, small); err != nil {
		return address
	}
	return dataURL("image/png", out.Bytes())
}
