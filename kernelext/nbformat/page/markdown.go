package page

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"

	"deeplearning.example/kernelext/nbformat"
)

// newMarkdown returns a parser of GitHub's dialect with footnotes and heading ids; prefix keeps footnotes of different
// cells apart.
func newMarkdown(prefix string) goldmark.Markdown {
	return goldmark.New(
		goldmark.WithExtensions(extension.GFM, extension.NewFootnote(extension.WithFootnoteIDPrefix(prefix))),
		goldmark.WithParserOptions(parser.WithHeadingAttribute()),
		goldmark.WithRendererOptions(html.WithUnsafe()),
	)
}

// Title returns the text of the notebook's first heading, its formulas as TeX; else the title in its metadata; else "".
func Title(nb *nbformat.Notebook) string {
	for _, cell := range nb.Cells {
		if cell.Type != nbformat.Markdown {
			continue
		}
		if title := firstHeading(cell.Source); title != "" {
			return title
		}
	}
	title, _ := nb.Metadata["title"].(string)
	return title
}

func firstHeading(markdown string) string {
	hiddenText, formulas := hideMath(markdown)
	source := []byte(hiddenText)
	document := newMarkdown("").Parser().Parse(text.NewReader(source))
	for node := document.FirstChild(); node != nil; node = node.NextSibling() {
		if node.Kind() != ast.KindHeading {
			continue
		}
		title := showMath(plainText(node, source), formulas, func(f formula) string { return f.tex })
		return strings.Join(strings.Fields(title), " ")
	}
	return ""
}

// plainText returns the text below a node of markdown.
func plainText(node ast.Node, source []byte) string {
	var out strings.Builder
	for child := node.FirstChild(); child != nil; child = child.NextSibling() {
		switch child := child.(type) {
		case *ast.Text:
			written := util.UnescapePunctuations(child.Segment.Value(source))
			out.Write(util.ResolveEntityNames(util.ResolveNumericReferences(written)))
			if child.SoftLineBreak() {
				out.WriteByte(' ')
			}
		case *ast.String:
			out.Write(child.Value)
		case *ast.RawHTML:
		default:
			out.WriteString(plainText(child, source))
		}
	}
	return out.String()
}

// markdown converts a markdown text to HTML. prefix is unique to the text; attachments are those of its cell; headings
// go into the table of contents when contents is true.
func (b *builder) markdown(text, prefix string, attachments map[string]any, contents bool) (string, error) {
	hiddenText, formulas := hideMath(text)
	var out bytes.Buffer
	if err := newMarkdown(prefix).Convert([]byte(hiddenText), &out); err != nil {
		return "", fmt.Errorf("page: %s: %w", strings.TrimSuffix(prefix, "-"), err)
	}
	f := fixer{builder: b, formulas: formulas, attachments: attachments, contents: contents}
	return f.fix(out.String())
}

// latex converts an output of type text/latex: formulas between text, or one formula without delimiters.
func (b *builder) latex(text string) (string, error) {
	hiddenText, formulas := hideMath(text)
	if len(formulas) == 0 {
		return b.math.html(formula{tex: text, display: true})
	}
	f := fixer{builder: b, formulas: formulas}
	return f.fix(escape(hiddenText))
}
