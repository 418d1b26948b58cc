package main

import "syscall"

// dup makes to a copy of from that is kept on exec.
func dup(from, to int) error { return syscall.Dup3(from, to, 0) }
