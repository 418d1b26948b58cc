package main

import "syscall"

// keep removes a folder, with all that is in it, when its stdin ends: when the kernel which holds the other end dies,
// or lets go. It outlives the kernel by as long as that takes.
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
