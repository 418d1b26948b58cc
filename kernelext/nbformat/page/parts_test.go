package page

import (
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"deeplearning.example/kernelext/nbformat"
)

func TestANSI(t *testing.T) {
	cases := []struct{ name, text, want string }{
		{"plain", "a<b\n", "a&lt;b\n"},
		{"colour", "\x1b[31mred\x1b[0m no", `<span class="f1">red</span> no`},
		{"markup", "\x1b[31m<b>\x1b[0m", `<span class="f1">&lt;b&gt;</span>`},
		{"short reset", "\x1b[1;4mx\x1b[my", `<span class="ab au">x</span>y`},
		{"bright and background", "\x1b[91;104mx", `<span class="f9 b12">x</span>`},
		{"off again", "\x1b[1;2;3;4;7;31;41mx\x1b[22;23;24;27;39;49my",
			`<span class="ab ad ai au as f1 b1">x</span>y`},
		{"256 colours", "\x1b[38;5;3ma\x1b[38;5;196mb\x1b[48;5;232mc",
			`<span class="f3">a</span><span style="color:#ff0000">b</span>` +
				`<span style="color:#ff0000;background:#080808">c</span>`},
		{"true colour", "\x1b[38;2;1;2;300mx", `<span style="color:#0102ff">x</span>`},
		{"colons", "\x1b[38:5:2mx", `<span class="f2">x</span>`},
		{"cut off", "\x1b[38;5mx\x1b[38mx", "xx"},
		{"evil number", "\x1b[38;5;\"><b>mx", "38;5;&#34;&gt;&lt;b&gt;mx"},
		{"over lines", "\x1b[32ma\nb\x1b[0m", "<span class=\"f2\">a</span>\n<span class=\"f2\">b</span>"},
		{"carriage return", " 10%\r 50%\r100%\n", "100%\n"},
		{"shorter line", "abcdef\rxy", "xycdef"},
		{"erased line", "abcdef\r\x1b[Kxy", "xy"},
		{"erased whole line", "abc\x1b[2K\rx", "x"},
		{"erased start", "abc\x1b[1Kd", "   d"},
		{"line ends of Windows", "a\r\nb\r\n", "a\nb\n"},
		{"backspace", "abc\b\bX\b", "aXc"},
		{"cursor and title", "\x1b[?25la\x1b]0;title\x07b\x1b[2Ac\x1b(Bd\x07", "abcd"},
		{"letters", "\x1b[31mé日\r", `<span class="f1">é日</span>`},
		{"lone escape", "a\x1b", "a"},
	}
	for _, c := range cases {
		if got := ansiHTML(c.text); got != c.want {
			t.Errorf("%s: ansiHTML(%q) =\n%s\nwant\n%s", c.name, c.text, got, c.want)
		}
	}
}

func FuzzANSI(f *testing.F) {
	f.Add("\x1b[31m<a>\x1b[0m\r\b\x1b[Kx\x1b]0;t\x07")
	tag := regexp.MustCompile(`</?span(?: class="[a-z0-9 ]+")?(?: style="[a-z#0-9:;]+")?>`)
	f.Fuzz(func(t *testing.T, text string) {
		if rest := tag.ReplaceAllString(ansiHTML(text), ""); strings.ContainsAny(rest, "<>") {
			t.Errorf("ansiHTML(%q) has other markup: %q", text, rest)
		}
	})
}

func TestHighlightCell(t *testing.T) {
	const kw, fn, str, magic, args = `<span class="kd">`, `<span class="nf">`, `<span class="s">`,
		`<span class="magic">`, `<span class="arguments">`
	const end = "</span>"
	cases := []struct{ name, language, source, want string }{
		{"go", "go", "func f() {}", kw + "func" + end + " " + fn + "f" + end + "() {}"},
		{"main", "go", "%%\nf()", magic + "%%" + end + args + "\n" + end + fn + "f" + end + "()"},
		{"command in between", "go", "f()\n%goflags \"-x\"\ng()", fn + "f" + end + "()\n" + magic + "%goflags" + end +
			args + " &#34;-x&#34;\n" + end + fn + "g" + end + "()"},
		{"command that continues", "go", "%args a \\\nf()\nf()", magic + "%args" + end + args + " a \\\n" + end + magic +
			"f()" + end + args + "\n" + end + fn + "f" + end + "()"},
		{"shell", "go", "!echo \"a\"\nf()", magic + "!" + end + `<span class="nb">echo</span> <span class="s2">` +
			"&#34;a&#34;" + end + "\n" + fn + "f" + end + "()"},
		{"bash cell", "go", "%%bash\n%x\necho a", magic + "%%bash" + end + args + "\n" + end + "%x\n" +
			`<span class="nb">echo</span> a`},
		{"file", "go", "%%writefile a.py\ndef f(): pass", magic + "%%writefile" + end + args + " a.py\n" + end +
			`<span class="k">def</span> <span class="nf">f</span>(): <span class="k">pass</span>`},
		{"per cent inside", "go", "x := 7 %\n\t2", "x := <span class=\"mi\">7</span> %\n\t<span class=\"mi\">2</span>"},
		{"python", "python", "!f", "!f"},
		{"unknown", "klingon", "a <b>", "a &lt;b&gt;"},
		{"string", "go", `"a"`, str + "&#34;a&#34;" + end},
		{"empty", "go", "", ""},
	}
	for _, c := range cases {
		if got := highlightCell(c.language, c.source); got != c.want {
			t.Errorf("%s: highlightCell(%q) =\n%s\nwant\n%s", c.name, c.source, got, c.want)
		}
		doc, err := html.Parse(strings.NewReader(highlightCell(c.language, c.source)))
		if err != nil || nodeText(doc) != c.source {
			t.Errorf("%s: the text is %q, want the source", c.name, nodeText(doc))
		}
	}
}

