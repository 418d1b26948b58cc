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
	asks []string // what the kernel is told
	argv []string
}

func shellChild(line string) child {
	return child{op: agent.OpShell, asks: []string{line}, argv: []string{shellPath, "-c", line}}
}

func scriptChild(argv []string) child {
	return child{op: agent.OpScript, asks: argv, argv: argv}
}

// runChild runs c with the kernel's leave and pipes, and tells the kernel how it ended. An interrupt is the child's:
// the kernel signals all processes of a cell, and the helper stays to tell of the end.
func runChild(c child) int {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	p, err := askLeave(c.op, c.asks)
	if err != nil {
		return denied(err)
	}
	code := c.run(p, signals)
	if p.conn != nil {
		_, _, _ = p.conn.Ask(agent.Request{Op: agent.OpExit, Code: code}) // the kernel may be gone by now
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
	for len(signals) > 0 { // came before the child could get it
		cmd.Process.Signal(<-signals)
	}
	_ = cmd.Wait() // the state says it all
	return exitCode(cmd.ProcessState.Sys().(syscall.WaitStatus))
}

// complain says on the stderr that the child would have had what was wrong with it.
func (p *permit) complain(code int, program string, err error) int {
	fmt.Fprintf(p.stderr, "lecture-helper: %s: %v\n", program, err)
	return code
}

// dropPipes closes the kernel's pipes here, so that they end with the child and what it leaves behind.
func (p *permit) dropPipes() {
	if p.stdout != os.Stdout {
		p.stdout.Close()
		p.stderr.Close()
	}
}

// exitCode is the code as a shell gives it.
func exitCode(status syscall.WaitStatus) int {
	if status.Signaled() {
		return codeBySignal + int(status.Signal())
	}
	return status.ExitStatus()
}
