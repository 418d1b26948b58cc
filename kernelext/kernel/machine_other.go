//go:build !linux

package kernel

import "math"

// machineMemory is 0: not known here, so that cells have no limit of memory unless one is set.
func machineMemory() int64 { return 0 }

// freeMemory is not known here.
func freeMemory() int64 { return math.MaxInt64 }
