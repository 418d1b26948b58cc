package run

import "testing"

func TestLastWords(t *testing.T) {
	for _, c := range []struct {
		name, stderr string
		want         diagnosis
	}{
		{"nothing said", "", diagnosis{message: "exit status 1"}},
		{"a message", "no data\nexit status 1\n", diagnosis{message: "exit status 1: no data"}},
		{"a failed check with its place", "✗ QE 7.10\n\t [[ Cell [26] Line 14 ]] main.go:145\nexit status 1\n",
			diagnosis{message: "exit status 1: ✗ QE 7.10", count: 26, line: 14}},
		{"a message that names a place", "see [[ Cell [2] Line 1 ]]\n", diagnosis{message: "exit status 1: see [[ Cell [2] Line 1 ]]"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := lastWords("exit status 1", c.stderr); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}
