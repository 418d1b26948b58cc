//go:build !linux

package machine

// Cores lists the processor cores of the machine.
func Cores() []int { return allCores() }

// OnCores calls fn. Processes cannot be kept on some cores on this system.
func OnCores(cores []int, fn func() error) error { return fn() }
