//go:build !linux

package main

import "syscall"

// twoGuards reports whether an inner guard is started.
const twoGuards = false

// becomeReaper is not possible here.
func becomeReaper() {}

// commandAttr starts the command in a new process group. Its descendants are found by this group unless they leave it.
func commandAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// killGroup kills the process group of the command.
func killGroup(pid int) { syscall.Kill(-pid, syscall.SIGKILL) }

// awaitHangup is not called: there is no inner guard.
func awaitHangup(int) {}
