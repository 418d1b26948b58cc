// Package machine describes the memory and the processor cores that a program may use.
package machine

import "runtime"

// allCores numbers the cores of the machine.
func allCores() []int {
	cores := make([]int, runtime.NumCPU())
	for i := range cores {
		cores[i] = i
	}
	return cores
}
