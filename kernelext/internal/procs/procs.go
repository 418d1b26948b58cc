// Package procs looks at other processes: who descends from whom, who carries a mark in its environment, how much
// memory they take. It reads /proc, and knows nothing on systems without it: there its lists are empty.
package procs

// Memory is what some processes take, in bytes.
type Memory struct {
	// Private is the resident memory that each has for itself, summed. Pages that a fork has left common count once
	// for each.
	Private int64
	// Shared is the largest share that one of them has in files and shared segments.
	Shared int64
}
