package page

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

func escape(text string) string { return html.EscapeString(text) }

// element returns a new element without attributes.
func element(name string) *html.Node {
	return &html.Node{Type: html.ElementNode, Data: name, DataAtom: atom.Lookup([]byte(name))}
}

func attribute(node *html.Node, key string) string {
	for _, attr := range node.Attr {
		if attr.Namespace == "" && attr.Key == key {
			return attr.Val
		}
	}
	return ""
}

func setAttribute(node *html.Node, key, value string) {
	for i := range node.Attr {
		if node.Attr[i].Namespace == "" && node.Attr[i].Key == key {
			node.Attr[i].Val = value
			return
		}
	}
	node.Attr = append(node.Attr, html.Attribute{Key: key, Val: value})
}

// wrap puts a new element of a class around node.
func wrap(node *html.Node, name, class string) {
	around := element(name)
	setAttribute(around, "class", class)
	node.Parent.InsertBefore(around, node)
	node.Parent.RemoveChild(node)
	around.AppendChild(node)
}

// nodeText returns the text below node.
func nodeText(node *html.Node) string {
	if node.Type == html.TextNode {
		return node.Data
	}
	var out strings.Builder
	for child := range node.ChildNodes() {
		out.WriteString(nodeText(child))
	}
	return out.String()
}

// inlineHTML returns the content of node with its formulas and emphasis, but without links, ids and pictures, so that
// it can be put inside a link.
func inlineHTML(node *html.Node) string {
	var out strings.Builder
	for child := range node.ChildNodes() {
		switch child.Type {
		case html.TextNode:
			out.WriteString(escape(child.Data))
		case html.RawNode:
			out.WriteString(child.Data)
		case html.ElementNode:
			out.WriteString(inlineElement(child))
		}
	}
	return out.String()
}

func inlineElement(node *html.Node) string {
	switch node.DataAtom {
	case atom.Em, atom.Strong, atom.Code, atom.Sub, atom.Sup, atom.I, atom.B:
		return "<" + node.Data + ">" + inlineHTML(node) + "</" + node.Data + ">"
	}
	return inlineHTML(node)
}
