package page_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/net/html"

	"deeplearning.example/kernelext/nbformat"
	"deeplearning.example/kernelext/nbformat/page"
)

func TestPageOfAnExecutedNotebook(t *testing.T) {
	nb, err := nbformat.Read("../testdata/jupyter/executed.ipynb")
	if err != nil {
		t.Fatal(err)
	}
	doc := render(t, nb, page.Options{Index: "index.html", Note: "quick <mode>", Source: "a b.ipynb"})
	if got := attr(one(t, doc, "html"), "lang"); got != "en" {
		t.Errorf("lang = %q, want en", got)
	}
	if got := text(one(t, doc, "title")); got != "Executed" {
		t.Errorf("title = %q, want the first heading", got)
	}
	if got := text(one(t, doc, "h1")); got != "Executed#" {
		t.Errorf("heading = %q, want Executed and its link", got)
	}
	if !strings.Contains(text(one(t, doc, ".head")), "quick <mode>") {
		t.Error("the note is missing")
	}
	for _, want := range []string{"index.html", "a%20b.ipynb"} {
		if !hasAttribute(doc, "href", want) {
			t.Errorf("no link to %s", want)
		}
	}
	for class, want := range map[string]string{".stream": "one", ".stderr": "two", ".error": "ZeroDivisionError"} {
		if !strings.Contains(text(find(doc, class)[0]), want) {
			t.Errorf("%s does not show %q", class, want)
		}
	}
	if counts := find(doc, ".count"); len(counts) != 3 || text(counts[2]) != "3" {
		t.Errorf("%d execution counts, want 3", len(counts))
	}
	checkPage(t, doc)
}

func TestOptions(t *testing.T) {
	nb := notebook(markdown("## Only a *section*"))
	doc := render(t, nb, page.Options{Title: "Own & <title>", Lang: "de"})
	if text(one(t, doc, "title")) != "Own & <title>" || text(one(t, doc, "h1")) != "Own & <title>" {
		t.Error("the title of the options is not shown")
	}
	if attr(one(t, doc, "html"), "lang") != "de" {
		t.Error("the language of the options is not used")
	}
	if doc := render(t, nb, page.Options{}); len(find(doc, "h1")) != 0 || text(one(t, doc, "title")) != "Only a section" {
		t.Error("the first heading, of level 2, is not the title, or it is shown twice")
	}
	if doc := render(t, notebook(markdown("text")), page.Options{}); text(one(t, doc, "h1")) != "Notebook" {
		t.Error("a notebook without headings has no heading")
	}
}

func TestTextCannotBecomeMarkup(t *testing.T) {
	const evil = `</pre></code><script>alert("1")</script><img src=x onerror=alert(2)>&amp;'"` + "\x1b[31m<b>"
	const shown = `</pre></code><script>alert("1")</script><img src=x onerror=alert(2)>&amp;'"`
	evilOutputs := []nbformat.Output{
		{Type: nbformat.Stream, Name: "stdout", Text: evil},
		{Type: nbformat.ErrorOutput, Ename: evil, Evalue: evil, Traceback: []string{evil + "x"}},
		{Type: nbformat.DisplayData, Data: map[string]any{"text/plain": evil}},
		{Type: nbformat.DisplayData, Data: map[string]any{"application/json": evil}},
		{Type: nbformat.DisplayData, Data: map[string]any{"video/" + evil: "AAAA"}},
		{Type: evil},
		{Type: nbformat.DisplayData, Data: map[string]any{"image/png": pixel, "text/plain": evil}},
		{Type: nbformat.DisplayData, Data: map[string]any{"image/png": `AAAA" onload="alert(3)`, "text/plain": evil}},
	}
	for _, language := range []string{"go", "python", "no-such-language"} {
		nb := notebook(code(evil, evilOutputs...), code("!"+evil), code("%%bash\n"+evil),
			markdown("`"+evil+"` and $"+strings.ReplaceAll(evil, "$", "")+"$"),
			&nbformat.Cell{Type: nbformat.Raw, Source: evil})
		nb.Metadata = map[string]any{"title": evil, "language_info": map[string]any{"name": language}}
		doc := render(t, nb, page.Options{Note: evil, Index: `javascript:alert(1)//"`})
		if scripts := find(doc, "script"); len(scripts) > 0 {
			t.Errorf("%s: %d scripts in the page", language, len(scripts))
		}
		if images := find(doc, "img"); len(images) != 1 || !strings.HasPrefix(attr(images[0], "alt"), shown) {
			t.Errorf("%s: %d pictures, want the one with its text", language, len(images))
		}
		walk(doc, func(n *html.Node) {
			for _, a := range n.Attr {
				if strings.HasPrefix(a.Key, "on") || strings.HasPrefix(a.Val, "javascript:") {
					t.Errorf("%s: <%s %s=%q>", language, n.Data, a.Key, a.Val)
				}
			}
		})
		for _, class := range []string{".source", ".stream", ".error", ".result", ".raw"} {
			if got := text(find(doc, class)[0]); !strings.Contains(got, shown) {
				t.Errorf("%s: %s shows %q, want the text as it is", language, class, got)
			}
		}
	}
}

