package kernel

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// waitsForInput reports whether a thread of the process is in read(2) of its standard input, a pipe.
func waitsForInput(pid int) bool {
	target, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/0", pid))
	if err != nil || !strings.HasPrefix(target, "pipe:") {
		return false
	}
	reading := fmt.Sprintf("%d 0x0 ", unix.SYS_READ)
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/syscall", pid))
	for _, thread := range threads {
		if text, err := os.ReadFile(thread); err == nil && strings.HasPrefix(string(text), reading) {
			return true
		}
	}
	return false
}
