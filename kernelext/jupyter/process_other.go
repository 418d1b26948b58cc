//go:build !linux

package jupyter

import "syscall"

// groupAttr gives a process a group of its own.
func groupAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

// family finds no process here: without /proc only the group is known, and End kills that.
func family(int, string) []int { return nil }

// treeMemory is not known here.
func treeMemory(int) int64 { return 0 }
