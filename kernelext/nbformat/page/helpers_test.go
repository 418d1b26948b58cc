package page_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"deeplearning.example/kernelext/nbformat"
	"deeplearning.example/kernelext/nbformat/page"
)

// pixel is a PNG of one pixel.
const pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

func notebook(cells ...*nbformat.Cell) *nbformat.Notebook { return &nbformat.Notebook{Cells: cells} }

func markdown(source string) *nbformat.Cell {
	return &nbformat.Cell{Type: nbformat.Markdown, Source: source}
}

func code(source string, outputs ...nbformat.Output) *nbformat.Cell {
	return &nbformat.Cell{Type: nbformat.Code, Source: source, Outputs: outputs}
}

// render returns the page of a notebook, parsed as a browser would.
func render(t *testing.T, nb *nbformat.Notebook, opts page.Options) *html.Node {
	t.Helper()
	var out strings.Builder
	if err := page.Render(&out, nb, opts); err != nil {
		t.Fatal(err)
	}
	return parse(t, out.String())
}

func size(t *testing.T, nb *nbformat.Notebook) int {
	t.Helper()
	var out strings.Builder
	if err := page.Render(&out, nb, page.Options{}); err != nil {
		t.Fatal(err)
	}
	return out.Len()
}

func parse(t *testing.T, text string) *html.Node {
	t.Helper()
	if !strings.HasPrefix(text, "<!DOCTYPE html>") {
		t.Errorf("the page begins with %.30q", text)
	}
	doc, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func walk(node *html.Node, visit func(*html.Node)) {
	visit(node)
	for child := range node.ChildNodes() {
		walk(child, visit)
	}
}

// find returns the elements of a name ("h1") or a class (".cell") in order.
func find(root *html.Node, what string) []*html.Node {
	var found []*html.Node
	class, isClass := strings.CutPrefix(what, ".")
	walk(root, func(n *html.Node) {
		classes := strings.Fields(attr(n, "class"))
		if n.Type == html.ElementNode && (n.Data == what || isClass && slices.Contains(classes, class)) {
			found = append(found, n)
		}
	})
	return found
}

func one(t *testing.T, root *html.Node, what string) *html.Node {
	t.Helper()
	found := find(root, what)
	if len(found) != 1 {
		t.Fatalf("%d elements %s, want 1", len(found), what)
	}
	return found[0]
}

func attr(node *html.Node, key string) string {
	for _, a := range node.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func hasAttribute(root *html.Node, key, value string) bool {
	has := false
	walk(root, func(n *html.Node) { has = has || attr(n, key) == value })
	return has
}

// text returns the text below node, without the source of formulas for screen readers.
func text(node *html.Node) string {
	var out strings.Builder
	var add func(*html.Node)
	add = func(n *html.Node) {
		if n.Type == html.TextNode {
			out.WriteString(n.Data)
		}
		for child := range n.ChildNodes() {
			if attr(child, "class") != "katex-html" {
				add(child)
			}
		}
	}
	add(node)
	return out.String()
}

var cssResource = regexp.MustCompile(`url\(\s*['"]?([^)]*)\)|@import`)

// checkPage reports what no page may have: things to fetch, duplicate ids, links to missing ids, pictures without text.
func checkPage(t *testing.T, doc *html.Node) {
	t.Helper()
	ids := map[string]bool{}
	walk(doc, func(n *html.Node) {
		id := attr(n, "id")
		if id != "" && ids[id] {
			t.Errorf("id %q is there twice", id)
		}
		ids[id] = true
		for _, key := range []string{"src", "srcset", "data", "poster", "background"} {
			if value := attr(n, key); value != "" && !strings.HasPrefix(value, "data:") {
				t.Errorf("<%s %s=%q> has to be fetched", n.Data, key, value)
			}
		}
		if n.Data == "link" && attr(n, "href") != "data:," {
			t.Errorf("link to %q has to be fetched", attr(n, "href"))
		}
		if n.Data == "img" && attr(n, "alt") == "" {
			t.Errorf("a picture without text: %.60s", attr(n, "src"))
		}
		checkStyles(t, attr(n, "style"))
		if n.Data == "style" && n.FirstChild != nil {
			checkStyles(t, n.FirstChild.Data)
		}
	})
	for _, link := range find(doc, "a") {
		if target, ok := strings.CutPrefix(attr(link, "href"), "#"); ok && !ids[target] {
			t.Errorf("link to #%s, which is not there", target)
		}
	}
}

func checkStyles(t *testing.T, css string) {
	t.Helper()
	for _, found := range cssResource.FindAllStringSubmatch(css, -1) {
		if !strings.HasPrefix(found[1], "data:") {
			t.Errorf("style fetches %s", found[0])
		}
	}
}
