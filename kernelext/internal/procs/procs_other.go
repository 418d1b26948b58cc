//go:build !linux

package procs

// Descendants is not known here.
func Descendants(int) []int { return nil }

// Marked is not known here.
func Marked(string) []int { return nil }

// Family is not known here.
func Family(int, string) []int { return nil }

// Resident is not known here.
func Resident(int) int64 { return 0 }

// Tree is not known here.
func Tree(int) []int { return nil }

// Usage is not known here.
func Usage(int, ...int) (m Memory, living int) { return m, 0 }

// Asleep is true: it cannot be seen here.
func Asleep(int) bool { return true }
