package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strconv"
	"strings"
)

// goPassages returns the comments and the string literals of a Go file. A generated file has none.
func goPassages(source []byte) ([]passage, error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, "", source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	if ast.IsGenerated(file) {
		return nil, nil
	}
	docs := docComments(file)
	var passages []passage
	for _, group := range file.Comments {
		d, ok := docs[group]
		if !ok {
			d.kind = comment
		}
		passages = append(passages, commentPassages(files, group, d)...)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.BasicLit:
			if n.Kind == token.STRING {
				passages = append(passages, literal(n, files.Position(n.Pos()).Line)...)
			}
		}
		return true
	})
	return passages, nil
}

// documented says what a doc comment is about.
type documented struct {
	kind kind
	name string // that the comment must start with; "" for none
}

// docComments returns what the doc comments of a file are about.
func docComments(file *ast.File) map[*ast.CommentGroup]documented {
	docs := map[*ast.CommentGroup]documented{file.Doc: {kind: docOther}}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			docs[n.Doc] = documented{docFunc, exported(n.Name.Name)}
		case *ast.GenDecl:
			name := ""
			if t, ok := n.Specs[0].(*ast.TypeSpec); ok && len(n.Specs) == 1 {
				name = exported(t.Name.Name)
			}
			docs[n.Doc] = documented{docOther, name}
		case *ast.TypeSpec:
			docs[n.Doc] = documented{docOther, exported(n.Name.Name)}
		case *ast.ValueSpec:
			docs[n.Doc] = documented{kind: docOther}
		case *ast.Field:
			docs[n.Doc] = documented{kind: docOther}
			if _, method := n.Type.(*ast.FuncType); method {
				docs[n.Doc] = documented{kind: docFunc}
			}
		}
		return true
	})
	return docs
}

var testFunction = regexp.MustCompile(`^(Test|Example|Benchmark|Fuzz)`)

// exported returns name if it belongs to the documented API, else "".
func exported(name string) string {
	if !ast.IsExported(name) || testFunction.MatchString(name) {
		return ""
	}
	return name
}

// commentPassages returns the paragraphs of a comment, without its headings, code and directives. Only the first
// keeps the kind of a doc comment.
func commentPassages(files *token.FileSet, group *ast.CommentGroup, d documented) []passage {
	var passages []passage
	current := passage{kind: d.kind, name: d.name}
	flush := func() {
		if current.text != "" {
			passages = append(passages, current)
			d = documented{kind: comment}
		}
		current = passage{kind: d.kind, name: d.name}
	}
	for _, c := range group.List {
		line := files.Position(c.Pos()).Line
		for i, text := range strings.Split(uncomment(c.Text), "\n") {
			if isOutput(text) {
				flush()
				return passages
			}
			if isLayout(text) {
				flush()
				continue
			}
			current.add(line+i, text)
		}
	}
	flush()
	return passages
}

var directive = regexp.MustCompile(`^//(go:|line |export |[a-z]+:[a-z])`)

// uncomment returns the text of a comment; that of a directive is empty.
func uncomment(c string) string {
	if directive.MatchString(c) {
		return ""
	}
	if text, ok := strings.CutPrefix(c, "//"); ok {
		return text
	}
	return strings.TrimSuffix(strings.TrimPrefix(c, "/*"), "*/")
}

// isOutput reports whether the rest of a comment, from this line on, is the output of an example.
func isOutput(line string) bool {
	text := strings.ToLower(strings.TrimSpace(line))
	return strings.HasPrefix(text, "output:") || strings.HasPrefix(text, "unordered output:")
}

// isLayout reports whether a line of a comment separates paragraphs: it is blank, code or a heading.
func isLayout(line string) bool {
	text := strings.TrimSpace(line)
	return text == "" || strings.HasPrefix(line, "\t") || strings.HasPrefix(line, " \t") ||
		strings.HasPrefix(line, "  ") || strings.HasPrefix(text, "# ")
}

// literal returns the lines of a string literal of several words.
func literal(n *ast.BasicLit, line int) []passage {
	value, err := strconv.Unquote(n.Value)
	if err != nil || !strings.Contains(value, " ") {
		return nil
	}
	if !strings.HasPrefix(n.Value, "`") {
		p := passage{kind: text}
		p.add(line, value)
		return []passage{p}
	}
	var passages []passage
	current := passage{kind: text}
	for i, s := range strings.Split(value, "\n") {
		if strings.TrimSpace(s) == "" {
			passages, current = append(passages, current), passage{kind: text}
		}
		current.add(line+i, s)
	}
	return append(passages, current)
}
