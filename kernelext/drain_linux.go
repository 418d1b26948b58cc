package kernelext

import (
	"os"
	"time"

	"golang.org/x/sys/unix"

	"deeplearning.example/kernelext/internal/procs"
)

const (
	drainLimit = 2 * time.Second
	quietLimit = 50 * time.Millisecond // GoNB may be busy with something else
	quietLooks = 2                     // work may move to another thread while its threads are inspected
)

// drainOutput waits until GoNB has passed on everything that was printed. Text and displays take two paths through GoNB,
// so that a picture could overtake the line printed before it. An empty pipe shows that GoNB has read the text, and
// sleeping threads show that it has also passed it on.
func drainOutput() {
	wait(drainLimit, func() bool { return unread(os.Stdout)+unread(os.Stderr) == 0 })
	looks := 0
	wait(quietLimit, func() bool {
		looks++
		if !procs.Asleep(os.Getppid()) {
			looks = 0
		}
		return looks == quietLooks
	})
}

// wait polls until done returns true, but no longer than limit.
func wait(limit time.Duration, done func() bool) {
	for deadline := time.Now().Add(limit); !done() && time.Now().Before(deadline); {
		time.Sleep(50 * time.Microsecond)
	}
}

// unread returns the number of bytes that wait in the pipe behind file, and 0 if it is not a pipe.
func unread(file *os.File) int {
	info, err := file.Stat()
	if err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		return 0
	}
	// TIOCINQ is what Linux calls FIONREAD.
	n, err := unix.IoctlGetInt(int(file.Fd()), unix.TIOCINQ)
	if err != nil {
		return 0
	}
	return n
}
