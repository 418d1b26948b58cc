package kernelext

import (
	"errors"
	"strings"
	"testing"
)

func TestParam(t *testing.T) {
	for _, test := range []struct{ mode, params, want string }{
		{"", "", "2 0.5 a true"},
		{"quick", "", "2 0.5 a true"},
		{"full", "", "30 1.5 b false"},
		{"full", `{"n": 7, "x": 3, "s": "z", "b": true}`, "7 3 z true"},
		{"quick", `{"other": null}`, "2 0.5 a true"},
		{"fast", "", `! LECTURE_MODE is "fast", want quick or full`},
		{"", "[1]", "! want a JSON object"},
		{"", "null", "! want a JSON object"},
		{"", `{"n": 1} {}`, "! want a JSON object"},
		{"", `{"n": 1.5}`, `! parameter "n" is 1.5 in LECTURE_PARAMS, want a whole number`},
		{"", `{"n": "7"}`, "! want a whole number"},
		{"", `{"n": null}`, "! want a whole number"},
		{"", `{"x": "3"}`, "! want a number"},
		{"", `{"s": 3}`, "! want a string in quotes"},
		{"", `{"b": 1}`, "! want true or false"},
	} {
		f := newFake(toPipe)
		f.env["LECTURE_MODE"], f.env["LECTURE_PARAMS"] = test.mode, test.params
		n, err1 := param(f.frontend, "n", 2, 30)
		x, err2 := param(f.frontend, "x", 0.5, 1.5)
		s, err3 := param(f.frontend, "s", "a", "b")
		b, err4 := param(f.frontend, "b", true, false)
		got := cellText(n) + " " + cellText(x) + " " + s + " " + cellText(b)
		if err := errors.Join(err1, err2, err3, err4); err != nil {
			got = "! " + err.Error()
		}
		wanted, isError := strings.CutPrefix(test.want, "! ")
		if isError != strings.HasPrefix(got, "! ") || !strings.Contains(got, wanted) {
			t.Errorf("LECTURE_MODE=%s LECTURE_PARAMS=%s: %s, want %s", test.mode, test.params, got, test.want)
		}
	}
}
