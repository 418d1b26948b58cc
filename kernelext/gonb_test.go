package kernelext_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"image/png"
	"strings"
	"sync"
	"testing"

	"deeplearning.example/kernelext/jupyter"
)

// TestInGoNB runs cells in the real kernel.
func TestInGoNB(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs a dozen cells")
	}
	kernel := startKernel(t)
	t.Run("order", func(t *testing.T) { testOrder(t, kernel) })
	t.Run("exit and panic", func(t *testing.T) { testLostNothing(t, kernel) })
	t.Run("again", func(t *testing.T) { testRunAgain(t, kernel) })
	t.Run("live", func(t *testing.T) { testLive(t, kernel) })
	t.Run("picture", func(t *testing.T) { testPicture(t, kernel) })
	t.Run("child", func(t *testing.T) { testChild(t, kernel) })
	t.Run("assert", func(t *testing.T) { testAssert(t, kernel) })
	t.Run("ask", func(t *testing.T) { testAsk(t, kernel) })
	t.Run("interrupt", func(t *testing.T) { testInterrupt(t, kernel) })
}

// testOrder: 300 displays in a fast cell all arrive, each after the line printed before it and before the next.
func testOrder(t *testing.T, kernel *jupyter.Kernel) {
	r := mustSucceed(t, kernel, cell(`
		start := time.Now()
		for i := range 300 {
			fmt.Println("line", i)
			if err := kernelext.Show(fmt.Sprint("display ", i)); err != nil { panic(err) }
		}
		fmt.Fprintf(os.Stderr, "%.2f ms", float64(time.Since(start).Microseconds())/300/1000)`))
	var got []string
	for _, o := range r.outputs {
		if o.kind != "stderr" {
			got = append(got, strings.TrimSuffix(o.text, "\n"))
		}
	}
	if len(got) != 600 {
		t.Fatalf("%d outputs, want 600", len(got))
	}
	inverted := 0
	for i := range 300 {
		if got[2*i] != fmt.Sprint("line ", i) || got[2*i+1] != fmt.Sprint("display ", i) {
			inverted++
		}
	}
	if inverted > 0 {
		t.Errorf("%d of 300 pairs are out of order", inverted)
	}
	t.Logf("a line and a display take %s", r.stream("stderr"))
}

// testLostNothing: what was shown before a sudden end is there.
func testLostNothing(t *testing.T, kernel *jupyter.Kernel) {
	for _, end := range []string{
		"os.Exit(3)", `panic("end")`, "log.Fatal()", "syscall.Kill(os.Getpid(), syscall.SIGKILL)",
	} {
		r := runCell(t, kernel, cell(`for i := range 20 { kernelext.Show(fmt.Sprint("display ", i)) }; `+end), nil)
		if r.reply.Status != "error" {
			t.Errorf("%s: status %s, want error", end, r.reply.Status)
		}
		if n := len(r.final()); n != 20 {
			t.Errorf("%s: %d displays, want 20", end, n)
		}
	}
}

// testRunAgain: a handle shows something each time a cell is run, under a new id.
func testRunAgain(t *testing.T, kernel *jupyter.Kernel) {
	code := cell(`
		h, err := kernelext.NewHandle("first")
		if err != nil { panic(err) }
		for i := range 200 { h.Update(fmt.Sprint("state ", i)) }
		fmt.Println("end")`)
	seen := map[string]bool{}
	for range 2 {
		shown := mustSucceed(t, kernel, code).final()
		if len(shown) != 1 || shown[0].text != "state 199" {
			t.Fatalf("shown %v, want state 199 alone", shown)
		}
		if seen[shown[0].id] {
			t.Errorf("id %q is used again", shown[0].id)
		}
		seen[shown[0].id] = true
	}
}

// testLive: a curve and a bar are updated in place and end as their last state.
func testLive(t *testing.T, kernel *jupyter.Kernel) {
	r := mustSucceed(t, kernel, cell(`
		c := kernelext.NewCurve("ELBO", "reconstruction", "KL").YLabel("nats")
		b := kernelext.NewBar("train", 1200)
		for i := range 1200 {
			c.Add(i, 100+100/float64(i+1), 20)
			b.Set(i+1, "")
			time.Sleep(time.Millisecond)
		}
		if err := errors.Join(c.Done(), b.Done()); err != nil { panic(err) }`))
	shown := r.final()
	if len(shown) != 2 {
		t.Fatalf("%d displays, want a curve and a bar", len(shown))
	}
	if len(r.outputs) < 4 {
		t.Errorf("%d messages, want some on the way", len(r.outputs))
	}
	var all string
	for _, o := range shown {
		all += o.text + "\n"
	}
	for _, want := range []string{"step 0 … 1199", "reconstruction", "last 100.1", "train: 1200/1200 in "} {
		if !strings.Contains(all, want) {
			t.Errorf("no %q in %q", want, all)
		}
	}
}

