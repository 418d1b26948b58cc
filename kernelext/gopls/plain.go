package gopls

import (
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// plainText converts Markdown to plain text: blocks separated by empty lines, code as it is, no syntax.
func plainText(markdown string) string {
	source := []byte(markdown)
	p := plain{source: source}
	_ = ast.Walk(goldmark.DefaultParser().Parse(text.NewReader(source)), p.visit) // visit returns no error
	return strings.TrimSpace(p.out.String())
}

type plain struct {
	source []byte
	out    strings.Builder
}

func (p *plain) visit(n ast.Node, entering bool) (ast.WalkStatus, error) {
	if n.Type() == ast.TypeBlock {
		p.block(n, entering)
		return ast.WalkContinue, nil
	}
	if entering {
		p.inline(n)
	}
	return ast.WalkContinue, nil
}

func (p *plain) block(n ast.Node, entering bool) {
	switch n := n.(type) {
	case *ast.FencedCodeBlock, *ast.CodeBlock, *ast.HTMLBlock:
		if entering {
			p.raw(n)
		}
	case *ast.ListItem:
		if entering {
			p.out.WriteString("- ")
		}
	case *ast.TextBlock:
		if !entering {
			p.out.WriteByte('\n')
		}
	case *ast.List:
		if !entering {
			p.out.WriteByte('\n')
		}
	case *ast.Paragraph, *ast.Heading:
		if !entering {
			p.out.WriteString("\n\n")
		}
	}
}

// raw writes the lines of a block as they are.
func (p *plain) raw(n ast.Node) {
	for i := range n.Lines().Len() {
		line := n.Lines().At(i)
		p.out.Write(line.Value(p.source))
	}
	p.out.WriteByte('\n')
}

func (p *plain) inline(n ast.Node) {
	switch n := n.(type) {
	case *ast.Text:
		value := n.Value(p.source)
		if n.Parent().Kind() != ast.KindCodeSpan {
			value = unescape(value)
		}
		p.out.Write(value)
		if n.SoftLineBreak() || n.HardLineBreak() {
			p.out.WriteByte('\n')
		}
	case *ast.String:
		p.out.Write(n.Value)
	case *ast.AutoLink:
		p.out.Write(n.URL(p.source))
	}
}

// unescape removes backslashes and character references from text.
func unescape(value []byte) []byte {
	return util.ResolveEntityNames(util.ResolveNumericReferences(util.UnescapePunctuations(value)))
}
