package page

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// fixer turns HTML that came from markdown into a part of the page. It closes open elements, typesets formulas,
// highlights code, sets ids of headings, and embeds pictures.
type fixer struct {
	*builder
	formulas    []formula
	attachments map[string]any
	contents    bool // add headings to the table of contents
	err         error
}

// balanced returns a fragment of HTML with each element closed, so that it cannot break the page around it.
func balanced(fragment string) (string, error) {
	return renderNodes(parseFragment(fragment))
}

// parseFragment parses any HTML as a browser does. HTML that is nested hundreds of elements deep is returned as text.
func parseFragment(fragment string) []*html.Node {
	nodes, err := html.ParseFragment(strings.NewReader(fragment), element("div"))
	if err != nil {
		block := element("pre")
		block.AppendChild(&html.Node{Type: html.TextNode, Data: fragment})
		return []*html.Node{block}
	}
	return nodes
}

func renderNodes(nodes []*html.Node) (string, error) {
	var out strings.Builder
	for _, node := range nodes {
		if err := html.Render(&out, node); err != nil {
			return "", fmt.Errorf("page: writing HTML: %w", err)
		}
	}
	return out.String(), nil
}

func (f *fixer) fix(fragment string) (string, error) {
	root := element("div")
	for _, node := range parseFragment(fragment) {
		root.AppendChild(node)
	}
	f.children(root, false)
	if f.err != nil {
		return "", f.err
	}
	return renderNodes(slices.Collect(root.ChildNodes()))
}

// children fixes the nodes below node; inside code, formulas are shown as they were written.
func (f *fixer) children(node *html.Node, code bool) {
	for _, child := range slices.Collect(node.ChildNodes()) {
		switch child.Type {
		case html.TextNode:
			f.text(child, code)
		case html.CommentNode:
			node.RemoveChild(child)
		case html.ElementNode:
			f.element(child, code)
		}
	}
}

func (f *fixer) element(node *html.Node, code bool) {
	for i := range node.Attr {
		node.Attr[i].Val = showMath(node.Attr[i].Val, f.formulas, source)
	}
	switch node.DataAtom {
	case atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6:
		f.heading(node)
		return
	case atom.Img:
		f.image(node)
	case atom.Table:
		wrap(node, "div", "table")
	case atom.Pre, atom.Code, atom.Script, atom.Style, atom.Textarea:
		code = true
	}
	f.children(node, code)
	if node.DataAtom == atom.Code && node.Parent.DataAtom == atom.Pre {
		highlightNode(node)
	}
}

// text inserts the formulas into a text.
func (f *fixer) text(node *html.Node, code bool) {
	if !strings.ContainsRune(node.Data, mark) {
		return
	}
	if code {
		node.Data = showMath(node.Data, f.formulas, source)
		return
	}
	node.Type = html.RawNode
	node.Data = showMath(escape(node.Data), f.formulas, f.set)
}

func (f *fixer) set(formula formula) string {
	made, err := f.math.html(formula)
	if err != nil && f.err == nil {
		f.err = err
	}
	return made
}

func source(f formula) string { return f.source }

// highlightNode colours the code in <pre><code class="language-…">.
func highlightNode(code *html.Node) {
	language, ok := strings.CutPrefix(attribute(code, "class"), "language-")
	if !ok || code.FirstChild == nil || code.FirstChild.Type != html.TextNode {
		return
	}
	code.FirstChild.Data = highlightCell(strings.ToLower(language), code.FirstChild.Data)
	code.FirstChild.Type = html.RawNode
	setAttribute(code, "class", "hl")
}

// heading sets the heading's id and a link to itself, and adds it to the table of contents.
func (f *fixer) heading(node *html.Node) {
	title := strings.TrimSpace(showMath(nodeText(node), f.formulas, func(f formula) string { return f.tex }))
	f.children(node, false)
	if title == "" {
		return
	}
	id := f.newID(attribute(node, "id"), title)
	setAttribute(node, "id", id)
	if f.contents {
		level := int(node.Data[1] - '0')
		f.headings = append(f.headings, heading{Level: level, ID: id, HTML: inlineHTML(node)})
	}
	link := element("a")
	link.Attr = []html.Attribute{{Key: "class", Val: "anchor"}, {Key: "href", Val: "#" + id},
		{Key: "aria-label", Val: "Link to this section"}}
	link.AppendChild(&html.Node{Type: html.TextNode, Data: "#"})
	node.AppendChild(link)
}

// newID returns an id that no other heading has: wanted, or made of the title as Jupyter makes it, so that links to
// sections work here as there.
func (b *builder) newID(wanted, title string) string {
	if wanted == "" {
		wanted = strings.Join(strings.Fields(title), "-")
	}
	id := wanted
	for n := 2; b.ids[id]; n++ {
		id = fmt.Sprintf("%s-%d", wanted, n)
	}
	b.ids[id] = true
	return id
}

// image embeds the picture of an <img> in the page: an attachment of the cell, or a file beside the notebook. A picture
// in the network, or a missing one, becomes a link.
func (f *fixer) image(node *html.Node) {
	address := attribute(node, "src")
	data, ok := "", strings.HasPrefix(address, "data:")
	if ok {
		return
	}
	if name, isAttachment := strings.CutPrefix(address, "attachment:"); isAttachment {
		data, ok = attachment(f.attachments, name)
	} else if f.opts.Files != nil {
		data, ok = fileData(f.opts.Files, address)
	}
	if ok {
		setAttribute(node, "src", data)
		return
	}
	text := attribute(node, "alt")
	if text == "" {
		text = address
	}
	node.Data, node.DataAtom = "a", atom.A
	node.Attr = []html.Attribute{{Key: "href", Val: address}}
	node.AppendChild(&html.Node{Type: html.TextNode, Data: text})
}
