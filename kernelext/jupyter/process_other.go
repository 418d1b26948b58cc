//go:build !linux

package jupyter

import "syscall"

// groupAttr gives a process a group of its own.
func groupAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
