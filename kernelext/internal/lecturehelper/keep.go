package main

import "syscall"

// keep removes a folder with its content when its stdin ends, that is, when the kernel that holds the other end dies or
// closes it. It outlives the kernel for the time that this takes.
func keep(folder string) int {
	catchSignals()
	for {
		n, err := syscall.Read(fdKernel, make([]byte, 1))
		if n <= 0 && err != syscall.EINTR {
			removeAll(folder)
			return 0
		}
	}
}
