package cli

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"deeplearning.example/kernelext/setup"
)

func newParams(ios *streams) *cobra.Command {
	return &cobra.Command{
		Use:   "params [notebook...]",
		Short: "List the parameters that notebooks read, for `lecture run -p name=value`",
		Example: `  lecture params
  lecture params notebooks/12_vae.ipynb`,
		RunE: func(_ *cobra.Command, paths []string) error { return runParams(ios, paths) },
	}
}

func runParams(ios *streams, paths []string) error {
	module, err := setup.ModuleRoot(".")
	if err != nil {
		return err
	}
	books, err := loadNotebooks(module, paths)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(ios.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NOTEBOOK\tPARAMETER\tTYPE\tQUICK\tFULL\tREAD IN")
	for _, book := range books {
		for _, p := range book.params {
			fmt.Fprintf(table, "%s\t%s\t%s\t%v\t%v\tcell %d, line %d\n",
				book.name, p.Name, p.Type(), p.Quick, p.Full, p.Cell, p.Line)
		}
	}
	return table.Flush()
}
