package kernelext

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// TestTrainChild is the other process of the tests below; as a test it does nothing.
func TestTrainChild(t *testing.T) {
	dir := os.Getenv("TRAIN_TEST_STORE")
	if dir == "" {
		return
	}
	m := newToy(400)
	stdin := bufio.NewReader(os.Stdin)
	m.after = func(step int) {
		fmt.Println("step", step)
		if _, err := stdin.ReadString('\n'); err != nil { // one line allows one step, the end all the others
			m.after = nil
		}
	}
	opts := []TrainOption{WithStore(openStore(t, dir)), Every(0)}
	if os.Getenv("TRAIN_TEST_CURVE") != "" {
		opts = append(opts, WithCurve("bowl"))
	}
	if _, err := Train(t.Context(), m, opts...); err != nil {
		t.Fatal(err)
	}
	fmt.Println("weights", m.weights)
}

// trainer is a process that trains the toy.
type trainer struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	lines *bufio.Scanner
}

func startTrainer(t *testing.T, dir string, env ...string) *trainer {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &trainer{cmd: exec.Command(exe, "-test.run=^TestTrainChild$")}
	p.cmd.Env = append(append(os.Environ(), "TRAIN_TEST_STORE="+dir), env...)
	p.cmd.Stderr = os.Stderr
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.lines = bufio.NewScanner(stdout)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	return p
}

// until reads lines up to one with the given text and returns it.
func (p *trainer) until(t *testing.T, text string) string {
	t.Helper()
	for p.lines.Scan() {
		if strings.Contains(p.lines.Text(), text) {
			return p.lines.Text()
		}
	}
	t.Fatalf("the process ended before it said %q: %v", text, p.lines.Err())
	return ""
}

// finish lets the process run to its end and returns what it printed.
func (p *trainer) finish(t *testing.T) string {
	t.Helper()
	_ = p.stdin.Close() // it may be closed already
	var out strings.Builder
	for p.lines.Scan() {
		fmt.Fprintln(&out, p.lines.Text())
	}
	if err := p.cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	return out.String()
}

// A trainer killed in the midst of its work is continued from its last save, with the same numbers.
func TestKilledTrainer(t *testing.T) {
	whole, history := trained(t, 400)
	dir := filepath.Join(t.TempDir(), "store")
	p := startTrainer(t, dir)
	s := openStore(t, dir)
	for step, saved := 1, 0; saved < 2; step++ {
		p.until(t, fmt.Sprint("step ", step))
		if step > 1 { // saved first at step 1, then when enough time has gone by
			saved = entryOf(t, s, newToy(400)).Step
		}
		time.Sleep(time.Millisecond) // the work of a step
		if _, err := p.stdin.Write([]byte("\n")); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.cmd.Process.Kill(); err != nil { // it is on its way to the next step, or saves
		t.Fatal(err)
	}
	_ = p.cmd.Wait()
	m := newToy(400)
	var out bytes.Buffer
	result, err := Train(t.Context(), m, WithStore(s), WithOutput(&out))
	if err != nil || !result.Resumed || m.ran > 398 {
		t.Fatalf("%+v, %v, %d steps taken", result, err, m.ran)
	}
	expectText(t, out.String(), fmt.Sprintf("resuming toy at step %d of 400", 400-m.ran))
	m.expectSame(t, whole)
	if !reflect.DeepEqual(result.History, history) {
		t.Errorf("the losses differ from those of a training that ran through")
	}
}

// Of two processes that train the same, one trains and the other waits for its result.
func TestTwoTrainers(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	first := startTrainer(t, dir)
	first.until(t, "step 1")
	second := startTrainer(t, dir)
	waiting := second.until(t, "waiting for it")
	expectText(t, waiting, fmt.Sprintf("toy is being trained by process %d on ", first.cmd.Process.Pid))
	one, two := first.finish(t), second.finish(t)
	expectText(t, one, "trained toy in ")
	expectText(t, two, "restored toy (40 epochs, trained ")
	_, weights, _ := strings.Cut(one, "weights ")
	_, others, _ := strings.Cut(two, "weights ")
	if weights == "" || weights != others {
		t.Errorf("the weights differ:\n%s\n%s", weights, others)
	}
	if strings.Contains(two, "step ") {
		t.Errorf("the second process trained too:\n%s", two)
	}
}

// A restored training draws the curve that the training drew.
func TestCurveIsDrawnAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	var curves []string
	for range 2 {
		p := startTrainer(t, dir, "TRAIN_TEST_CURVE=1")
		var curve []string
		for line := range strings.Lines(p.finish(t)) {
			if strings.Contains(line, "bowl") {
				curve = append(curve, line)
			}
		}
		if len(curve) == 0 {
			t.Fatal("no curve")
		}
		curves = append(curves, curve[len(curve)-1])
	}
	if curves[0] != curves[1] {
		t.Errorf("the curve was\n%s and is now\n%s", curves[0], curves[1])
	}
}
