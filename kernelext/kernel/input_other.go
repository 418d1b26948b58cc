//go:build !linux

package kernel

// waitsForInput is not known here: a program that reads its standard input is not helped.
func waitsForInput(int) bool { return false }
