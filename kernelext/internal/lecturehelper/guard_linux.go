package main

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// twoGuards reports whether an inner guard is started, which is useful only with a subreaper.
const twoGuards = true

// setChildSubreaper is PR_SET_CHILD_SUBREAPER of prctl(2).
const setChildSubreaper = 36

// becomeReaper makes this process the parent of all orphans below it. Every Linux since 3.4 can.
func becomeReaper() { syscall.RawSyscall(syscall.SYS_PRCTL, setChildSubreaper, 1, 0) }

// commandAttr kills the command when the guard is killed.
func commandAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// killGroup does nothing, because the search over all processes finds more than the group.
func killGroup(int) {}

// awaitHangup waits until no process holds the other end of a pipe. It reads nothing.
func awaitHangup(fd int) {
	for {
		fds := []unix.PollFd{{Fd: int32(fd)}}
		if _, err := unix.Poll(fds, -1); err != unix.EINTR {
			return
		}
	}
}
