package kernel

import (
	"bytes"
	"fmt"
	"os"
	"time"

	"github.com/janpfeifer/gonb/gonbui/protocol"
	"golang.org/x/sys/unix"

	"deeplearning.example/kernelext/internal/procs"
)

const (
	// farewellLimit limits the time for which GoNB is kept from noticing the end of a program.
	farewellLimit = 500 * time.Millisecond
	farewellPause = 500 * time.Microsecond
	// farewellLooks is the number of looks in a row that must find GoNB idle, because work can pass from thread to
	// thread during one look.
	farewellLooks = 2
)

// delayFarewell keeps GoNB from noticing the end of the cell's program before it has read what the program has
// displayed: GoNB drops that otherwise. GoNB notices the end of a program when the pipe for the program's stdout ends.
// The kernel holds another end of this pipe during that time. pid is the launcher, which becomes the program.
func (r *run) delayFarewell(pid int) {
	displays := fifoOf(pid)
	if displays == "" {
		return
	}
	stdout, err := os.OpenFile(fmt.Sprintf("/proc/%d/fd/1", pid), os.O_WRONLY, 0)
	if err != nil {
		return
	}
	program, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		stdout.Close()
		return
	}
	gonb := r.gonb.proc.PID()
	go func() {
		defer stdout.Close()
		awaitEnd(program)
		unix.Close(program)
		for looks, end := 0, time.Now().Add(farewellLimit); looks < farewellLooks && time.Now().Before(end); {
			looks++
			if fifoHolds(displays) || !procs.Asleep(gonb) {
				looks = 0
			}
			time.Sleep(farewellPause)
		}
	}()
}

// fifoOf returns the pipe of a program's displays, whose path GoNB puts into its environment.
func fifoOf(pid int) string {
	environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if err != nil {
		return ""
	}
	for pair := range bytes.SplitSeq(environ, []byte{0}) {
		if path, ok := bytes.CutPrefix(pair, []byte(protocol.GONB_PIPE_ENV+"=")); ok {
			return string(path)
		}
	}
	return ""
}

// awaitEnd waits for the end of a process.
func awaitEnd(pidfd int) {
	for {
		_, err := unix.Poll([]unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}, -1)
		if err != unix.EINTR {
			return
		}
	}
}

// fifoHolds reports whether something in a named pipe has not been read. It does not wait for a writer and reads
// nothing.
func fifoHolds(path string) bool {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	n, err := unix.IoctlGetInt(fd, unix.TIOCINQ)
	return err == nil && n > 0
}
