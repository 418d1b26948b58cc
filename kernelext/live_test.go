package kernelext

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestCurveThins: of many points the curve keeps a bounded number and loses no extreme and no mean.
func TestCurveThins(t *testing.T) {
	f := newFake(toPipe)
	c := f.newCurve("c", []string{"a", "b"})
	const n = 99_999 // odd: nothing may be lost at the end
	sum := 0.0
	for i := range n {
		v := math.Sin(float64(i))
		switch i {
		case 70_001:
			v = 1000
		case 70_002:
			v = -1000
		}
		sum += v
		c.Add(i, v, 3)
	}
	if got := len(c.points); got > 2*maxPoints || got < maxPoints/2 {
		t.Errorf("%d points kept", got)
	}
	count, mean, low, high := 0, 0.0, math.Inf(1), math.Inf(-1)
	for i, p := range c.points {
		count += p.n
		mean += p.mean[0] * float64(p.n) / n
		low, high = min(low, p.min[0]), max(high, p.max[0])
		if i > 0 && p.step != c.points[i-1].end+1 {
			t.Fatalf("step %d after %d", p.step, c.points[i-1].end)
		}
	}
	if end := c.points[len(c.points)-1].end; end != n-1 {
		t.Errorf("ends at step %d, want %d", end, n-1)
	}
	if count != n || low != -1000 || high != 1000 || math.Abs(mean-sum/n) > 1e-9 {
		t.Errorf("%d values, %v … %v, mean %v, want %d, -1000 … 1000, %v", count, low, high, mean, n, sum/n)
	}
}

func TestCurveText(t *testing.T) {
	f := newFake(toPipe)
	c := f.newCurve("ELBO", []string{"reconstruction", "KL"}).XLabel("epoch").YLabel("nats")
	for i := range 10 {
		c.Add(i, 100-float64(i), math.Log(float64(i)))
	}
	c.Mark(5, "smaller steps")
	for range 2 {
		if err := c.Done(); err != nil {
			t.Fatal(err)
		}
	}
	want := "curve: ELBO, epoch 0 … 9\nreconstruction █▇▆▆▅▄▃▃▂▁ first 100, last 91\n" +
		"KL             ·▁▃▄▅▆▇▇██ first NaN, last 2.197\nepoch 5: smaller steps\n! KL is -Inf at epoch 0\n"
	if got := f.out.String(); got != want {
		t.Errorf("printed\n%s\nwant\n%s", got, want)
	}
}

func TestCurveRefused(t *testing.T) {
	f := newFake(toPipe)
	c := f.newCurve("c", []string{"a", "b"})
	c.Add(0, 1)
	if err := c.Done(); err == nil || !strings.Contains(err.Error(), "step 0 got 1 values, want 2: a, b") {
		t.Errorf("%v", err)
	}
	if err := f.newCurve("none", nil).Done(); err == nil {
		t.Error("a curve without series was accepted")
	}
	if err := f.newCurve("empty", []string{"a"}).Done(); err != nil || f.out.Len() > 0 {
		t.Errorf("an empty curve: %v, printed %q", err, f.out.String())
	}
}

func TestCurveGroups(t *testing.T) {
	for _, test := range []struct {
		name   string
		values []float64
		change func(c *Curve)
		want   string
	}{
		{"ELBO", []float64{100, 20, 120}, nil, "[[0 2] [1]]"},
		{"GAN", []float64{1.38, 0.69}, nil, "[[0 1]]"},
		{"one panel", []float64{100, 20}, func(c *Curve) { c.OnePanel() }, "[[0 1]]"},
		{"log", []float64{100, 0.1}, func(c *Curve) { c.LogY() }, "[[0 1]]"},
		{"three", []float64{1, -100, 10}, nil, "[[0] [1] [2]]"},
		{"not finite", []float64{math.NaN(), 1}, nil, "[[0] [1]]"},
	} {
		names := []string{"a", "b", "c"}[:len(test.values)]
		c := newFake(toPipe).newCurve("c", names)
		if test.change != nil {
			test.change(c)
		}
		c.Add(0, test.values...)
		c.Add(10, test.values...)
		if got := fmt.Sprint(c.groups()); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
		if _, err := c.render(true); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

// TestLive: a bar that changes all the time is redrawn twice a second under one id, a finished one not any more.
func TestLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(toNotebook)
		b := f.newBar("train", 1000)
		for i := range 1000 {
			b.Set(i+1, "loss <1>")
			time.Sleep(10 * time.Millisecond)
		}
		if err := b.Done(); err != nil {
			t.Fatal(err)
		}
		b.Set(1, "late")
		time.Sleep(time.Minute)
		if n := len(f.sent); n < 15 || n > 22 {
			t.Errorf("%d redraws in 10 s, want about 20", n)
		}
		last := f.sent[len(f.sent)-1]
		if got := last.Data["text/plain"]; got != "train: 1000/1000 in 10 s (99.9/s) · loss <1>" {
			t.Errorf("last state %q", got)
		}
		html := fmt.Sprint(last.Data["text/html"])
		if !strings.Contains(html, "width:100%") || !strings.Contains(html, "&lt;1&gt;") {
			t.Errorf("HTML %s", html)
		}
		for _, message := range f.sent {
			if message.DisplayID != last.DisplayID || message.DisplayID == "" {
				t.Errorf("ids %q and %q", message.DisplayID, last.DisplayID)
			}
		}
	})
}

