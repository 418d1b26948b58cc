//go:build !linux

package main

import "syscall"

// twoGuards says whether an inner guard is started.
const twoGuards = false

// becomeReaper is not possible here.
func becomeReaper() {}

// commandAttr gives the command a process group of its own, by which what it starts is known as far as it stays there.
func commandAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// killGroup kills the process group of the command.
func killGroup(pid int) { syscall.Kill(-pid, syscall.SIGKILL) }

// awaitHangup is not called: there is no inner guard.
func awaitHangup(int) {}
