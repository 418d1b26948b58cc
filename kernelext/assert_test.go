package kernelext

import (
	"math"
	"strings"
	"testing"
)

func TestAssert(t *testing.T) {
	for _, test := range []struct {
		got, want, tolerance float64
		code                 int
	}{
		{1, 1.05, 0.1, -1}, {1, 1, 0, -1}, {1, 1.2, 0.1, exitAssert},
		{math.NaN(), 1, 10, exitAssert}, {math.Inf(1), math.Inf(1), 1, exitAssert}, {1, 1, math.NaN(), exitAssert},
	} {
		f := newFake(toTerminal)
		f.line("busy", true)
		f.run(func() { f.near("loss", test.got, test.want, test.tolerance) })
		if f.code != test.code {
			t.Errorf("%v: exit %d, want %d", test, f.code, test.code)
		}
		good := strings.Contains(f.out.String(), "\n✓ loss: got ")
		bad := strings.HasPrefix(f.errOut.String(), "✗ loss: got ")
		if good != (test.code == -1) || bad == good {
			t.Errorf("%v: stdout %q, stderr %q", test, f.out.String(), f.errOut.String())
		}
	}
}
