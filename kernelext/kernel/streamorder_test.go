package kernel_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestStreamOrder: text on stdout and stderr is published in the order in which the cell has printed it.
func TestStreamOrder(t *testing.T) {
	const pairs, most = 100, 20 // on a machine so busy that both pipes hold several lines when they are read
	k := start(t)
	for _, order := range [][2]string{{"stdout", "stderr"}, {"stderr", "stdout"}} {
		o := k.run(fmt.Sprintf("%%%%\nstdout, stderr := os.Stdout, os.Stderr\nfor i := range %d {\n\tfmt.Fprintln(%s, i)\n"+
			"\tfmt.Fprintln(%s, i)\n\ttime.Sleep(5 * time.Millisecond)\n}", pairs, order[0], order[1]))
		var printed strings.Builder
		for _, m := range o.messages {
			for line := range strings.Lines(m.text) {
				fmt.Fprintf(&printed, "%s %s", m.kind, line)
			}
		}
		inverted := 0
		for i := range pairs {
			first := strings.Index(printed.String(), fmt.Sprintf("%s %d\n", order[0], i))
			second := strings.Index(printed.String(), fmt.Sprintf("%s %d\n", order[1], i))
			if first < 0 || second < first {
				inverted++
			}
		}
		t.Logf("%v: %d of %d pairs are inverted", order, inverted, pairs)
		if inverted > most {
			t.Errorf("%v: %d of %d pairs are inverted, want %d at most", order, inverted, pairs, most)
		}
	}
}
