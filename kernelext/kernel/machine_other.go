//go:build !linux

package kernel

import "math"

// machineMemory returns 0, because it is not known on this system. Cells have no limit of memory unless one is set.
func machineMemory() int64 { return 0 }

// freeMemory is not known here.
func freeMemory() int64 { return math.MaxInt64 }
