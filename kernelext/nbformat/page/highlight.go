package page

import (
	"html"
	"path/filepath"
	"strings"

	"github.com/alecthomas/chroma/v2"
	"github.com/alecthomas/chroma/v2/lexers"
)

// highlight returns code in a language as HTML with chroma's classes; an unknown language is shown plain.
func highlight(language, code string) string {
	lexer := lexers.Get(language)
	if lexer == nil {
		return html.EscapeString(code)
	}
	tokens, err := chroma.Coalesce(lexer).Tokenise(&chroma.TokeniseOptions{State: "root", EnsureLF: false}, code)
	if err != nil {
		return html.EscapeString(code)
	}
	var out strings.Builder
	for token := tokens(); token != chroma.EOF; token = tokens() {
		text := html.EscapeString(token.Value)
		if class := coloured(token.Type); class != "" {
			text = `<span class="` + class + `">` + text + `</span>`
		}
		out.WriteString(text)
	}
	return out.String()
}

// coloured returns chroma's class for a kind of token, or "" for one that the style sheet shows plain.
func coloured(kind chroma.TokenType) string {
	switch {
	case kind.InCategory(chroma.Keyword), kind.InCategory(chroma.Literal), kind.InCategory(chroma.Comment):
		return chroma.StandardTypes[kind]
	case kind == chroma.NameFunction, kind == chroma.NameBuiltin, kind == chroma.NameClass, kind == chroma.NameTag,
		kind == chroma.NameDecorator, kind == chroma.NameVariable:
		return chroma.StandardTypes[kind]
	}
	return ""
}

// highlightCell returns a code cell's source as HTML. In Go cells, lines that start with % or ! are GoNB's commands.
// After %%bash, %%script and %%writefile the rest of the cell is not Go.
func highlightCell(language, source string) string {
	if language != "go" {
		return highlight(language, source)
	}
	var out, code strings.Builder
	flush := func() {
		out.WriteString(highlight(language, code.String()))
		code.Reset()
	}
	command := false // the previous line was a command that continues
	for line := range strings.Lines(source) {
		if language != "go" || !command && !isCommand(line) {
			code.WriteString(line)
			continue
		}
		flush()
		out.WriteString(highlightCommand(line))
		command = strings.HasSuffix(strings.TrimRight(line, "\r\n"), `\`)
		language = cellLanguage(line)
	}
	flush()
	return out.String()
}

func isCommand(line string) bool {
	line = strings.TrimPrefix(line, "//gonb:")
	return strings.HasPrefix(line, "%") || strings.HasPrefix(line, "!")
}

// highlightCommand shows the name of a command, and a shell command as such.
func highlightCommand(line string) string {
	if shell, ok := strings.CutPrefix(line, "!"); ok {
		return `<span class="magic">!</span>` + highlight("bash", shell)
	}
	name, rest := line, ""
	if i := strings.IndexAny(line, " \t\r\n"); i >= 0 {
		name, rest = line[:i], line[i:]
	}
	return `<span class="magic">` + html.EscapeString(name) + `</span><span class="arguments">` +
		html.EscapeString(rest) + `</span>`
}

// cellLanguage returns the language of the text after a command.
func cellLanguage(line string) string {
	words := strings.Fields(line)
	switch {
	case len(words) == 0:
		return "go"
	case words[0] == "%%bash", words[0] == "%%sh":
		return "bash"
	case words[0] == "%%script" && len(words) > 1:
		return filepath.Base(words[1])
	case words[0] == "%%writefile":
		return languageOfFile(words[len(words)-1])
	}
	return "go"
}

func languageOfFile(name string) string {
	if lexer := lexers.Match(name); lexer != nil {
		return lexer.Config().Name
	}
	return "plaintext"
}
