package process

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

const (
	// lockName is the file of a private folder that its owner holds locked.
	lockName = "lock"
	// privateTries is the number of attempts to create a folder, which RemoveStale of another process may remove before
	// it is locked.
	privateTries = 10
	// keeperPause is the time between the death of a keeper and the start of the next.
	keeperPause = 10 * time.Millisecond
	// keeperLimit limits the time in which a keeper must remove the folder. A build folder may have several GB.
	keeperLimit = 10 * time.Second
)

// Private is a folder that is removed at the end of this process, even if it dies by kill -9. A keeper, the helper's
// mode keep, removes it then; so do the guards of commands with this folder. If all of them die at the same moment, the
// folder stays until another process calls RemoveStale.
type Private struct {
	path   string
	helper string
	lock   *os.File // locked until this process ends
	stdin  *os.File // stdin of the keepers
	alive  *os.File // its other end, which ends with this process
	unkept chan struct{}

	mu     sync.Mutex
	gone   bool // Remove was called
	keeper *exec.Cmd
}

// MakePrivate creates a private folder in parent, whose name starts with prefix. helper is the absolute path of the
// program lecture-helper.
func MakePrivate(helper, parent, prefix string) (*Private, error) {
	p := &Private{helper: helper, unkept: make(chan struct{})}
	if err := p.make(parent, prefix); err != nil {
		return nil, fmt.Errorf("process: private folder: %w", err)
	}
	var err error
	if p.stdin, p.alive, err = os.Pipe(); err == nil {
		err = p.startKeeper()
	}
	if err != nil {
		closeAll([]*os.File{p.stdin, p.alive, p.lock})
		return nil, errors.Join(fmt.Errorf("process: keeper of a private folder: %w", err), os.RemoveAll(p.path))
	}
	go p.keep()
	return p, nil
}

// make creates the folder and locks it.
func (p *Private) make(parent, prefix string) error {
	for range privateTries {
		path, err := os.MkdirTemp(parent, prefix)
		if err != nil {
			return err
		}
		if p.lock, err = lockFolder(path, os.O_CREATE); err != nil {
			return errors.Join(err, os.RemoveAll(path))
		}
		if p.lock != nil {
			p.path = path
			return nil
		}
	}
	return fmt.Errorf("%s: others remove what begins with %s", parent, prefix)
}

// Path returns the path of the folder.
func (p *Private) Path() string { return p.path }

// Keeper returns the process id of the keeper.
func (p *Private) Keeper() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.keeper.Process.Pid
}

func (p *Private) startKeeper() error {
	cmd := keeper(p.helper, p.path, p.stdin)
	if err := cmd.Start(); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keeper = cmd
	return nil
}

// keeper returns the command that removes folder when stdin ends.
func keeper(helper, folder string, stdin *os.File) *exec.Cmd {
	return &exec.Cmd{
		Path: helper, Args: []string{"lecture-helper", "keep", folder}, Dir: "/", Stdin: stdin,
		SysProcAttr: &syscall.SysProcAttr{Setsid: true},
	}
}

// keep starts a new keeper when one dies, until the folder is to be removed.
func (p *Private) keep() {
	defer close(p.unkept)
	for {
		_ = p.keeper.Wait() // the manner of its end does not matter
		if p.isGone() {
			return
		}
		time.Sleep(keeperPause)
		if p.startKeeper() != nil {
			return // no processes left: the guards remove the folder, or Remove does
		}
	}
}

func (p *Private) isGone() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.gone
}

// Remove removes the folder, including the content of folders that cannot be written. It returns when that is done and
// the keeper has ended. Later calls do nothing.
func (p *Private) Remove() error {
	p.mu.Lock()
	again := p.gone
	p.gone = true
	p.mu.Unlock()
	if again {
		return nil
	}
	p.alive.Close()
	select {
	case <-p.unkept:
	case <-time.After(keeperLimit):
	}
	err := os.RemoveAll(p.path) // needed if the keeper was killed
	closeAll([]*os.File{p.stdin, p.lock})
	if err != nil {
		return fmt.Errorf("process: private folder: %w", err)
	}
	return nil
}

// lockPath returns the path of a private folder's lock.
func lockPath(folder string) string { return filepath.Join(folder, lockName) }
