//go:build !linux

package kernelext

import "time"

// drainOutput waits a moment for GoNB to read the text: not every system can report how much a pipe holds.
func drainOutput() { time.Sleep(5 * time.Millisecond) }
