package build

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"
)

// pipePatience limits the wait for a killed tool's pipes, which one of its children may hold open.
const pipePatience = time.Second

// command is a tool to run.
type command struct {
	Path string
	Args []string
	Dir  string
	Env  []string
}

// run runs a tool in its own process group, which is killed as a whole when ctx ends. It returns the tool's exit code
// and its output on both streams. An error is one of ctx or of starting the tool.
func run(ctx context.Context, c command) (code int, output string, err error) {
	var out bytes.Buffer
	code, err = start(ctx, c, &out, &out)
	return code, out.String(), err
}

// runSplit is run for a tool whose standard output is data; a failure is an error with the text of the other stream.
func runSplit(ctx context.Context, c command) (string, error) {
	var out, said bytes.Buffer
	code, err := start(ctx, c, &out, &said)
	if err == nil && code != 0 {
		err = fmt.Errorf("build: %s %v: exit code %d: %s", c.Path, c.Args, code, firstLine(said.String()))
	}
	return out.String(), err
}

func start(ctx context.Context, c command, stdout, stderr *bytes.Buffer) (int, error) {
	cmd := exec.CommandContext(ctx, c.Path, c.Args...)
	cmd.Dir, cmd.Env = c.Dir, append(c.Env[:len(c.Env):len(c.Env)], "PWD="+c.Dir)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.WaitDelay = pipePatience
	ownGroup(cmd)
	err := cmd.Run()
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	if errors.Is(err, exec.ErrWaitDelay) {
		return 0, nil // it has ended with success, and one of its children holds the pipes
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if code := exit.ExitCode(); code >= 0 {
			return code, nil
		}
		return 1, nil // killed by a signal; the go command says so in its output
	}
	if err != nil {
		return 0, fmt.Errorf("build: %w", err)
	}
	return 0, nil
}
