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
	quietLooks = 2                     // one look at its threads takes a while, in which work can change hands
)

// drainOutput waits until GoNB has passed on all that was printed. Text and displays take two ways through it;
// without this a picture overtakes the line printed before it. That the pipe is empty shows that GoNB has read the
// text, and that all of its threads sleep shows that it has done with it.
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

// wait asks until done says yes, but no longer than limit.
func wait(limit time.Duration, done func() bool) {
	for deadline := time.Now().Add(limit); !done() && time.Now().Before(deadline); {
		time.Sleep(50 * time.Microsecond)
	}
}

// unread is the number of bytes that wait in the pipe behind file; 0 where it is no pipe.
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
