//go:build !linux

package kernel

// waitsForInput returns false, because the state cannot be seen on this system: no input is offered to a program that
// reads its standard input.
func waitsForInput(int) bool { return false }
