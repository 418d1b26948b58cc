package kernel

import (
	"os"

	"golang.org/x/sys/unix"
)

// unread returns the number of bytes that wait in a pipe; 0 if it cannot be known.
func unread(f *os.File) int {
	raw, err := f.SyscallConn()
	if err != nil {
		return 0
	}
	n := 0
	// TIOCINQ is what Linux calls FIONREAD.
	raw.Control(func(fd uintptr) { n, _ = unix.IoctlGetInt(int(fd), unix.TIOCINQ) })
	return n
}