func TestOpenMarkupStaysInItsCell(t *testing.T) {
	open := `</div></section></main><table><tr><td>1</div><b>`
	doc := render(t, notebook(markdown("<div>"+open+"\n\n"+open),
		code("x", nbformat.Output{Type: nbformat.DisplayData, Data: map[string]any{"text/html": open}}),
		markdown("the end")), page.Options{})
	cells := find(doc, ".cell")
	if len(cells) != 3 {
		t.Fatalf("%d cells, want 3", len(cells))
	}
	for _, cell := range cells {
		if cell.Parent.Data != "main" {
			t.Errorf("cell %s lies in <%s>, want main", attr(cell, "id"), cell.Parent.Data)
		}
	}
	if len(find(cells[2], "b")) > 0 || strings.TrimSpace(text(cells[2])) != "the end" {
		t.Error("markup of one cell runs into another")
	}
}

func TestNothingIsFetched(t *testing.T) {
	files := fstest.MapFS{"figures/net.png": {Data: []byte("PNG")}, "figures/big.svg": {Data: []byte("<svg/>")}}
	source := "![net](figures/net.png) ![n](./figures/net.png) ![gone](figures/none.png)\n" +
		"![far](https://example.org/x.png) ![up](../secret.png) ![no picture](notes.txt) ![s](figures/big.svg)\n" +
		"<img src=\"//example.org/y.png\"> ![here](attachment:a%20b.png) ![lost](attachment:c.png)"
	cell := markdown(source)
	cell.Attachments = map[string]any{"a b.png": map[string]any{"image/png": pixel}}
	doc := render(t, notebook(cell, markdown("$x$")), page.Options{Files: files})
	checkPage(t, doc)
	alts := map[string]string{}
	for _, image := range find(doc, "img") {
		alts[attr(image, "alt")] = attr(image, "src")
	}
	want := map[string]string{"net": "data:image/png;base64,UE5H", "n": "data:image/png;base64,UE5H",
		"s": "data:image/svg+xml;base64,PHN2Zy8+", "here": "data:image/png;base64," + pixel}
	if len(alts) != len(want) {
		t.Errorf("pictures %v, want %d", alts, len(want))
	}
	for alt, src := range want {
		if alts[alt] != src {
			t.Errorf("picture %s = %q, want %q", alt, alts[alt], src)
		}
	}
	for _, link := range []string{"https://example.org/x.png", "figures/none.png", "../secret.png", "attachment:c.png"} {
		if !hasAttribute(doc, "href", link) {
			t.Errorf("no link in place of picture %s", link)
		}
	}
}

