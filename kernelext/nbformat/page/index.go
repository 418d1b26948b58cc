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
	// Title is the title to show: see Title; default: Page.
	Title string
	// Page is the address of the notebook's page, relative to the index; empty: there is none yet.
	Page string
	// Status is a text such as "ok" or "failed in cell 7"; Failed shows it in the colour of an error.
	Status string
	Failed bool
	// Took is the duration of the run; 0 means: not shown.
	Took time.Duration
	// Thumbnail is a picture as a data URL: see Thumbnail; "" for none.
	Thumbnail string
}

// RenderIndex writes a self-contained HTML page that lists notebooks. It uses Title, Lang, Note and Refresh of opts.
func RenderIndex(w io.Writer, entries []Entry, opts Options) error {
	type view struct {
		Entry
		Thumbnail template.URL // made here, so the template need not check it
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
		"Title": cmp.Or(opts.Title, "Notebooks"), "Note": opts.Note, "Entries": views, "Refresh": int(opts.Refresh.Seconds())})
}

// took returns a time in words: 0.4 s, 12 s, 1 min 52 s.
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

// Thumbnail returns the notebook's first picture output as a data URL, or "" if there is none. PNG and JPEG are made
// small, SVG is unchanged.
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

// shrink scales a PNG or JPEG in a data URL to at most thumbnailWidth; a picture that cannot be read is returned
// unchanged.
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
