package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"deeplearning.example/kernelext/setup"
)

type doctorFlags struct {
	json   bool
	prefix string
}

func newDoctor(ios *streams) *cobra.Command {
	var flags doctorFlags
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Show what is installed, what is missing, and the command that fixes it",
		Long: `Checks everything that the lecture needs, and changes nothing. The exit code is 1 when something necessary is
missing; a warning means that the lecture runs, but slower or less conveniently.`,
		Example: `  lecture doctor
  lecture doctor --json | jq '.[] | select(.status != "ok")'`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runDoctor(cmd.Context(), ios, flags) },
	}
	cmd.Flags().BoolVar(&flags.json, "json", false, "print the table as JSON")
	cmd.Flags().StringVar(&flags.prefix, "prefix", "", "look for the kernelspec in `DIR`/share/jupyter")
	return cmd
}

func runDoctor(ctx context.Context, ios *streams, flags doctorFlags) error {
	opts, err := setupOptions(ios)
	if err != nil {
		return err
	}
	opts.Prefix = flags.prefix
	checks, ok, err := setup.Doctor(ctx, opts)
	if err != nil {
		return err
	}
	if flags.json {
		encoder := json.NewEncoder(ios.out)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(checks)
	} else {
		err = printChecks(ios.out, checks)
	}
	if err == nil && !ok {
		err = reported{errors.New("something necessary is missing")}
	}
	return err
}

func printChecks(out io.Writer, checks []setup.Check) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "WHAT\tVERSION\tSTATUS\tWHERE, OR WHAT IS WRONG\tFIX BY")
	for _, c := range checks {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", c.Name, dash(c.Version), c.Status, c.Detail, c.Fix)
	}
	return table.Flush()
}

func dash(text string) string {
	if text == "" {
		return "–"
	}
	return text
}
