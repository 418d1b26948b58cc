// Package cli implements the command line `lecture`. Each command has a file with its options, their checks and its work.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"deeplearning.example/kernelext/setup"
)

// Exit codes of the program.
const (
	exitOK          = 0
	exitFailure     = 1
	exitUsage       = 2
	exitInterrupted = 130 // as a shell counts SIGINT
)

// streams are the input and the outputs of a command.
type streams struct {
	in       io.Reader
	out, err io.Writer
	terminal bool // out is a terminal
}

// usageError is a mistake of the user on the command line.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// reported is a failure that the command has already reported.
type reported struct{ error }

// Main runs the program and returns its exit code: 0, 1 for a failure, 2 for a mistake on the command line, 130 after Ctrl-C.
func Main(args []string, in io.Reader, out, errOut io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, func() {
		time.Sleep(time.Second) // one Ctrl-C may come as two signals, from the terminal and from a parent process
		stop()                  // from now on another one ends the process at once
	})
	file, isFile := out.(*os.File)
	ios := &streams{in: in, out: out, err: errOut, terminal: isFile && term.IsTerminal(int(file.Fd()))}
	root := newRoot(ios)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	return ios.report(ctx, err)
}

// report prints an error as one line and returns the exit code.
func (ios *streams) report(ctx context.Context, err error) int {
	var usage usageError
	var told reported
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &told):
		return exitFailure
	case ctx.Err() != nil:
		fmt.Fprintln(ios.err, "lecture: interrupted")
		return exitInterrupted
	case errors.As(err, &usage):
		fmt.Fprintf(ios.err, "lecture: %s\n", flat(err))
		return exitUsage
	}
	fmt.Fprintf(ios.err, "lecture: %s\n", flat(err))
	return exitFailure
}

// flat returns a message as one line.
func flat(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

// newRoot builds the command with its sub-commands.
func newRoot(ios *streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "lecture",
		Short: "Runs the deep learning lecture: Go notebooks on GoNB, GoMLX and XLA",
		Example: `  lecture run                       # all notebooks, results in out/
  lecture doctor                    # what is installed, what is missing`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          noArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		// The number of letters that may be wrong in a command for it to be suggested.
		SuggestionsMinimumDistance: 2,
	}
	root.SetIn(ios.in)
	root.SetOut(ios.out)
	root.SetErr(ios.err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef("%w; see `%s --help`", err, cmd.CommandPath())
	})
	root.AddCommand(newSetup(ios), newDoctor(ios), newRun(ios), newLab(ios), newParams(ios), newLint(ios),
		newModels(ios), newKernel(ios))
	return root
}

// noArgs refuses arguments, and suggests a command with a similar name.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	text := fmt.Sprintf("%s takes no argument %q", cmd.CommandPath(), args[0])
	if cmd.HasSubCommands() {
		text = fmt.Sprintf("unknown command %q of %s", args[0], cmd.CommandPath())
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			text += ", perhaps " + strings.Join(near, " or ")
		}
	}
	return usagef("%s; see `%s --help`", text, cmd.CommandPath())
}

// setupOptions returns the options of set-up for this module and these streams.
func setupOptions(ios *streams) (setup.Options, error) {
	module, err := setup.ModuleRoot(".")
	if err != nil {
		return setup.Options{}, err
	}
	return setup.Options{
		Module:   module,
		Out:      ios.out,
		Terminal: ios.terminal,
		Plugin:   os.Getenv(setup.EnvPlugin),
	}, nil
}
