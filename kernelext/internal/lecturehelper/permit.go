package main

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"

	"deeplearning.example/kernelext/internal/agent"
)

// oomScore makes Linux end a cell's processes, and not the kernel or the notebook server, when memory runs out.
const oomScore = "800"

// permit is the kernel's permission to start something.
type permit struct {
	conn   *agent.Conn // nil without a kernel
	env    []string    // environment of the program to start
	stdin  *os.File    // this process's own, or one that is at its end
	stdout *os.File    // the kernel's pipes, or this process's own
	stderr *os.File
	limit  uint64 // largest size of a written file in bytes, 0 for no limit
}

var errRefused = errors.New("refused")

// askLeave asks the kernel for permission to start args. Without a kernel everything is allowed. The error is
// errRefused if the kernel refuses.
func askLeave(op string, args []string) (*permit, error) {
	p := &permit{env: os.Environ(), stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr}
	conn, err := agent.Dial()
	if noKernel(err) {
		return p, nil
	}
	if err != nil {
		return nil, err
	}
	dir, _ := os.Getwd() // start even if the folder was removed
	reply, files, err := conn.Ask(agent.Request{Op: op, Args: args, Dir: dir})
	if err != nil {
		return nil, err
	}
	if reply.Refuse != "" {
		return nil, errRefused
	}
	p.conn, p.env, p.limit = conn, overlay(p.env, reply.Env), reply.FileSize
	if len(files) == 2 {
		p.stdout, p.stderr = files[0], files[1]
	}
	if reply.NoInput {
		p.stdin, err = os.Open(os.DevNull)
	}
	return p, err
}

// noKernel reports whether there is no kernel at all, rather than one that does not answer.
func noKernel(err error) bool {
	return errors.Is(err, agent.ErrAbsent) || errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, fs.ErrNotExist)
}

// denied returns the exit code after an error of askLeave. A refusal is silent: the kernel has told the user why.
func denied(err error) int {
	if errors.Is(err, errRefused) {
		return codeRefused
	}
	return complain(1, "%v", err)
}

// restrain applies the limits to this process, and so to the programs that it becomes or starts.
func (p *permit) restrain() error {
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte(oomScore), 0) // not available on every system
	if p.limit == 0 {
		return nil
	}
	var now syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &now); err != nil {
		return err
	}
	limit := min(p.limit, uint64(now.Max))
	return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: limit, Max: limit})
}

// overlay adds NAME=value entries to an environment, replacing those of the same name.
func overlay(base, over []string) []string {
	env := slices.DeleteFunc(slices.Clone(base), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return slices.ContainsFunc(over, func(o string) bool { return strings.HasPrefix(o, name+"=") })
	})
	return append(env, over...)
}
