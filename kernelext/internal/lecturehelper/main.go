// Command lecture-helper is the program that GoNB and the supervised kernel start below the kernel. It is small,
// because each cell waits for it several times. Its work depends on how it is called:
//
//	go, goimports       ask the kernel to build the cell; anything else goes to the real program
//	lecture-helper      guard, keep, shell or script, by the first argument
//	any other name      the launcher of the program NAME.cell: GoNB takes it for the cell's program
//
// See package agent for its requests to the kernel, and package process for guard and keep.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

const (
	codeUsage    = 2
	codeCannot   = 126 // found, but it cannot be started
	codeMissing  = 127 // not found
	codeRefused  = 130 // as if by SIGINT
	codeBySignal = 128 // plus the signal's number
)

const usage = "usage: lecture-helper shell LINE | script PROGRAM [ARGUMENT...] | keep FOLDER | guard ..."

func main() {
	os.Exit(run(os.Args))
}

func run(argv []string) int {
	switch filepath.Base(argv[0]) {
	case "go":
		return goCommand(argv[1:])
	case "goimports":
		return goimports(argv[1:])
	case "lecture-helper":
		return subcommand(argv[1:])
	}
	return launch(argv)
}

func subcommand(args []string) int {
	if len(args) < 2 {
		return complain(codeUsage, usage)
	}
	switch mode, args := args[0], args[1:]; {
	case mode == "guard" && len(args) >= guardArgs:
		return guardMain(args)
	case mode == "shell" && len(args) == 1:
		return runChild(shellChild(args[0]))
	case mode == "keep" && len(args) == 1:
		return keep(args[0])
	case mode == "script":
		return runChild(scriptChild(args))
	}
	return complain(codeUsage, usage)
}

// complain prints one line to stderr and returns code.
func complain(code int, format string, args ...any) int {
	fmt.Fprintf(os.Stderr, "lecture-helper: "+format+"\n", args...)
	return code
}
