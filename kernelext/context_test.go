package kernelext

import (
	"context"
	"errors"
	"math"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
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
		f := newFake(placePipe)
		f.env["LECTURE_MODE"], f.env["LECTURE_PARAMS"] = test.mode, test.params
		n, err1 := param(f.session, "n", 2, 30)
		x, err2 := param(f.session, "x", 0.5, 1.5)
		s, err3 := param(f.session, "s", "a", "b")
		b, err4 := param(f.session, "b", true, false)
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

func TestAssert(t *testing.T) {
	for _, test := range []struct {
		got, want, tolerance float64
		code                 int
	}{
		{1, 1.05, 0.1, -1}, {1, 1, 0, -1}, {1, 1.2, 0.1, exitAssert},
		{math.NaN(), 1, 10, exitAssert}, {math.Inf(1), math.Inf(1), 1, exitAssert}, {1, 1, math.NaN(), exitAssert},
	} {
		f := newFake(placeTerminal)
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

func TestWatchSignals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		signals := make(chan os.Signal)
		var codes []int
		go watchSignals(signals, cancel, func(code int) { codes = append(codes, code) })
		signals <- os.Interrupt
		signals <- os.Interrupt // GoNB's own, right after the group's
		<-ctx.Done()
		if err := context.Cause(ctx); !errors.Is(err, ErrStopped) || !strings.Contains(err.Error(), "interrupt") {
			t.Errorf("cause %v", err)
		}
		time.Sleep(2 * signalPause)
		signals <- syscall.SIGPIPE // a print into a closed notebook is no second wish to stop
		synctest.Wait()
		if len(codes) != 0 {
			t.Errorf("exit %v, want none yet", codes)
		}
		signals <- os.Interrupt
		close(signals)
		synctest.Wait()
		if len(codes) != 1 || codes[0] != exitStopped {
			t.Errorf("exit %v, want %d", codes, exitStopped)
		}
	})
}

func TestWatchParent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		start := time.Now()
		parent := func() int {
			if time.Since(start) > 10*time.Second {
				return 1
			}
			return 77
		}
		go watchParent(parent, parentPoll, cancel)
		<-ctx.Done()
		if took := time.Since(start); took > 12*time.Second {
			t.Errorf("noticed after %v", took)
		}
		if err := context.Cause(ctx); !errors.Is(err, ErrStopped) || !strings.Contains(err.Error(), "process 77") {
			t.Errorf("cause %v", err)
		}
	})
}
