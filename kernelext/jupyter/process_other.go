//go:build !linux

package jupyter

import "syscall"

// groupAttr starts a process in a new group.
func groupAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
