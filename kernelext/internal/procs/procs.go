// Package procs inspects other processes: their descendants, the marks in their environment, their memory. It reads
// /proc. On systems without /proc its lists are empty.
package procs

// Memory is the memory of some processes, in bytes.
type Memory struct {
	// Private is the sum of the resident memory of each process alone. Pages that a fork has left common count once for
	// each.
	Private int64
	// Shared is the largest share that one of them has in files and shared segments.
	Shared int64
}