// testPicture: a picture arrives as PNG with its width, beside a text.
func testPicture(t *testing.T, kernel *jupyter.Kernel) {
	r := mustSucceed(t, kernel, cell(`
		axes := kernelext.Axes{X: "step", Y: "loss (nats)"}
		p, err := kernelext.Lines(axes, kernelext.Series{Name: "train", Y: []float64{3, 2, 1}})
		if err != nil { panic(err) }
		if err := kernelext.Plot(p); err != nil { panic(err) }`))
	shown := r.final()
	if len(shown) != 1 {
		t.Fatalf("%d displays, want 1", len(shown))
	}
	encoded, _ := shown[0].display.Data["image/png"].(string)
	img, err := png.Decode(base64.NewDecoder(base64.StdEncoding, strings.NewReader(encoded)))
	if err != nil {
		t.Fatal(err)
	}
	if got := img.Bounds().Dx(); got != 1280 {
		t.Errorf("picture is %d pixels wide, want 1280", got)
	}
	meta, _ := shown[0].display.Metadata["image/png"].(map[string]any)
	if fmt.Sprint(meta["width"]) != "640" {
		t.Errorf("metadata %v, want width 640", shown[0].display.Metadata)
	}
	if !strings.Contains(shown[0].text, "train █▅▁ last 1") {
		t.Errorf("text %q", shown[0].text)
	}
}

// testChild: a child process that displays something does not disturb the cell's own displays. The child is the cell
// itself, started again.
func testChild(t *testing.T, kernel *jupyter.Kernel) {
	r := mustSucceed(t, kernel, cell(`
		if os.Getenv("CHILD") != "" { kernelext.Show("from the child"); return }
		kernelext.Show("before")
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), "CHILD=1")
		out, err := child.CombinedOutput()
		if err != nil { panic(err) }
		fmt.Printf("child wrote %q\n", out)
		for i := range 5 { if err := kernelext.Show(fmt.Sprint("after ", i)); err != nil { panic(err) } }`))
	if got := r.stream("stdout"); got != "child wrote \"from the child\\n\"\n" {
		t.Errorf("stdout %q", got)
	}
	if n := len(r.final()); n != 6 {
		t.Errorf("%d displays, want 6", n)
	}
}

// testAssert: a failed check fails the cell, says why and where, and keeps what was shown.
func testAssert(t *testing.T, kernel *jupyter.Kernel) {
	r := runCell(t, kernel, cell(`kernelext.Show("shown")
		kernelext.Assert(true, "one is %d", 1)
		kernelext.AssertNear("loss", 1.5, 1, 0.1)
		kernelext.Show("never shown")`), nil)
	if r.reply.Status != "error" || len(r.final()) != 1 {
		t.Errorf("status %s, %d displays, want an error and 1", r.reply.Status, len(r.final()))
	}
	if got := r.stream("stdout"); got != "✓ one is 1\n" {
		t.Errorf("stdout %q", got)
	}
	for _, want := range []string{"✗ loss: got 1.5, want 1 ± 0.1", "Line 5"} {
		if got := r.stream("stderr"); !strings.Contains(got, want) {
			t.Errorf("stderr %q, want %q in it", got, want)
		}
	}
}

// testAsk: questions reach the reader, each answer its question, and the cell continues.
func testAsk(t *testing.T, kernel *jupyter.Kernel) {
	r := mustSucceed(t, kernel, cell(`for _, prompt := range []string{"first?", "second?"} {
			answer, err := kernelext.Ask(prompt, "7", time.Minute)
			fmt.Printf("%q %v\n", answer, err)
		}`))
	want := "\"heard first? [7]\" <nil>\n\"heard second? [7]\" <nil>\n"
	if got := r.stream("stdout"); got != want {
		t.Errorf("stdout %q, want %q", got, want)
	}
}

// testInterrupt: an interrupt ends Context, the cell ends by itself, and displays still work.
func testInterrupt(t *testing.T, kernel *jupyter.Kernel) {
	var once sync.Once
	r := runCell(t, kernel, cell(`ctx := kernelext.Context()
		kernelext.Show("waiting")
		<-ctx.Done()
		kernelext.Show(fmt.Sprint(errors.Is(context.Cause(ctx), kernelext.ErrStopped)))`), func(o output) {
		if o.text == "waiting" {
			once.Do(func() {
				go func() {
					if err := kernel.Interrupt(context.Background()); err != nil {
						t.Errorf("Interrupt: %v", err)
					}
				}()
			})
		}
	})
	shown := r.final()
	if r.reply.Status != "ok" || len(shown) != 2 || shown[1].text != "true" {
		t.Errorf("status %s %s, shown %v\n%s", r.reply.Status, r.reply.Evalue, shown, r.stream("stderr"))
	}
}
