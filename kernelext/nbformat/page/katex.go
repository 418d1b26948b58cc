package page

import (
	"embed"
	"encoding/base64"
	"fmt"
	"html"
	"regexp"
	"strings"
	"sync"

	"github.com/dop251/goja"
)

// katexFiles are files of KaTeX 0.19.1 from its npm package: the script, the style sheet and the fonts.
//
//go:embed katex
var katexFiles embed.FS

// maxCalls limits KaTeX's recursion: enough for a formula of a few hundred nested braces.
const maxCalls = 10_000

// katexProgram is the script, compiled once.
var katexProgram = sync.OnceValues(func() (*goja.Program, error) {
	script, err := katexFiles.ReadFile("katex/katex.min.js")
	if err != nil {
		return nil, err
	}
	return goja.Compile("katex.min.js", string(script), false)
})

// typesetter typesets formulas with KaTeX. The zero value is ready; the engine starts at the first formula.
type typesetter struct {
	vm     *goja.Runtime
	render goja.Callable
	done   map[formula]string
	used   strings.Builder // all the HTML made so far: it shows which fonts are needed
}

// html returns the formula as HTML with MathML for screen readers. A formula that KaTeX does not understand is shown as
// its source, with KaTeX's message as tooltip.
func (t *typesetter) html(f formula) (string, error) {
	f.source = ""
	if made, ok := t.done[f]; ok {
		return made, nil
	}
	if err := t.start(); err != nil {
		return "", fmt.Errorf("page: starting KaTeX: %w", err)
	}
	options := map[string]any{"displayMode": f.display, "throwOnError": true, "strict": "ignore", "trust": false}
	value, err := t.render(goja.Undefined(), t.vm.ToValue(f.tex), t.vm.ToValue(options))
	made := ""
	if err != nil {
		made = fmt.Sprintf(`<code class="bad-math" title="%s">%s</code>`, html.EscapeString(complaint(err)),
			html.EscapeString(f.tex))
	} else {
		made = value.String()
	}
	t.done[f] = made
	t.used.WriteString(made)
	return made, nil
}

func (t *typesetter) start() error {
	if t.vm != nil {
		return nil
	}
	program, err := katexProgram()
	if err != nil {
		return err
	}
	vm := goja.New()
	vm.SetMaxCallStackSize(maxCalls)
	if _, err := vm.RunProgram(program); err != nil {
		return err
	}
	render, ok := goja.AssertFunction(vm.Get("katex").ToObject(vm).Get("renderToString"))
	if !ok {
		return fmt.Errorf("the script has no function katex.renderToString")
	}
	t.vm, t.render, t.done = vm, render, map[formula]string{}
	return nil
}

// complaint returns KaTeX's message without the name of the place in the script.
func complaint(err error) string {
	message, _, _ := strings.Cut(err.Error(), " at katex")
	return strings.TrimPrefix(message, "ParseError: ")
}

// fontMarkers maps a font to the class in KaTeX's HTML that needs it; "" means always.
var fontMarkers = map[string][]string{
	"Main-Regular":        {""},
	"Main-Bold":           {"mathbf", "textbf"},
	"Main-Italic":         {"mathit", "textit"},
	"Main-BoldItalic":     {"textit"},
	"Math-Italic":         {""},
	"Math-BoldItalic":     {"boldsymbol"},
	"AMS-Regular":         {"amsrm", "mathbb", "textbb"},
	"Caligraphic-Regular": {"mathcal"},
	"Fraktur-Regular":     {"mathfrak", "textfrak"},
	"Fraktur-Bold":        {"boldfrak"},
	"SansSerif-Regular":   {"mathsf", "textsf"},
	"SansSerif-Bold":      {"boldsf"},
	"SansSerif-Italic":    {"itsf", "mathsfit"},
	"Script-Regular":      {"mathscr", "textscr"},
	"Size1-Regular":       {"size1", "small-op"},
	"Size2-Regular":       {"size2", "large-op"},
	"Size3-Regular":       {"size3"},
	"Size4-Regular":       {"size4"},
	"Typewriter-Regular":  {"mathtt", "texttt"},
}

var fontFace = regexp.MustCompile(`@font-face\{[^}]*url\(fonts/KaTeX_([A-Za-z0-9-]+)\.woff2\)[^}]*\}`)
var fontSource = regexp.MustCompile(`src:[^;}]*`)

// css returns KaTeX's style sheet with the fonts that the formulas need; "" if there was no formula.
func (t *typesetter) css() (string, error) {
	if t.vm == nil {
		return "", nil
	}
	sheet, err := katexFiles.ReadFile("katex/katex.min.css")
	if err != nil {
		return "", err
	}
	css := fontFace.ReplaceAllStringFunc(string(sheet), func(face string) string {
		name := fontFace.FindStringSubmatch(face)[1]
		if !t.needs(name) {
			return ""
		}
		font, readErr := katexFiles.ReadFile("katex/fonts/KaTeX_" + name + ".woff2")
		if readErr != nil {
			err = readErr
		}
		source := `src:url(data:font/woff2;base64,` + base64.StdEncoding.EncodeToString(font) + `) format("woff2")`
		return fontSource.ReplaceAllLiteralString(face, source)
	})
	return css, err
}

func (t *typesetter) needs(font string) bool {
	for _, marker := range fontMarkers[font] {
		if strings.Contains(t.used.String(), marker) {
			return true
		}
	}
	return false
}
