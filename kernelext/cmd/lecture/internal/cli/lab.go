package cli

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"deeplearning.example/kernelext/setup"
)

func newLab(ios *streams) *cobra.Command {
	return &cobra.Command{
		Use:   "lab [folder] [-- jupyter-lab's own flags]",
		Short: "Start JupyterLab on the notebooks",
		Long: `Starts JupyterLab on the lecture's notebooks, or on another folder: the kernel "Go · Lecture 11" works in
any folder. JupyterLab is taken from PATH; otherwise it is installed once in a private environment with pinned versions.`,
		Example: `  lecture lab
  lecture lab ~/homework -- --no-browser --port 8899`,
		RunE: func(cmd *cobra.Command, args []string) error {
			folders := args
			if dash := cmd.ArgsLenAtDash(); dash >= 0 {
				folders = args[:dash]
			}
			return runLab(cmd.Context(), ios, folders, args[len(folders):])
		},
	}
}

func runLab(ctx context.Context, ios *streams, folders, flags []string) error {
	if len(folders) > 1 {
		return usagef("lab takes one folder, not %d", len(folders))
	}
	opts, err := setupOptions(ios)
	if err != nil {
		return err
	}
	folder := filepath.Join(opts.Module, "notebooks")
	if len(folders) == 1 {
		folder = folders[0]
	}
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return usagef("%s is not a folder", folder)
	}
	opts.Quiet = true
	if err := setup.Run(ctx, opts, append(setupSteps(), setup.StepLab())); err != nil {
		return err
	}
	args := append([]string{"--ServerApp.root_dir=" + absolute(folder)}, flags...)
	lab := exec.CommandContext(ctx, setup.FindLab(), args...)
	lab.Stdin, lab.Stdout, lab.Stderr = ios.in, ios.out, ios.err
	lab.Dir = folder
	// SIGTERM lets the server end its kernels without asking "Shutdown this server (y/[n])?".
	lab.Cancel = func() error { return lab.Process.Signal(syscall.SIGTERM) }
	lab.WaitDelay = 20 * time.Second
	return lab.Run()
}

func absolute(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	return abs
}
