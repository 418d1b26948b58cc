package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"deeplearning.example/kernelext/internal/procs"
)

const (
	killPause = 5 * time.Millisecond
	// spareTime is the time that the outer guard leaves the inner guard to end by itself. While both live, either may
	// be killed and nothing is lost.
	spareTime = time.Second
	// killLimit limits the time in which killed processes must vanish; one in an uninterruptible sleep needs some time.
	killLimit = 5 * time.Second

	removeTries = 10
	removePause = 20 * time.Millisecond
)

// end describes how a guard's child ended.
type end struct {
	done   chan struct{} // closed when status is set
	status syscall.WaitStatus
}

// reap waits for all children, including those that became children of this guard. empty is closed when none is left.
func reap(child int) (ended *end, empty <-chan struct{}) {
	ended = &end{done: make(chan struct{})}
	none := make(chan struct{})
	go func() {
		defer close(none)
		for {
			var status syscall.WaitStatus
			pid, err := syscall.Wait4(-1, &status, 0, nil)
			switch {
			case err == syscall.EINTR:
			case err != nil: // ECHILD
				return
			case pid == child:
				ended.status = status
				close(ended.done)
			}
		}
	}()
	return ended, none
}

// killAll kills the processes below this guard until none is left. It looks repeatedly, because a process may fork
// between the look and the kill.
func (g *guard) killAll(empty <-chan struct{}) {
	begin := time.Now()
	for time.Since(begin) < killLimit {
		spared := 0
		if !g.starts && time.Since(begin) < spareTime {
			spared = g.child
		}
		killGroup(g.child)
		for _, pid := range procs.Descendants(os.Getpid()) {
			if pid != spared {
				syscall.Kill(pid, syscall.SIGKILL)
			}
		}
		select {
		case <-empty:
			return
		case <-time.After(killPause):
		}
	}
}

// finish leaves the private folder in its final state, and reports how the command ended. The outer guard has nothing
// to report if the inner guard ended by itself.
func (g *guard) finish(ended *end) {
	for _, pid := range procs.Marked(g.mark) { // none, if the system works as documented
		syscall.Kill(pid, syscall.SIGKILL)
	}
	if kernelDied() {
		if g.private != "" {
			removeAll(g.private)
		}
		return
	}
	select {
	case <-ended.done:
	default: // it does not die
		return
	}
	if !g.starts && ended.status.Exited() && ended.status.ExitStatus() == 0 {
		return
	}
	g.emptyScratch()
	tell(event{Exit: describe(ended.status), Code: exitCode(ended.status)})
}

// kernelDied reports whether no process holds the other end of the kernel's pipe any more.
func kernelDied() bool {
	if err := syscall.SetNonblock(fdKernel, true); err != nil {
		return true
	}
	n, err := syscall.Read(fdKernel, make([]byte, 1))
	return n == 0 && err == nil
}

// emptyScratch removes the content of the folder tmp of the private folder.
func (g *guard) emptyScratch() {
	if g.private == "" {
		return
	}
	scratch := filepath.Join(g.private, "tmp")
	entries, _ := os.ReadDir(scratch) // it may be missing
	for _, entry := range entries {
		removeAll(filepath.Join(scratch, entry.Name()))
	}
}

// removeAll also removes the content of folders that cannot be written, such as the module cache, and tries again if a
// process still writes there.
func removeAll(path string) {
	for range removeTries {
		if os.RemoveAll(path) == nil {
			return
		}
		filepath.WalkDir(path, func(path string, entry fs.DirEntry, err error) error {
			if entry != nil && entry.IsDir() {
				os.Chmod(path, 0o700)
			}
			return nil
		})
		time.Sleep(removePause)
	}
}

// describe describes the end of a process in the words of package os.
func describe(status syscall.WaitStatus) string {
	if status.Signaled() {
		text := "signal: " + status.Signal().String()
		if status.CoreDump() {
			text += " (core dumped)"
		}
		return text
	}
	return "exit status " + strconv.Itoa(status.ExitStatus())
}