func TestBarStates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newFake(toPipe).newBar("resumed", 500)
		check := func(want string) {
			t.Helper()
			if got := b.status(); got != want {
				t.Errorf("%q, want %q", got, want)
			}
		}
		check("resumed: 0/500 0% in 0.0 s")
		time.Sleep(time.Second)
		b.Set(100, "")
		check("resumed: 100/500 20% in 1.0 s")
		time.Sleep(2 * time.Second)
		b.Set(120, "loss 3")
		check("resumed: 120/500 24% in 3.0 s (10/s, 38 s left) · loss 3")
		time.Sleep(5000 * time.Second)
		b.Set(130, "")
		check("resumed: 130/500 26% in 1 h 23 min (0.006/s, 17 h 8 min left)")
		endless := newFake(toPipe).newBar("steps", 0)
		endless.Set(0, "")
		time.Sleep(time.Minute)
		endless.Set(600, "")
		if got := endless.status(); got != "steps: 600 in 1 min 0 s (10/s)" {
			t.Errorf("%q", got)
		}
		if err := endless.Done(); err != nil {
			t.Error(err)
		}
	})
}

// TestBarLines: a terminal gets one line that is written over, a pipe a line every ten seconds, both the end.
func TestBarLines(t *testing.T) {
	for _, test := range []struct {
		where       destination
		lines, over int // newlines and carriage returns
	}{{toPipe, 4, 0}, {toTerminal, 1, 60}} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake(test.where)
			b := f.newBar("train", 350)
			for i := range 350 {
				b.Set(i+1, "")
				time.Sleep(100 * time.Millisecond)
			}
			if err := b.Done(); err != nil {
				t.Fatal(err)
			}
			out := f.out.String()
			if n := strings.Count(out, "\n"); n != test.lines {
				t.Errorf("%d lines, want %d: %q", n, test.lines, out)
			}
			if n := strings.Count(out, "\r"); n < test.over {
				t.Errorf("written over %d times, want at least %d", n, test.over)
			}
			if !strings.HasSuffix(out, "train: 350/350 in 35 s (9.97/s)\n") {
				t.Errorf("end %q", out[max(0, len(out)-60):])
			}
		})
	}
}

// TestConcurrent: curves, bars and pictures from many goroutines; the race detector watches.
func TestConcurrent(t *testing.T) {
	f := newFake(toNotebook)
	c := f.newCurve("c", []string{"a", "b"})
	b := f.newBar("b", 4000)
	c.live.every, b.live.every = time.Millisecond, time.Millisecond
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for i := range 3000 {
				c.Add(i, 1, 2)
				b.Set(i, "")
			}
			c.Mark(5, "m")
			f.show1(t, "text")
			f.show1(t, digits28(4))
		})
	}
	group.Wait()
	if err := c.Done(); err != nil {
		t.Error(err)
	}
	if err := b.Done(); err != nil {
		t.Error(err)
	}
	last := f.sent[len(f.sent)-2].Data["text/plain"]
	if !strings.HasPrefix(fmt.Sprint(last), "curve: c, step") {
		t.Errorf("last but one is %v", last)
	}
}

// BenchmarkCurveAdd adds one point of two series.
func BenchmarkCurveAdd(b *testing.B) {
	f := newFake(toPipe)
	c := f.newCurve("c", []string{"a", "b"})
	step := 0
	for b.Loop() {
		c.Add(step, 1, 2)
		step++
	}
}

func TestClip(t *testing.T) {
	if got := clip("größer", 4) + clip("größer", 6); got != "grö…größer" {
		t.Errorf("%q", got)
	}
}

func TestClock(t *testing.T) {
	for d, want := range map[time.Duration]string{
		40 * time.Millisecond: "0.0 s", 4130 * time.Millisecond: "4.1 s", 41400 * time.Millisecond: "41 s",
		200 * time.Second: "3 min 20 s", 3725 * time.Second: "1 h 2 min",
	} {
		if got := clock(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}
