package kernel_test

import (
	"strings"
	"testing"
	"time"
)

// TestInterrupt stops a cell at each stage. No part of it continues, the cells queued after it are aborted, and the
// next cell runs.
func TestInterrupt(t *testing.T) {
	k := start(t)
	ended := func() bool { return len(k.pids("sleep")) == 0 && len(k.pids(".cell")) == 0 }
	for _, test := range []struct{ name, code, shows, stage string }{
		{"run", "%%\nfmt.Println(\"begun\")\ntime.Sleep(time.Hour)", "begun", "running"},
		{"compute", "%%\nfmt.Println(\"begun\")\nfor i := 0; ; i++ {\n\tif i < 0 {\n\t\tbreak\n\t}\n}", "begun", "running"},
		{"child", "%%\nfmt.Println(\"begun\")\nexec.Command(\"sleep\", \"1000\").Run()", "begun", "running"},
		{"shell", "!echo begun; sleep 1000; echo not reached", "begun", "shell line"},
		{"shell, then Go", "!echo begun; sleep 1000\n%%\nfmt.Println(\"not reached\")", "begun", "shell line"},
		{"shell with a job", "!sleep 1000 & echo begun; wait", "begun", "shell line"},
		{"script", "%%bash\necho begun\nsleep 1000\necho not reached", "begun", "shell line"},
		{"test", "%test\nfunc TestX(t *testing.T) { fmt.Println(\"begun\"); time.Sleep(time.Hour) }", "begun", "running"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, next := k.send(test.code), k.send("%%\nfmt.Println(\"not run\")")
			s.shows(test.shows)
			k.interrupt()
			o := s.wait()
			k.failed(o, "Interrupted", "interrupted while running", test.stage)
			if got := o.stream("stdout"); strings.Contains(got, "not reached") {
				t.Errorf("the cell continued: %q", got)
			}
			if o := next.wait(); o.Status != "aborted" {
				t.Errorf("the next cell: %s", o.Status)
			}
			until(t, leftLimit, "the cell's processes to end", ended)
		})
	}
	k.hello()
}

// TestInterruptCompile: an interrupt while the cell is compiled is not lost.
func TestInterruptCompile(t *testing.T) {
	k := start(t)
	k.hello()
	compiles := func() bool { return len(k.pids("compile")) > 0 }
	for _, wait := range []time.Duration{5 * time.Millisecond, 20 * time.Millisecond, 0} { // 0: until the compiler runs
		// With an empty build cache the standard library is compiled again, which takes seconds.
		s := k.send("%env GOCACHE=" + t.TempDir() + "\n%%\nfmt.Println(\"it ran\", http.StatusOK)")
		stage := "interrupted while"
		if time.Sleep(wait); wait == 0 {
			until(t, cellLimit, "the compiler to run", compiles)
			stage = "interrupted while compiling"
		}
		k.interrupt()
		o := s.wait()
		k.failed(o, "Interrupted", stage)
		if strings.Contains(o.stream("stdout"), "it ran") {
			t.Errorf("printed %q", o.stream("stdout"))
		}
		until(t, leftLimit, "the compiler to end", func() bool { return !compiles() })
	}
	k.good("%env GOCACHE=" + goEnv(t, "GOCACHE"))
	k.hello()
}

// TestInterruptStubborn: a cell that ignores SIGINT and SIGTERM gets both and is then ended, with all its descendants.
func TestInterruptStubborn(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 10 s")
	}
	k := start(t)
	s := k.send(`%%
c := make(chan os.Signal, 4)
signal.Notify(c, os.Interrupt, syscall.SIGTERM)
child := exec.Command("setsid", "sh", "-c", "trap '' INT TERM; echo begun; sleep 1000 & sleep 1000")
child.Stdout = os.Stdout
child.Start()
for s := range c {
	fmt.Println("got", s)
}`)
	s.shows("begun")
	k.interrupt()
	o := s.wait()
	k.failed(o, "Interrupted")
	if got := o.stream("stdout"); got != "begun\ngot interrupt\ngot terminated\n" {
		t.Errorf("printed %q", got)
	}
	until(t, leftLimit, "the cell's processes to end", func() bool { return len(k.pids("sleep")) == 0 })
	k.hello()
}

// TestInterruptNothing: an interrupt without a cell does no harm, and a cell that ends with success after one still
// reports it.
func TestInterruptNothing(t *testing.T) {
	k := start(t)
	k.interrupt()
	k.hello()
	s := k.send("%%\nc := make(chan os.Signal, 1)\nsignal.Notify(c, os.Interrupt)\nfmt.Println(\"begun\")\n<-c\nfmt.Println(\"saved\")")
	s.shows("begun")
	k.interrupt()
	o := s.wait()
	k.failed(o, "Interrupted")
	if !strings.Contains(o.stream("stdout"), "saved") {
		t.Errorf("printed %q", o.stream("stdout"))
	}
}

// TestInterruptSignal: front ends may send the signal itself.
func TestInterruptSignal(t *testing.T) {
	k := start(t)
	s := k.send("%%\nfmt.Println(\"begun\")\ntime.Sleep(time.Hour)")
	s.shows("begun")
	k.signalAll()
	k.failed(s.wait(), "Interrupted")
	k.hello()
}
