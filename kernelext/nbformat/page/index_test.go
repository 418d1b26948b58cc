package page_test

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/png"
	"strings"
	"testing"
	"time"

	"deeplearning.example/kernelext/nbformat"
	"deeplearning.example/kernelext/nbformat/page"
)

func TestIndex(t *testing.T) {
	entries := []page.Entry{
		{Title: "VAE <b>", Page: "vae.html", Status: "ok", Took: 112 * time.Second,
			Thumbnail: "data:image/png;base64," + pixel},
		{Page: "som.html", Status: "failed in cell 7", Failed: true, Took: 3440 * time.Millisecond},
		{Title: "GAN", Page: "gan.html", Status: "not run", Thumbnail: "https://example.org/x.png"},
	}
	var out strings.Builder
	if err := page.RenderIndex(&out, entries, page.Options{Title: "Lecture 11", Note: "quick mode"}); err != nil {
		t.Fatal(err)
	}
	doc := parse(t, out.String())
	if text(one(t, doc, "h1")) != "Lecture 11" || !strings.Contains(text(one(t, doc, ".head")), "quick mode") {
		t.Error("title or note is missing")
	}
	cards := find(doc, ".card")
	if len(cards) != 3 {
		t.Fatalf("%d cards, want 3", len(cards))
	}
	for i, want := range []struct{ title, page, status, time string }{
		{"VAE <b>", "vae.html", "ok", "1 min 52 s"},
		{"som.html", "som.html", "failed in cell 7", "3.4 s"},
		{"GAN", "gan.html", "not run", ""},
	} {
		link := one(t, cards[i], "a")
		if text(link) != want.title || attr(link, "href") != want.page {
			t.Errorf("card %d links %q to %s, want %q to %s", i, text(link), attr(link, "href"), want.title, want.page)
		}
		if got := text(one(t, cards[i], "p")); got != want.status+want.time {
			t.Errorf("card %d says %q, want %q and %q", i, got, want.status, want.time)
		}
	}
	if pictures := find(doc, "img"); len(pictures) != 1 || attr(pictures[0], "src") != entries[0].Thumbnail {
		t.Errorf("%d pictures, want that of the first entry", len(pictures))
	}
	if len(find(doc, ".failed")) != 1 {
		t.Error("the failed notebook is not marked, or another is")
	}
}

func TestThumbnail(t *testing.T) {
	picture := func(width int) string {
		var out bytes.Buffer
		if err := png.Encode(&out, image.NewGray(image.Rect(0, 0, width, width/2))); err != nil {
			t.Fatal(err)
		}
		return base64.StdEncoding.EncodeToString(out.Bytes())
	}
	output := func(mime, data string) nbformat.Output {
		return nbformat.Output{Type: nbformat.DisplayData, Data: map[string]any{mime: data}}
	}
	stream := nbformat.Output{Type: nbformat.Stream, Name: "stdout", Text: "x"}
	if got := page.Thumbnail(notebook(code("x", stream))); got != "" {
		t.Errorf("a notebook without pictures has thumbnail %.40q", got)
	}
	small := picture(100)
	nb := notebook(code("x", stream, output("image/png", small), output("image/png", picture(200))))
	if got := page.Thumbnail(nb); got != "data:image/png;base64,"+small {
		t.Errorf("thumbnail %.40q, want the first picture as it is", got)
	}
	got := page.Thumbnail(notebook(code("x", output("image/png", picture(2000)))))
	data, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(got, "data:image/png;base64,"))
	if err != nil {
		t.Fatalf("thumbnail %.40q: %v", got, err)
	}
	shrunk, err := png.DecodeConfig(bytes.NewReader(data))
	if err != nil || shrunk.Width != 480 || shrunk.Height != 240 {
		t.Errorf("thumbnail of 2000×1000 is %d×%d, %v: want 480×240", shrunk.Width, shrunk.Height, err)
	}
	svg := `<svg xmlns="http://www.w3.org/2000/svg"/>`
	got = page.Thumbnail(notebook(code("x", output("image/svg+xml", svg))))
	if !strings.HasPrefix(got, "data:image/svg+xml;") {
		t.Errorf("thumbnail of an SVG is %.40q", got)
	}
}

func TestTitle(t *testing.T) {
	for want, source := range map[string]string{
		"Plain":             "text\n\n# Plain\n\n# Next",
		"Of *two* kinds":    "# Of \\*two\\* **kinds**",
		"Under a line":      "Under a\nline\n===",
		`K \ge 0 and x`:     "## $K \\ge 0$ and `x`",
		"No code":           "```\n# no\n```\n\n# No code",
		"A link":            "# [A link](x) <br>",
		"from the metadata": "no heading",
	} {
		nb := notebook(code("# not me"), markdown(source))
		nb.Metadata = map[string]any{"title": "from the metadata"}
		if got := page.Title(nb); got != want {
			t.Errorf("Title of %q = %q, want %q", source, got, want)
		}
	}
	if got := page.Title(notebook()); got != "" {
		t.Errorf("Title of an empty notebook = %q", got)
	}
}
