//go:build !linux

package kernel

// delayFarewell does nothing on this system: a program must call gonbui.Sync after its last display. kernelext does so.
func (r *run) delayFarewell(int) {}
