package kernelext_test

import (
	"encoding/gob"
	"fmt"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"deeplearning.example/kernelext"
	"github.com/janpfeifer/gonb/gonbui/protocol"
)

const cellEnv = "KERNELEXT_TEST_CELL"

// TestFIFO runs a program whose displays go to a pipe that this test reads in the place of GoNB: one that answers,
// one that never does, and one that goes away.
func TestFIFO(t *testing.T) {
	if os.Getenv(cellEnv) != "" {
		cellProgram()
		return
	}
	for _, test := range []struct {
		name             string
		answers, reads   bool
		received, errors int
	}{
		{"good", true, true, 3, 0},
		{"silent", false, true, 1, 2},
		{"gone", false, false, 0, 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			received, out := runInFIFO(t, test.answers, test.reads)
			if len(received) != test.received {
				t.Errorf("%d displays received, want %d", len(received), test.received)
			}
			if n := strings.Count(out, "error: "); n != test.errors {
				t.Errorf("%d errors, want %d:\n%s", n, test.errors, out)
			}
			if !strings.Contains(out, "pipe in the environment: \"\"") {
				t.Errorf("children would inherit the pipe:\n%s", out)
			}
			if test.answers {
				checkDisplays(t, received)
			}
		})
	}
}

// TestFIFOMarkers: the supervised kernel finds the id of each display in both outputs, in order.
func TestFIFOMarkers(t *testing.T) {
	received, out := runInFIFO(t, true, true, "LECTURE_KERNEL_PIPES=1")
	if len(received) != 3 || !strings.Contains(out, "pipe in the environment: \"\"") {
		t.Fatalf("%d displays received, want 3:\n%q", len(received), out)
	}
	checkDisplays(t, received)
	for _, message := range received {
		marker := fmt.Sprintf("\x1b]7711;%s\a", message.Metadata["lecture_marker"])
		before, after, found := strings.Cut(out, marker)
		if !found || !strings.Contains(after, marker) || strings.Contains(before, "\x1b") {
			t.Errorf("%q, want the marker of %v next, twice", out, message.Metadata)
		}
		out = strings.ReplaceAll(out, marker, "")
	}
	if strings.Contains(out, "\x1b") {
		t.Errorf("%q is left", out)
	}
}

// cellProgram runs in the place of a cell.
func cellProgram() {
	fmt.Printf("pipe in the environment: %q\n",
		os.Getenv("GONB_PIPE")+os.Getenv("GONB_PIPE_BACK")+os.Getenv("LECTURE_KERNEL_PIPES"))
	for range 3 {
		if err := kernelext.Image(image.NewGray(image.Rect(0, 0, 2, 2)), kernelext.Width(9)); err != nil {
			fmt.Println("error:", err)
		}
	}
}

// runInFIFO starts the cell and plays GoNB for it. out is what the cell prints on stdout and then on stderr.
func runInFIFO(t *testing.T, answers, reads bool, env ...string) (received []protocol.DisplayData, out string) {
	t.Helper()
	there, back := filepath.Join(t.TempDir(), "there"), filepath.Join(t.TempDir(), "back")
	for _, name := range []string{there, back} {
		if err := syscall.Mkfifo(name, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cell := exec.Command(os.Args[0], "-test.run=^TestFIFO$")
	cell.Env = append(append(os.Environ(), cellEnv+"=1", "GONB_PIPE="+there, "GONB_PIPE_BACK="+back), env...)
	var stdout, stderr strings.Builder
	cell.Stdout, cell.Stderr = &stdout, &stderr
	if err := cell.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(time.Minute, func() { _ = cell.Process.Kill() })
	defer timer.Stop()
	done := make(chan struct{})
	go func() {
		defer close(done)
		received = playGoNB(t, there, back, answers, reads)
	}()
	if err := cell.Wait(); err != nil {
		t.Errorf("cell: %v", err)
	}
	<-done
	return received, stdout.String() + stderr.String()
}

// playGoNB reads displays until the cell ends and acknowledges them.
func playGoNB(t *testing.T, there, back string, answers, reads bool) (received []protocol.DisplayData) {
	gob.Register(map[string]any{}) // as GoNB does
	gob.Register([]any{})
	from, err := os.Open(there)
	if err != nil {
		t.Error(err)
		return nil
	}
	to, err := os.OpenFile(back, os.O_WRONLY, 0)
	if err != nil {
		t.Error(err)
		return nil
	}
	defer to.Close()
	defer from.Close()
	if !reads {
		return nil
	}
	decoder, encoder := gob.NewDecoder(from), gob.NewEncoder(to)
	for {
		var message protocol.DisplayData
		if err := decoder.Decode(&message); err != nil {
			return received
		}
		value, isSync := message.Data[protocol.MIMECommValue].(protocol.CommValue)
		if !isSync {
			received = append(received, message)
		} else if answers {
			ack := protocol.CommValue{Address: protocol.GonbuiSyncAckAddress, Value: value.Value}
			if err := encoder.Encode(ack); err != nil {
				t.Error(err)
			}
		}
	}
}

func checkDisplays(t *testing.T, received []protocol.DisplayData) {
	t.Helper()
	for _, message := range received {
		content, _ := message.Data["image/png"].([]byte)
		meta := fmt.Sprint(message.Metadata["image/png"])
		if !strings.HasPrefix(string(content), "\x89PNG") || meta != "map[height:9 width:9]" ||
			message.Data["text/plain"] != "image 2×2" {
			t.Errorf("%d bytes, %s, %v", len(content), meta, message.Data["text/plain"])
		}
	}
}
