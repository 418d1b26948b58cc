//go:build !linux

package kernel

import "os"

// unread returns 0, because the number cannot be known on this system.
func unread(*os.File) int { return 0 }
