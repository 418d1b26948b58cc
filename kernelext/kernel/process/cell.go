package process

import (
	"slices"
	"syscall"

	"deeplearning.example/kernelext/internal/procs"
)

const (
	// quietLooks is how many looks in a row must find no new process: one that is handed to a new parent meanwhile can
	// escape a single look.
	quietLooks = 2
	// looksLimit ends the hunt for a program that starts others faster than they can be signalled.
	looksLimit = 100
)

// Usage is what the processes of a cell take.
type Usage struct {
	// RSS is resident memory in bytes: what each process has for itself, and the largest share that one has in
	// files and segments that others may have mapped too.
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

// isOurs tells the guard and the command from the processes of a cell.
func (g *Guarded) isOurs(pid int) bool { return pid == g.inner || pid == g.pid }

// Signal sends sig to every process of Cell, looking again until no new one appears, and says to how many. The command
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

// Usage is what the processes of Cell take now. It takes well below a ms for a few processes, so that it can be asked
// many times a second.
func (g *Guarded) Usage() Usage {
	if g.isDone() {
		return Usage{}
	}
	memory, n := procs.Usage(g.cmd.Process.Pid, g.inner, g.pid)
	return Usage{RSS: memory.Private + memory.Shared, Processes: n}
}
