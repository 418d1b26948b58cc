package page

import (
	"cmp"
	"embed"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"slices"
	"time"

	"deeplearning.example/kernelext/nbformat"
)

//go:embed page.html index.html style.css
var files embed.FS

// Options says what a page shows beside the notebook. The zero value is fine.
type Options struct {
	// Title is the title of the page; default: the notebook's first heading, else "Notebook"; for an index "Notebooks".
	Title string
	// Lang is the language of the text as a BCP 47 tag; default "en".
	Lang string
	// Index is the address of the index, for a link back; default: no link.
	Index string
	// Source is the address of the notebook's .ipynb file, for a link to it; default: no link.
	Source string
	// Note is a short line at the head of the page, such as "quick mode, 1 min 52 s, 2 cores".
	Note string
	// Files is the folder of the notebook, from which pictures of the text are embedded in the page; nil embeds none.
	Files fs.FS
	// Refresh is the time after which a browser loads an index again, in whole seconds; 0: never.
	Refresh time.Duration
}

// builder makes the parts of one page.
type builder struct {
	opts     Options
	language string
	math     typesetter
	ids      map[string]bool
	headings []heading
	texts    int // markdown outputs so far
}

// heading is an entry of the table of contents.
type heading struct {
	Level    int
	ID, HTML string
}

// cellView is a cell as the template shows it.
type cellView struct {
	ID             string
	Type           string
	HTML           template.HTML // markdown or source
	Count          *int
	Outputs        []template.HTML
	Hidden, Folded bool // source or outputs are hidden until a click
}

// Render writes the notebook as one self-contained HTML page. Errors are those of w, and of data that HTML cannot hold.
func Render(w io.Writer, nb *nbformat.Notebook, opts Options) error {
	b := builder{opts: opts, language: language(nb), ids: map[string]bool{}}
	for i := range nb.Cells {
		b.ids[cellID(i+1)] = true
	}
	var cells []cellView
	for i, cell := range nb.Cells {
		view, err := b.cell(i+1, cell)
		if err != nil {
			return fmt.Errorf("page: cell %d: %w", i+1, err)
		}
		cells = append(cells, view)
	}
	mathCSS, err := b.math.css()
	if err != nil {
		return fmt.Errorf("page: fonts of KaTeX: %w", err)
	}
	title := cmp.Or(opts.Title, Title(nb), "Notebook")
	return execute(w, "page.html", map[string]any{
		"Lang": cmp.Or(opts.Lang, "en"), "Title": title, "Options": opts, "MathCSS": template.CSS(mathCSS),
		"Contents": contents(b.headings), "Cells": cells, "Headless": b.headless(),
	})
}

// execute runs one of the templates, with the style sheet.
func execute(w io.Writer, name string, data map[string]any) error {
	css, err := files.ReadFile("style.css")
	if err != nil {
		return fmt.Errorf("page: %w", err)
	}
	functions := template.FuncMap{"html": func(text string) template.HTML { return template.HTML(text) }}
	t, err := template.New(name).Funcs(functions).ParseFS(files, name)
	if err != nil {
		return fmt.Errorf("page: %w", err)
	}
	data["CSS"] = template.CSS(css)
	if err := t.Execute(w, data); err != nil {
		return fmt.Errorf("page: %w", err)
	}
	return nil
}

// language returns the name of the language of the code cells, for highlighting.
func language(nb *nbformat.Notebook) string {
	info, _ := nb.Metadata["language_info"].(map[string]any)
	spec, _ := nb.Metadata["kernelspec"].(map[string]any)
	ofInfo, _ := info["name"].(string)
	ofSpec, _ := spec["language"].(string)
	return cmp.Or(ofInfo, ofSpec, "go")
}

// headless reports whether the notebook lacks a heading, so that the page must add one.
func (b *builder) headless() bool {
	isTitle := func(h heading) bool { return h.Level == 1 }
	return len(b.headings) == 0 || b.opts.Title != "" && !slices.ContainsFunc(b.headings, isTitle)
}

// contents returns the headings for the table of contents: three levels, without the title if it is the only heading of
// its level. Levels count from 1 again.
func contents(headings []heading) []heading {
	count := map[int]int{}
	for _, h := range headings {
		count[h.Level]++
	}
	top := 1
	for top < 6 && count[top] < 2 {
		top++
	}
	var chosen []heading
	for _, h := range headings {
		if level := h.Level - top + 1; level >= 1 && level <= 3 {
			chosen = append(chosen, heading{level, h.ID, h.HTML})
		}
	}
	return chosen
}

// cellID returns the anchor in the page of cell number n.
func cellID(n int) string { return fmt.Sprintf("cell-%d", n) }

func (b *builder) cell(n int, cell *nbformat.Cell) (cellView, error) {
	view := cellView{ID: cellID(n), Type: cell.Type, Count: cell.ExecutionCount}
	jupyter, _ := cell.Metadata["jupyter"].(map[string]any)
	view.Hidden, _ = jupyter["source_hidden"].(bool)
	view.Folded, _ = jupyter["outputs_hidden"].(bool)
	switch cell.Type {
	case nbformat.Markdown:
		made, err := b.markdown(cell.Source, fmt.Sprintf("note%d-", n), cell.Attachments, true)
		view.HTML = template.HTML(made)
		return view, err
	case nbformat.Code:
		view.HTML = template.HTML(highlightCell(b.language, cell.Source))
	default:
		view.HTML = template.HTML(escape(cell.Source))
	}
	for i := range cell.Outputs {
		output, err := b.output(n, &cell.Outputs[i])
		if err != nil {
			return view, fmt.Errorf("output %d: %w", i+1, err)
		}
		if output != "" {
			view.Outputs = append(view.Outputs, output)
		}
	}
	return view, nil
}
