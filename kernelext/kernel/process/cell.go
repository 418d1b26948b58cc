package process

import (
	"slices"
	"syscall"

	"deeplearning.example/kernelext/internal/procs"
)

const (
	// quietLooks is the number of looks in a row that must find no new process: one that gets a new parent meanwhile
	// can escape a single look.
	quietLooks = 2
	// looksLimit ends the search for a program that starts others faster than they can be signalled.
	looksLimit = 100
)

// Usage is the memory and the number of a cell's processes.
type Usage struct {
	// RSS is resident memory in bytes: the sum of the private memory of each process, and the largest share of one of
	// them in files and segments that others may have mapped too.
	RSS int64
	// Processes is their number.
	Processes int
}

// Cell lists the living processes below the guard, without the command itself. A process that starts at this moment
// may be missing.
func (g *Guarded) Cell() []int {
	if g.isDone() {
		return nil
	}
	return slices.DeleteFunc(procs.Tree(g.cmd.Process.Pid), g.isOurs)
}

// isOurs reports whether a process is the guard or the command, and not one of a cell.
func (g *Guarded) isOurs(pid int) bool { return pid == g.inner || pid == g.pid }

// Signal sends sig to every process of Cell, until a look finds no new one, and returns their number. The command
// itself gets none.
func (g *Guarded) Signal(sig syscall.Signal) int {
	sent := map[int]bool{}
	for looks, quiet := 0, 0; looks < looksLimit && quiet < quietLooks && !g.isDone(); looks++ {
		quiet++
		for _, pid := range procs.Descendants(g.cmd.Process.Pid) {
			if g.isOurs(pid) || sent[pid] {
				continue
			}
			quiet = 0
			if syscall.Kill(pid, sig) == nil {
				sent[pid] = true
			}
		}
	}
	return len(sent)
}

// Usage returns the present usage of the processes of Cell. It takes well below a ms for a few processes, so it can be
// called many times a second.
func (g *Guarded) Usage() Usage {
	if g.isDone() {
		return Usage{}
	}
	memory, n := procs.Usage(g.cmd.Process.Pid, g.inner, g.pid)
	return Usage{RSS: memory.Private + memory.Shared, Processes: n}
}