func TestRichestTypeIsShown(t *testing.T) {
	const svg = `<svg xmlns="http://www.w3.org/2000/svg"><rect/></svg>`
	data := func(mimes ...string) map[string]any {
		all := map[string]any{"text/html": "<i>h</i>", "text/markdown": "*m*", "text/latex": "$x$", "image/svg+xml": svg,
			"image/png": "iVBO\nRw0K\n", "image/jpeg": "/9j/", "text/plain": "p", "application/json": map[string]any{"a": 1},
			"application/vnd.plotly.v1+json": map[string]any{"b": 2}, "application/javascript": "alert(1)"}
		chosen := map[string]any{}
		for _, mime := range mimes {
			chosen[mime] = all[mime]
		}
		return chosen
	}
	cases := []struct {
		data map[string]any
		want string
	}{
		{data("text/html", "image/png", "text/plain"), `<div class="rich"><i>h</i></div>`},
		{data("text/markdown", "text/latex", "text/plain"), `<div class="text"><p><em>m</em></p>`},
		{data("text/latex", "image/png"), `<div class="text"><span class="katex">`},
		{data("image/svg+xml", "image/png", "text/plain"), `<img src="data:image/svg+xml;base64,PHN2Zy`},
		{data("image/png", "image/jpeg"), `<img src="data:image/png;base64,iVBORw0K" alt="Picture of cell 3">`},
		{data("image/jpeg", "text/plain"), `<img src="data:image/jpeg;base64,/9j/" alt="p">`},
		{data("text/plain", "application/json"), `<pre class="result">p</pre>`},
		{data("application/vnd.plotly.v1+json"), "<pre class=\"result\">{\n  &#34;b&#34;: 2\n}</pre>"},
		{data("application/javascript"), `<p class="note">Output of type application/javascript: shown in Jupyter only.</p>`},
		{data("application/javascript", "text/plain"), `<pre class="result">p</pre>`},
		{map[string]any{"image/png": "not base64!", "text/plain": "p"}, `<pre class="result">p</pre>`},
		{map[string]any{"image/svg+xml": "<svg><rect></svg>", "text/plain": "p"},
			`<div class="rich"><svg><rect></rect></svg>`},
		{map[string]any{"image/svg+xml": "<svg><rect/></svg>"}, `<img src="data:image/svg+xml;base64,PHN2ZyB4bWxucz0i`},
		{nil, ""},
	}
	for _, c := range cases {
		b := builder{ids: map[string]bool{}}
		got, err := b.output(3, &nbformat.Output{Type: nbformat.DisplayData, Data: c.data})
		if err != nil || !strings.HasPrefix(string(got), c.want) || c.want == "" && got != "" {
			t.Errorf("%v is shown as\n%.200s, %v\nwant\n%s…", c.data, got, err, c.want)
		}
	}
}

func TestWidthOfPictures(t *testing.T) {
	for _, metadata := range []map[string]any{{"width": 320}, {"image/png": map[string]any{"width": 320.0}}} {
		got, ok := pictureHTML(1, &nbformat.Output{Data: map[string]any{"image/png": "AAAA"}, Metadata: metadata})
		if !ok || !strings.Contains(string(got), ` width="320"`) {
			t.Errorf("metadata %v: %s", metadata, got)
		}
	}
}

func TestErrorText(t *testing.T) {
	for _, c := range []struct {
		traceback []string
		want      string
	}{
		{nil, "E: bad\n"},
		{[]string{"line 1", "E: \x1b[31mb\x1b[0mad"}, "line 1\nE: \x1b[31mb\x1b[0mad"},
		{[]string{"line 1"}, "E: bad\nline 1"},
	} {
		out := nbformat.Output{Type: nbformat.ErrorOutput, Ename: "E", Evalue: "bad", Traceback: c.traceback}
		if got := errorText(&out); got != c.want {
			t.Errorf("traceback %q: %q, want %q", c.traceback, got, c.want)
		}
	}
}

func TestLongOutputScrolls(t *testing.T) {
	if got := textBlock("stream", strings.Repeat("x\n", longOutput)); strings.Contains(string(got), "long") {
		t.Errorf("%d lines scroll", longOutput)
	}
	got := string(textBlock("stream", strings.Repeat("x\n", longOutput+1)))
	if !strings.HasPrefix(got, `<pre class="stream long" tabindex="0">`) {
		t.Errorf("%d lines do not scroll: %.60s", longOutput+1, got)
	}
}
