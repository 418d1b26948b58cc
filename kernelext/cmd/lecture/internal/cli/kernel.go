package cli

import (
	"context"
	"fmt"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	"deeplearning.example/kernelext/kernel"
	"deeplearning.example/kernelext/setup"
)

type kernelFlags struct {
	connectionFile string
	module         string
}

func newKernel(ios *streams) *cobra.Command {
	var flags kernelFlags
	cmd := &cobra.Command{
		Use:    "kernel --connection-file FILE",
		Short:  "Run the kernel of one notebook: Jupyter starts this",
		Hidden: true,
		Long: `Jupyter and lecture run start this command through the kernelspec that set-up has installed. It runs the cells of one
notebook until it is shut down or the program that started it ends. Its log goes to the standard error.

An interrupt (Ctrl-C, SIGINT) stops the current cell, not the kernel; SIGTERM and SIGHUP end the kernel.`,
		Example: `  lecture kernel --connection-file kernel-1.json
  jupyter console --kernel lecture11          # writes such a file and starts this`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runKernel(cmd.Context(), ios, flags) },
	}
	cmd.Flags().StringVar(&flags.connectionFile, "connection-file", "", "Jupyter's connection `FILE`")
	cmd.Flags().StringVar(&flags.module, "module", "", "root `DIR` of the lecture's clone, whose packages cells import")
	return cmd
}

// runKernel runs the kernel. It reports its errors itself, because an interrupt, which is meant for a cell, ends the context
// that the program's report checks.
func runKernel(ctx context.Context, ios *streams, flags kernelFlags) error {
	if flags.connectionFile == "" {
		return usagef("kernel wants --connection-file FILE, which Jupyter writes; see `lecture kernel --help`")
	}
	if flags.module == "" {
		module, err := setup.ModuleRoot(".")
		if err != nil {
			return err
		}
		flags.module = module
	}
	ctx, stop := signal.NotifyContext(context.WithoutCancel(ctx), syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	err := kernel.Run(ctx, kernel.Config{
		ConnectionFile: flags.connectionFile, Module: flags.module, Log: ios.err, Version: version(),
	})
	if err == nil {
		return nil
	}
	fmt.Fprintf(ios.err, "lecture: %s\n", flat(err))
	return reported{err}
}

// version returns the version of this module that the program was built from, "(devel)" if it is not known.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
