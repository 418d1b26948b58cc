package main

import "syscall"

// dup duplicates from as to; the copy is kept on exec.
func dup(from, to int) error { return syscall.Dup3(from, to, 0) }
