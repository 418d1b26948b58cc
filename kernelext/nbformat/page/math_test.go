package page

import (
	"strings"
	"testing"
)

func TestHideMath(t *testing.T) {
	// In want, ⟨…⟩ is an inline formula and ⟦…⟧ a displayed one.
	cases := []struct{ name, markdown, want string }{
		{"inline", "a $x^2$ b", "a ⟨x^2⟩ b"},
		{"two", "$a$ and $b$", "⟨a⟩ and ⟨b⟩"},
		{"emphasis inside", "$a_1 * b_2 * c_3$", "⟨a_1 * b_2 * c_3⟩"},
		{"html inside", "$a < b > c & d$", "⟨a < b > c & d⟩"},
		{"display", "$$\nx\n$$", "⟦\nx\n⟧"},
		{"display in text", "a $$x$$ b", "a ⟦x⟧ b"},
		{"dollar inside display", "$$x \\text{ if $y$}$$", "⟦x \\text{ if $y$}⟧"},
		{"list mark inside", "$$\na\n- b\n$$\n- item", "⟦\na\n- b\n⟧\n- item"},
		{"parentheses", `a \(x\) b`, "a ⟨x⟩ b"},
		{"brackets", `\[x_1\]`, "⟦x_1⟧"},
		{"Jupyter's double backslash", `\\(x\\) \\[y\\]`, "⟨x⟩ ⟦y⟧"},
		{"environment", "\\begin{align}\na &= b \\\\\nc\n\\end{align}", "⟦\\begin{align}\na &= b \\\\\nc\n\\end{align}⟧"},
		{"unknown environment", "\\begin{itemize}\\end{itemize}", "\\begin{itemize}\\end{itemize}"},
		{"row of a matrix", `$\begin{pmatrix}a\\[2pt]b\end{pmatrix}$`, `⟨\begin{pmatrix}a\\[2pt]b\end{pmatrix}⟩`},
		{"table", "| $p(x|z)$ | b |", "| ⟨p(x|z)⟩ | b |"},
		{"quotation", "> $$\n> x\n> > y\n> $$", "> ⟦\nx\ny\n⟧"},
		{"prices", "$5 and $10 or $x", "$5 and $10 or $x"},
		{"digit behind", "$a$1", "$a$1"},
		{"spaces inside", "$ x $ and $y $", "$ x $ and $y $"},
		{"escaped", `\$x$ and $y\$z$`, `\$x$ and ⟨y\$z⟩`},
		{"escaped backslash", `\\$x$`, `\\⟨x⟩`},
		{"empty", "$$$$ $ $", "$$$$ $ $"},
		{"not closed", "$$x and $y", "$$x and $y"},
		{"paragraph ends", "$x\n\ny$", "$x\n\ny$"},
		{"paragraph of a quotation ends", "> $x\n>\n> y$", "> $x\n>\n> y$"},
		{"paragraph ends in display", "$$x\n \ny$$", "$$x\n \ny$$"},
		{"two lines", "$x\ny$", "⟨x\ny⟩"},
		{"code", "`$x$` $y$", "`$x$` ⟨y⟩"},
		{"long code", "``a ` $x$`` $y$", "``a ` $x$`` ⟨y⟩"},
		{"code not closed", "`$x$", "`⟨x⟩"},
		{"no formula around code", "$a `b$c`", "$a `b$c`"},
		{"fence", "```go\n$x$\n```\n$y$", "```go\n$x$\n```\n⟨y⟩"},
		{"fence of tildes", "~~~~\n$x$\n~~~\n~~~~\n$y$", "~~~~\n$x$\n~~~\n~~~~\n⟨y⟩"},
		{"fence in a list", "- a\n  ```\n  $x$\n  ```\n  $y$", "- a\n  ```\n  $x$\n  ```\n  ⟨y⟩"},
		{"fence not closed", "```\n$x$", "```\n$x$"},
		{"fence is the last line", "```\n$x$\n```", "```\n$x$\n```"},
		{"letters of the mark", "\ue0000\ue001 $x$", "\ufffd0\ufffd ⟨x⟩"},
		{"letters", "é$ü$ß", "é⟨ü⟩ß"},
		{"end of text", `\`, `\`},
		{"dollar at the end", "a $", "a $"},
	}
	for _, c := range cases {
		hiddenText, formulas := hideMath(c.markdown)
		got := showMath(hiddenText, formulas, func(f formula) string {
			if f.display {
				return "⟦" + f.tex + "⟧"
			}
			return "⟨" + f.tex + "⟩"
		})
		if got != c.want {
			t.Errorf("%s: hideMath(%q) finds\n%q, want\n%q", c.name, c.markdown, got, c.want)
		}
		written := showMath(hiddenText, formulas, source)
		if written != c.markdown && c.name != "letters of the mark" {
			t.Errorf("%s: shown as written: %q, want %q", c.name, written, c.markdown)
		}
	}
}

func FuzzHideMath(f *testing.F) {
	f.Add("a $x$ `b` $$c$$")
	f.Add("```\n$\n```")
	f.Add("> $$\n> x\n> $$")
	f.Add(`\[ \\( \begin{align}`)
	f.Add("$\xff$ \\\xff")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.ContainsAny(text, string(mark)+string(endMark)) {
			return
		}
		hiddenText, formulas := hideMath(text)
		if got := showMath(hiddenText, formulas, source); got != text {
			t.Errorf("hidden and shown again: %q, want %q", got, text)
		}
	})
}

func TestFormulasAreSet(t *testing.T) {
	var b builder
	b.ids = map[string]bool{}
	cases := []struct {
		markdown string
		want     []string
		not      string
	}{
		{"*a* $x_1 * y_2 * z$", []string{`<em>a</em> <span class="katex">`, `x_1 * y_2 * z</annotation>`}, "display"},
		{"$$\\frac12$$", []string{`<span class="katex-display">`, `class="mfrac"`, "<mfrac>"}, "bad-math"},
		{"| $p(x|z)$ | b |\n|--|--|\n| c | $d$ |", []string{`p(x|z)</annotation>`, "<td>c</td>", "d</annotation>"}, "$"},
		{"$\\frac{1$", []string{`<code class="bad-math" title="KaTeX parse error: `, `\frac{1</code>`}, "katex-html"},
		{"$\\href{javascript:alert(1)}{x}$", []string{"katex"}, "href="},
		{"    $x$ stays", []string{"<code>$x$ stays"}, "katex"},
		{"![$x$](attachment:y \"$z$\")", []string{`<a href="attachment:y">$x$</a>`}, "katex"},
		{"<b title=\"$x$\">$y$</b>", []string{`<b title="$x$">`, "y</annotation>"}, "x</annotation>"},
		{"a <!-- $x$ --> b", []string{"a  b"}, "x"},
		{"# On $x$", []string{`<h1 id="On-x">On <span class="katex">`}, "mark"},
	}
	for _, c := range cases {
		got, err := b.markdown(c.markdown, "t-", nil, true)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range c.want {
			if !strings.Contains(got, want) {
				t.Errorf("%q gives\n%s\nwithout %s", c.markdown, got, want)
			}
		}
		if strings.Contains(got, c.not) || strings.ContainsRune(got, mark) {
			t.Errorf("%q gives\n%s\nwith %s", c.markdown, got, c.not)
		}
	}
}

func TestLatexOutputs(t *testing.T) {
	var b builder
	for text, want := range map[string]string{
		`$\frac12$`:            `<span class="katex">`,
		`\frac12`:              `<span class="katex-display">`,
		`$$x$$`:                `<span class="katex-display">`,
		`if $x$ & <b>then</b>`: `if <span class="katex">`,
	} {
		got, err := b.latex(text)
		if err != nil || !strings.HasPrefix(got, want) || strings.Contains(got, "<b>") {
			t.Errorf("latex(%q) = %s, %v, want %s…", text, got, err, want)
		}
	}
}

func TestFontsAsNeeded(t *testing.T) {
	fonts := func(tex string) string {
		var set typesetter
		if tex != "" {
			if _, err := set.html(formula{tex: tex}); err != nil {
				t.Fatal(err)
			}
		}
		css, err := set.css()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(css, "fonts/") {
			t.Errorf("%s: the style sheet names font files", tex)
		}
		var names []string
		for _, face := range strings.SplitAfter(css, "}") {
			if strings.HasPrefix(face, "@font-face") && strings.Contains(face, "src:url(data:font/woff2;base64,") {
				_, name, _ := strings.Cut(face, "font-family:")
				names = append(names, strings.TrimPrefix(strings.SplitN(name, ";", 2)[0], "KaTeX_"))
			}
		}
		return strings.Join(names, " ")
	}
	for tex, want := range map[string]string{
		"":                  "",
		"x":                 "Main Math",
		`\mathfrak g`:       "Fraktur Main Math",
		`\mathbb R`:         "AMS Main Math",
		`\mathcal L \sum x`: "Caligraphic Main Math Size1",
		`\mathbf x`:         "Main Main Math",
	} {
		if got := fonts(tex); got != want {
			t.Errorf("%s needs fonts %q, want %q", tex, got, want)
		}
	}
}

func TestEveryFontIsThere(t *testing.T) {
	sheet, err := katexFiles.ReadFile("katex/katex.min.css")
	if err != nil {
		t.Fatal(err)
	}
	faces := fontFace.FindAllStringSubmatch(string(sheet), -1)
	if len(faces) != len(fontMarkers)+1 {
		t.Errorf("the style sheet has %d fonts, want %d and one unused", len(faces), len(fontMarkers))
	}
	for _, face := range faces {
		_, err := katexFiles.ReadFile("katex/fonts/KaTeX_" + face[1] + ".woff2")
		if _, known := fontMarkers[face[1]]; known != (err == nil) {
			t.Errorf("font %s: has markers: %v, file: %v", face[1], known, err)
		}
	}
}
