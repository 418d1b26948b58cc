package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"deeplearning.example/kernelext/setup"
)

type setupFlags struct {
	uninstall bool
	repair    bool
	plugin    string
	prefix    string
	only      []string
}

func newSetup(ios *streams) *cobra.Command {
	var flags setupFlags
	cmd := &cobra.Command{
		Use:   "setup",
		Short: "Build the kernel and its tools, install XLA's plugin, register the kernel",
		Long: `Builds the kernel and its tools (gonb, goimports, gopls) in a private folder, finds or downloads XLA's
plugin, tests it in another process, registers the kernel "Go · Lecture 11" for all Jupyter front ends, and compiles the
packages that cells import. Parts that are already installed are kept; the kernel is rebuilt if its sources have changed.

Set-up looks for the plugin in this order: one already installed, CUDA where an NVIDIA device is present, go-xla's own
installer, a pinned wheel checked by SHA-256; else everything is computed in pure Go, which is about 14 times slower.

LECTURE_PLUGIN works as --plugin; HOME, XDG_DATA_HOME, XDG_CACHE_HOME, JUPYTER_DATA_DIR and PJRT_PLUGIN_LIBRARY_PATH
move the folders.`,
		Example: `  lecture setup
  lecture setup --plugin /media/stick/lammps_jax_pjrt_cpu-0.11.2-py3-none-manylinux_2_27_x86_64.whl
  lecture setup --uninstall`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runSetup(cmd.Context(), ios, flags) },
	}
	cmd.Flags().BoolVar(&flags.uninstall, "uninstall", false, "remove everything that set-up installed on this machine")
	cmd.Flags().BoolVar(&flags.repair, "repair", false, "test plugins again that were refused before")
	cmd.Flags().StringVar(&flags.plugin, "plugin", "", "install this local wheel or plugin `FILE`")
	cmd.Flags().StringVar(&flags.prefix, "prefix", "", "put the kernelspec in `DIR`/share/jupyter")
	cmd.Flags().StringSliceVar(&flags.only, "only", nil, "do only these `STEPS`: "+stepNames())
	return cmd
}

// setupSteps returns the steps of set-up.
func setupSteps() []setup.Step { return setup.Steps() }

func stepNames() string {
	names := ""
	for i, step := range setupSteps() {
		if i > 0 {
			names += ", "
		}
		names += step.Name
	}
	return names
}

func runSetup(ctx context.Context, ios *streams, flags setupFlags) error {
	opts, err := setupOptions(ios)
	if err != nil {
		return err
	}
	opts.Prefix, opts.Repair, opts.Only = flags.prefix, flags.repair, flags.only
	if flags.plugin != "" {
		opts.Plugin = flags.plugin
	}
	if flags.uninstall {
		return setup.Uninstall(ctx, opts)
	}
	if err := setup.Run(ctx, opts, setupSteps()); err != nil {
		return err
	}
	fmt.Fprintln(ios.out, "set-up is complete")
	return nil
}
