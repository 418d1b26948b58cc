package machine

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// Cores lists the processor cores that this process may use.
func Cores() []int {
	var set unix.CPUSet
	if unix.SchedGetaffinity(0, &set) != nil {
		return allCores()
	}
	var cores []int
	for core := range len(set) * 64 {
		if set.IsSet(core) {
			cores = append(cores, core)
		}
	}
	return cores
}

// OnCores calls fn. The processes that fn starts may use only the given cores; nil means all that this process may use.
func OnCores(cores []int, fn func() error) error {
	if cores == nil {
		return fn()
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var own, set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &own); err != nil {
		return err
	}
	for _, core := range cores {
		set.Set(core)
	}
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return err
	}
	defer unix.SchedSetaffinity(0, &own)
	return fn()
}
