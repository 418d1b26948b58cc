//go:build !linux

package kernelext

import "time"

// drainOutput gives GoNB time to read what was printed: pipes cannot be asked for it everywhere.
func drainOutput() { time.Sleep(5 * time.Millisecond) }
