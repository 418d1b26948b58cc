package main

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// launch becomes the cell's program. The program is named by its own path and not by the launcher's, so that a program
// that starts itself again gets the pipes that it passes.
func launch(argv []string) int {
	program := argv[0] + ".cell"
	p, err := askLeave("launch", argv)
	if err != nil {
		return denied(err)
	}
	if err := p.takePipes(); err != nil {
		return complain(codeCannot, "pipes of the cell: %v", err)
	}
	if err := p.restrain(); err != nil {
		return complain(codeCannot, "limits of the cell: %v", err)
	}
	err = syscall.Exec(program, append([]string{program}, argv[1:]...), p.env)
	return cannotStart(program, err)
}

// takePipes sets the kernel's pipes as this process's stdout and stderr, and sets the stdin.
func (p *permit) takePipes() error {
	for to, f := range []*os.File{p.stdin, p.stdout, p.stderr} {
		if int(f.Fd()) == to {
			continue
		}
		if err := dup(int(f.Fd()), to); err != nil {
			return err
		}
	}
	return nil
}

func cannotStart(program string, err error) int {
	if errors.Is(err, fs.ErrNotExist) {
		return complain(codeMissing, "%s is missing: this is only the launcher of the cell's program", program)
	}
	return complain(codeCannot, "%s: %v", program, err)
}
