package page

import (
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strings"

	"deeplearning.example/kernelext/nbformat"
)

// longOutput is the number of lines from which a text output scrolls inside a box.
const longOutput = 40

// output returns one output of cell number n as HTML.
func (b *builder) output(n int, out *nbformat.Output) (template.HTML, error) {
	switch out.Type {
	case nbformat.Stream:
		class := "stream"
		if out.Name == "stderr" {
			class = "stream stderr"
		}
		return textBlock(class, out.Text), nil
	case nbformat.ErrorOutput:
		return textBlock("error", errorText(out)), nil
	case nbformat.DisplayData, nbformat.ExecuteResult:
		return b.display(n, out)
	}
	return template.HTML(`<p class="note">Output of unknown type ` + escape(out.Type) + `.</p>`), nil
}

// textBlock returns a terminal's text as HTML.
func textBlock(class, text string) template.HTML {
	text = strings.TrimRight(text, "\r\n")
	attributes := ""
	if strings.Count(text, "\n") >= longOutput {
		class += " long"
		attributes = ` tabindex="0"`
	}
	return template.HTML(`<pre class="` + class + `"` + attributes + `>` + ansiHTML(text) + "</pre>")
}

// errorText returns the traceback, preceded by the error's name and value if the traceback does not contain them.
func errorText(out *nbformat.Output) string {
	traceback := strings.Join(out.Traceback, "\n")
	if traceback != "" && strings.Contains(controls.ReplaceAllString(traceback, ""), out.Evalue) {
		return traceback
	}
	return out.Ename + ": " + out.Evalue + "\n" + traceback
}

// display shows the richest type of a bundle that a page can show.
func (b *builder) display(n int, out *nbformat.Output) (template.HTML, error) {
	if text, ok := out.Data["text/html"].(string); ok {
		made, err := balanced(text)
		return template.HTML(`<div class="rich">` + made + `</div>`), err
	}
	if text, ok := out.Data["text/markdown"].(string); ok {
		b.texts++
		made, err := b.markdown(text, fmt.Sprintf("output%d-", b.texts), nil, false)
		return template.HTML(`<div class="text">` + made + `</div>`), err
	}
	if text, ok := out.Data["text/latex"].(string); ok {
		made, err := b.latex(text)
		return template.HTML(`<div class="text">` + made + `</div>`), err
	}
	if picture, ok := pictureHTML(n, out); ok {
		return picture, nil
	}
	return b.plain(out)
}

// pictureHTML returns the richest picture of an output, with its text form as alternative text for people who cannot
// see it.
func pictureHTML(n int, out *nbformat.Output) (template.HTML, bool) {
	for _, kind := range imageTypes {
		address, ok := pictureURL(kind.mime, out.Data[kind.mime])
		if !ok {
			continue
		}
		alt, _ := out.Data["text/plain"].(string)
		if strings.TrimSpace(alt) == "" {
			alt = fmt.Sprintf("Picture of cell %d", n)
		}
		return template.HTML(fmt.Sprintf(`<img src="%s" alt="%s"%s>`, address, escape(alt), width(out, kind.mime))), true
	}
	return "", false
}

// width returns the width in pixels at which a picture should be shown (metadata of the output, or of its type).
func width(out *nbformat.Output, mime string) string {
	of, _ := out.Metadata[mime].(map[string]any)
	for _, value := range []any{of["width"], out.Metadata["width"]} {
		switch value.(type) {
		case json.Number, int, float64:
			return fmt.Sprintf(` width="%v"`, value)
		}
	}
	return ""
}

// plain shows outputs without a richer form: damaged SVG as HTML, text, JSON, or a note that there is nothing to show.
func (b *builder) plain(out *nbformat.Output) (template.HTML, error) {
	if text, ok := out.Data["image/svg+xml"].(string); ok {
		made, err := balanced(text)
		return template.HTML(`<div class="rich">` + made + `</div>`), err
	}
	if text, ok := out.Data["text/plain"].(string); ok {
		return textBlock("result", text), nil
	}
	mimes := slices.Sorted(maps.Keys(out.Data))
	for _, mime := range mimes {
		if !nbformat.IsJSON(mime) {
			continue
		}
		text, err := json.MarshalIndent(out.Data[mime], "", "  ")
		if err != nil {
			return "", fmt.Errorf("page: output of type %s: %w", mime, err)
		}
		return textBlock("result", string(text)), nil
	}
	if len(mimes) == 0 {
		return "", nil
	}
	return template.HTML(`<p class="note">Output of type ` + escape(strings.Join(mimes, ", ")) +
		`: shown in Jupyter only.</p>`), nil
}
