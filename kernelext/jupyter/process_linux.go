package jupyter

import "syscall"

// groupAttr starts a process in a new group, and sends it a SIGTERM if this process dies without ending it.
func groupAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
