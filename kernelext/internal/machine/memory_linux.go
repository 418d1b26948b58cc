package machine

import (
	"bytes"
	"os"
	"strconv"
	"strings"
)

// cgroupLimits are the files of a container's memory limit, for both versions of cgroups.
var cgroupLimits = []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}

// Memory returns the memory of the machine, or of the container if that is less, in bytes; 0 if it is not known.
func Memory() int64 {
	memory := memInfo("MemTotal:")
	for _, file := range cgroupLimits {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		if n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && n < memory {
			memory = n
		}
	}
	return memory
}

// FreeMemory returns the available memory of the machine in bytes.
func FreeMemory() int64 { return memInfo("MemAvailable:") }

// memInfo reads a line of /proc/meminfo.
func memInfo(name string) int64 {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	for line := range bytes.Lines(text) {
		if rest, ok := bytes.CutPrefix(line, []byte(name)); ok {
			fields := bytes.Fields(rest)
			if len(fields) > 0 {
				n, _ := strconv.ParseInt(string(fields[0]), 10, 64) // digits, always
				return n << 10
			}
		}
	}
	return 0
}
