package kernelext

import (
	"os"
	"runtime/debug"
	"strconv"
)

const (
	envMemory   = "LECTURE_MEMORY_LIMIT" // in bytes, set by the supervised kernel, which ends a cell that takes more
	memoryShare = 0.9                    // of the limit is for the Go heap, which does not include XLA's memory
)

func init() { limitMemory(os.Getenv, debug.SetMemoryLimit) }

// limitMemory makes the garbage collector work harder near the cell's limit. A GOMEMLIMIT of the user is kept.
func limitMemory(getenv func(string) string, set func(limit int64) int64) {
	limit, err := strconv.ParseInt(getenv(envMemory), 10, 64)
	if err != nil || limit <= 0 || getenv("GOMEMLIMIT") != "" {
		return
	}
	set(int64(memoryShare * float64(limit)))
}
