//go:build !linux

package procs

// Descendants returns nothing on this system.
func Descendants(int) []int { return nil }

// Marked returns nothing on this system.
func Marked(string) []int { return nil }

// Family returns nothing on this system.
func Family(int, string) []int { return nil }

// Resident returns nothing on this system.
func Resident(int) int64 { return 0 }

// Tree returns nothing on this system.
func Tree(int) []int { return nil }

// Usage returns nothing on this system.
func Usage(int, ...int) (m Memory, living int) { return m, 0 }

// Asleep returns true, because the state cannot be seen on this system.
func Asleep(int) bool { return true }
