package jupyter

import "syscall"

// groupAttr gives a process a group of its own, and a SIGTERM when this process dies without ending it.
func groupAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
