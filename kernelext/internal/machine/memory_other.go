//go:build !linux

package machine

import "math"

// Memory returns 0, because it is not known on this system. Cells have no limit of memory unless one is set.
func Memory() int64 { return 0 }

// FreeMemory returns the largest number, because it is not known on this system.
func FreeMemory() int64 { return math.MaxInt64 }
