// Command tracer records the start and the end of a program that GoNB or the go command calls. Called as "go" or
// "goimports" it runs the program of that name; with -toolexec of the go command, the tool of its arguments.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

// Environment variables with the tracer's output file, and the PATH of the real programs.
const (
	envLog  = "CELLS_TRACE"
	envPath = "CELLS_PATH"
)

func main() {
	code, err := run(filepath.Base(os.Args[0]), os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "tracer:", err)
		code = 1
	}
	os.Exit(code)
}

// run runs the real program and returns its exit code.
func run(name string, args []string) (int, error) {
	program := name
	switch {
	case name == "goimports":
	case len(args) == 0:
		return 0, errors.New("want arguments")
	case name == "go":
		name += " " + args[0]
	default:
		program, args = args[0], args[1:]
		name = filepath.Base(program)
	}
	if err := os.Setenv("PATH", os.Getenv(envPath)); err != nil {
		return 0, err
	}
	begin := time.Now()
	cmd := exec.Command(program, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err := cmd.Run()
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
		return 0, err
	}
	if slices.Contains(args, "-V=full") { // the go command asks for a version, which is part of the command's time
		return cmd.ProcessState.ExitCode(), nil
	}
	return cmd.ProcessState.ExitCode(), note(name, begin, time.Now())
}

// note writes a line to the log: name, start and end in nanoseconds.
func note(name string, begin, end time.Time) error {
	file, err := os.OpenFile(os.Getenv(envLog), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(file, "%s\t%d\t%d\n", name, begin.UnixNano(), end.UnixNano())
	return errors.Join(err, file.Close())
}
