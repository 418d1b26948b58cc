package gopls

import "testing"

func TestPlainText(t *testing.T) {
	for markdown, want := range map[string]string{
		"": "",
		"```go\nfunc f(x []*T) int\n```\n\nf is *not* `a*b`.":   "func f(x []*T) int\n\nf is not a*b.",
		"one\ntwo  \nthree\n\n\nfour":                           "one\ntwo\nthree\n\nfour",
		"# Head\n\ntext":                                        "Head\n\ntext",
		"- a\n- **b**\n\nend":                                   "- a\n- b\n\nend",
		"1\\. x\\_y &lt; &#955; `\\_`":                          "1. x_y < λ \\_",
		"[`strings` on pkg.go.dev](https://pkg.go.dev/strings)": "strings on pkg.go.dev",
		"see <https://go.dev>":                                  "see https://go.dev",
		"    x := 1\n    y":                                     "x := 1\ny",
		"a 😀 ж":                                                 "a 😀 ж",
	} {
		if got := plainText(markdown); got != want {
			t.Errorf("%q: %q, want %q", markdown, got, want)
		}
	}
}

func TestDocOfSignature(t *testing.T) {
	var help signatureHelp
	help.Signatures = append(help.Signatures, struct {
		Label         string `json:"label"`
		Documentation markup `json:"documentation"`
	}{"f(x int)", markup{"Does *it*."}})
	if doc := help.doc(); !doc.Found || doc.Text != "func f(x int)\n\nDoes it." {
		t.Errorf("%+v", doc)
	}
	for _, active := range []int{-1, 1} {
		if help.Active = active; help.doc().Found {
			t.Errorf("a signature of number %d", active)
		}
	}
}

func TestAtName(t *testing.T) {
	for marked, want := range map[string]bool{
		"|": false, "a|": true, "|a": true, "(|)": false, "ж|.": true, ". |": false, "_|": true, "1|": true, "f(|x)": true,
	} {
		code, cursor := cut(t, marked)
		if got := atName(code, cursor); got != want {
			t.Errorf("%q: %v", marked, got)
		}
	}
}