func TestContents(t *testing.T) {
	doc := render(t, notebook(markdown("# The $x^2$ title"), markdown("## One `code`\n\n## One `code`\n\n### Below"),
		markdown("## Named {#other}\n\n## [Link](#Below) and <b>raw</b>\n\n<h2>Raw <script>1</script></h2>"),
		markdown("```\n## no heading\n```\n\n#### cell-1"),
		code("x", nbformat.Output{Type: nbformat.DisplayData, Data: map[string]any{"text/markdown": "## In output"}})),
		page.Options{})
	checkPage(t, doc)
	side := one(t, doc, ".side")
	var got []string
	for _, item := range find(side, "li") {
		link := find(item, "a")[0]
		got = append(got, attr(item, "class")+" "+attr(link, "href")+" "+text(link))
	}
	want := []string{"level-1 #One-code One code", "level-1 #One-code-2 One code", "level-2 #Below Below",
		"level-1 #other Named", "level-1 #Link-and-raw Link and raw", "level-1 #Raw-1 Raw 1", "level-3 #cell-1-2 cell-1"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("contents are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if len(find(one(t, doc, ".contents"), "a")) != len(want) {
		t.Error("the folded contents differ from those at the side")
	}
	if got := text(one(t, doc, "title")); got != "The x^2 title" {
		t.Errorf("title = %q", got)
	}
}

func TestDeepNesting(t *testing.T) {
	deep := strings.Repeat("<b>", 5000)
	quoted := strings.Repeat(">", 5000) + " text"
	doc := render(t, notebook(markdown(deep), markdown(quoted), markdown("$"+strings.Repeat("{", 50_000)+"$"),
		code("x", nbformat.Output{Type: nbformat.DisplayData, Data: map[string]any{"text/html": deep}}),
		markdown("the end")), page.Options{})
	cells := find(doc, ".cell")
	if len(cells) != 5 || !strings.Contains(text(cells[4]), "the end") || len(find(cells[2], ".bad-math")) != 1 {
		t.Errorf("%d cells, want 5, with the formula marked and the end in place", len(cells))
	}
}

func TestFootnotesOfTwoCells(t *testing.T) {
	note := "text[^1]\n\n[^1]: the note"
	doc := render(t, notebook(markdown(note), markdown(note)), page.Options{})
	checkPage(t, doc)
	if notes := find(doc, ".footnotes"); len(notes) != 2 {
		t.Errorf("%d lists of footnotes, want 2", len(notes))
	}
}

func TestHiddenCells(t *testing.T) {
	cell := code("x := 1", nbformat.Output{Type: nbformat.Stream, Name: "stdout", Text: "y"})
	cell.Metadata = map[string]any{"jupyter": map[string]any{"source_hidden": true, "outputs_hidden": true}}
	doc := render(t, notebook(cell), page.Options{})
	folded := find(doc, "details")
	if len(folded) != 2 || len(find(folded[0], ".source")) != 1 || len(find(folded[1], ".stream")) != 1 {
		t.Error("source and output are not folded away")
	}
}

func TestSizeOfThePage(t *testing.T) {
	plain := size(t, notebook(markdown("# Title"), code("x := 1")))
	formulas := size(t, notebook(markdown("$\\mathfrak a \\mathsf b \\mathscr c \\mathtt d \\mathbf e \\mathbb f "+
		"\\boldsymbol g \\mathcal h \\mathit i \\displaystyle \\sum \\Biggl( \\biggl( \\Bigl( \\bigl( x$")))
	if plain > 30_000 {
		t.Errorf("a page without formulas has %d bytes, want at most 30 000", plain)
	}
	if formulas < 300_000 || formulas > 500_000 {
		t.Errorf("a page with all fonts has %d bytes, want 300 000 to 500 000", formulas)
	}
}

func TestWriteErrorIsTold(t *testing.T) {
	full := errors.New("disk full")
	if err := page.Render(failing{full}, notebook(markdown("x")), page.Options{}); !errors.Is(err, full) {
		t.Errorf("Render: %v, want the error of the writer", err)
	}
	if err := page.RenderIndex(failing{full}, nil, page.Options{}); !errors.Is(err, full) {
		t.Errorf("RenderIndex: %v, want the error of the writer", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestLicenceOfKaTeX(t *testing.T) {
	licence, err := os.ReadFile("katex/LICENSE")
	if err != nil || !strings.Contains(string(licence), "The MIT License") {
		t.Errorf("licence of KaTeX: %v", err)
	}
}
