package frontends

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// kernelMemory is the largest memory of a kernel, supervisor and GoNB, in bytes, whatever a cell prints.
const kernelMemory = 200 << 20

// watcher looks at the memory of the programs in a folder.
type watcher struct{ most atomic.Int64 }

// watchKernels looks at the kernels' memory from time to time, until the end of the test. Where there is no /proc it
// sees nothing.
func watchKernels(t *testing.T, bin string) *watcher {
	t.Helper()
	w := &watcher{}
	over := make(chan struct{})
	t.Cleanup(func() { close(over) })
	go func() {
		for {
			select {
			case <-over:
				return
			case <-time.After(200 * time.Millisecond):
				sum := resident(filepath.Join(bin, "lecture")) + resident(filepath.Join(bin, "gonb"))
				w.most.Store(max(w.most.Load(), sum))
			}
		}
	}()
	return w
}

// check compares the most that was seen with the limit.
func (w *watcher) check(t *testing.T) {
	t.Helper()
	most := w.most.Load()
	t.Logf("supervisor and GoNB together held %d MB at most", most>>20)
	if most > kernelMemory {
		t.Errorf("the kernel held %d MB, want %d at most", most>>20, kernelMemory>>20)
	}
}

// resident is the memory in bytes of all processes of a program.
func resident(program string) int64 {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	sum := int64(0)
	for _, file := range files {
		line, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		if name, _, _ := bytes.Cut(line, []byte{0}); string(name) == program {
			sum += residentOf(filepath.Join(filepath.Dir(file), "status"))
		}
	}
	return sum
}

func residentOf(status string) int64 {
	file, err := os.Open(status)
	if err != nil {
		return 0
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), "VmRSS:"); ok {
			kilobytes := int64(0)
			fmt.Sscan(rest, &kilobytes)
			return kilobytes << 10
		}
	}
	return 0
}
