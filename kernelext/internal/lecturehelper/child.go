package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"deeplearning.example/kernelext/internal/agent"
)

// shellPath is the shell of GoNB's own "!" lines.
const shellPath = "/bin/bash"

// child is a program that runs below the helper.
type child struct {
	op   string
	asks []string // the arguments sent to the kernel
	argv []string
}

func shellChild(line string) child {
	return child{op: agent.OpShell, asks: []string{line}, argv: []string{shellPath, "-c", line}}
}

func scriptChild(argv []string) child {
	return child{op: agent.OpScript, asks: argv, argv: argv}
}

// runChild runs c with the kernel's permission and pipes, and reports its end to the kernel. An interrupt concerns the
// child: the kernel signals all processes of a cell, and the helper continues so that it can report the exit.
func runChild(c child) int {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	p, err := askLeave(c.op, c.asks)
	if err != nil {
		return denied(err)
	}
	code := c.run(p, signals)
	if p.conn != nil {
		_, _, _ = p.conn.Ask(agent.Request{Op: agent.OpExit, Code: code}) // the kernel may have ended by now
		p.conn.Close()
	}
	return code
}

func (c child) run(p *permit, signals <-chan os.Signal) int {
	if err := p.restrain(); err != nil {
		return p.complain(codeCannot, c.argv[0], err)
	}
	cmd := exec.Command(c.argv[0], c.argv[1:]...)
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = p.env, p.stdin, p.stdout, p.stderr
	if len(signals) > 0 {
		return codeRefused
	}
	if err := cmd.Start(); err != nil {
		if errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist) {
			return p.complain(codeMissing, c.argv[0], err)
		}
		return p.complain(codeCannot, c.argv[0], err)
	}
	p.dropPipes()
	for len(signals) > 0 { // arrived before the child could receive it
		cmd.Process.Signal(<-signals)
	}
	_ = cmd.Wait() // the state has the details
	return exitCode(cmd.ProcessState.Sys().(syscall.WaitStatus))
}

// complain reports an error on the stderr that was meant for the child.
func (p *permit) complain(code int, program string, err error) int {
	fmt.Fprintf(p.stderr, "lecture-helper: %s: %v\n", program, err)
	return code
}

// dropPipes closes the kernel's pipes in this process, so that they end with the child and its descendants.
func (p *permit) dropPipes() {
	if p.stdout != os.Stdout {
		p.stdout.Close()
		p.stderr.Close()
	}
}

// exitCode returns the code in the form of a shell.
func exitCode(status syscall.WaitStatus) int {
	if status.Signaled() {
		return codeBySignal + int(status.Signal())
	}
	return status.ExitStatus()
}
