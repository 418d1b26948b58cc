//go:build !linux

package kernel

// delayFarewell has no means here: a program must call gonbui.Sync, or kernelext, which does, after its last display.
func (r *run) delayFarewell(int) {}
