package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/janpfeifer/gonb/gonbui/protocol"
	"github.com/spf13/cobra"

	"deeplearning.example/kernelext/setup"
	"deeplearning.example/kernelext/store"
)

func newModels(ios *streams) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "models",
		Short: "List and remove the models and values that notebooks have stored",
		Long: `Manages the store in which notebooks keep trained models and values: --store, else LECTURE_STORE, else
.lecture11 in this folder, else .lecture11 in the lecture's notebooks. In a cell it is the store of that notebook.`,
		Example: `  lecture models list
  lecture models prune --keep 10`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.PersistentFlags().StringVar(&dir, "store", "", "the store's `FOLDER`")
	cmd.AddCommand(newModelsList(ios, &dir), newModelsRemove(ios, &dir), newModelsPrune(ios, &dir))
	return cmd
}

// openStore opens the store of the command line. A missing store is an error, it is not created; but in a cell the notebook
// may have stored nothing yet.
func openStore(dir string) (*store.Store, error) {
	if dir == "" && inCell() {
		return store.Open(store.DefaultDir())
	}
	if dir == "" {
		dir = defaultStore()
	}
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
		return nil, fmt.Errorf("no model store in %s: run a notebook first, or name one with --store", dir)
	}
	if err != nil {
		return nil, err
	}
	return store.Open(dir)
}

// inCell reports whether a cell's shell line runs this program: GoNB then sets the folder of the notebook.
func inCell() bool { return os.Getenv(protocol.GONB_DIR_ENV) != "" }

func defaultStore() string {
	if dir := os.Getenv("LECTURE_STORE"); dir != "" {
		return dir
	}
	const name = ".lecture11"
	if _, err := os.Stat(name); err == nil {
		return name
	}
	if module, err := setup.ModuleRoot("."); err == nil {
		return filepath.Join(module, "notebooks", name)
	}
	return name
}

func newModelsList(ios *streams, dir *string) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "Show each stored model: id, size, age, state, and what is in its key",
		Example: `  lecture models list
  lecture models list --store ~/homework/.lecture11`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			s, err := openStore(*dir)
			if err != nil {
				return err
			}
			infos, err := s.List()
			if err != nil {
				return err
			}
			return printModels(ios.out, infos)
		},
	}
}

func printModels(out io.Writer, infos []store.Info) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tKIND\tSIZE\tAGE\tSTATE\tKEY")
	var total int64
	for _, info := range infos {
		total += info.Size
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", info.ID, dash(info.Kind), humanBytes(info.Size),
			humanAge(info.Age()), modelState(info), modelKey(info))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "%d entries, %s\n", len(infos), humanBytes(total))
	return err
}

func modelState(info store.Info) string {
	switch {
	case info.Damage != "":
		return "damaged: " + info.Damage
	case info.Complete || info.Kind == store.KindValue:
		return "complete"
	}
	return fmt.Sprintf("step %d of %d", info.Step, info.Steps)
}

// modelKey returns the key as JSON, which is the only difference between two models of one name.
func modelKey(info store.Info) string {
	if info.Damage != "" {
		return "–"
	}
	raw, err := info.Key.JSON()
	if err != nil {
		return info.Key.Name
	}
	return string(raw)
}

func newModelsRemove(ios *streams, dir *string) *cobra.Command {
	return &cobra.Command{
		Use:   "rm ID...",
		Short: "Remove stored models by their ids",
		Example: `  lecture models rm vae-20-3f9a51c0de77
  lecture models rm vae-20-3f9a51c0de77 som-8c1e44b02a90 --store ~/homework/.lecture11`,
		Args: func(_ *cobra.Command, ids []string) error {
			if len(ids) == 0 {
				return usagef("models rm wants at least one id; `lecture models list` shows them")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, ids []string) error {
			s, err := openStore(*dir)
			if err != nil {
				return err
			}
			for _, id := range ids {
				if err := s.Remove(id); err != nil {
					return err
				}
				fmt.Fprintf(ios.out, "removed %s\n", id)
			}
			return nil
		},
	}
}

func newModelsPrune(ios *streams, dir *string) *cobra.Command {
	var keep int
	var size, age string
	cmd := &cobra.Command{
		Use:   "prune",
		Short: "Remove old models beyond limits",
		Example: `  lecture models prune --keep 10
  lecture models prune --max-size 2GB --older-than 30d`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			limits, err := parseLimits(keep, size, age)
			if err != nil {
				return err
			}
			s, err := openStore(*dir)
			if err != nil {
				return err
			}
			removed, err := s.Prune(limits)
			for _, info := range removed {
				fmt.Fprintf(ios.out, "removed %s (%s)\n", info.ID, humanBytes(info.Size))
			}
			return err
		},
	}
	cmd.Flags().IntVar(&keep, "keep", 0, "keep the newest `N` entries")
	cmd.Flags().StringVar(&size, "max-size", "", "keep the newest entries up to this `SIZE`, such as 500MB or 2GB")
	cmd.Flags().StringVar(&age, "older-than", "", "remove what is older than this `AGE`, such as 12h or 30d")
	return cmd
}

func parseLimits(keep int, size, age string) (store.Limits, error) {
	limits := store.Limits{Keep: keep}
	if keep < 0 {
		return limits, usagef("--keep %d, want a positive number", keep)
	}
	var err error
	if limits.MaxBytes, err = parseBytes(size); err != nil {
		return limits, err
	}
	if limits.OlderThan, err = parseAge(age); err != nil {
		return limits, err
	}
	if limits == (store.Limits{}) {
		return limits, usagef("models prune wants a limit: --keep, --max-size or --older-than")
	}
	return limits, nil
}

// parseBytes reads a size such as 500MB, in decimal units, and returns bytes.
func parseBytes(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	upper := strings.TrimSuffix(strings.ToUpper(text), "B")
	unit := 1.0
	for suffix, factor := range map[string]float64{"K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12} {
		if rest, found := strings.CutSuffix(upper, suffix); found {
			upper, unit = rest, factor
			break
		}
	}
	number, err := strconv.ParseFloat(strings.TrimSpace(upper), 64)
	if err != nil || number <= 0 || number*unit > 1e18 {
		return 0, usagef("--max-size %q, want a size such as 500MB or 2GB", text)
	}
	return int64(number * unit), nil
}

// parseAge reads a duration in the format of Go, or days such as 30d.
func parseAge(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	age, err := time.ParseDuration(text)
	if days, found := strings.CutSuffix(text, "d"); found {
		var number float64
		number, err = strconv.ParseFloat(days, 64)
		age = time.Duration(number * 24 * float64(time.Hour))
	}
	if err != nil || age <= 0 {
		return 0, usagef("--older-than %q, want an age such as 12h or 30d", text)
	}
	return age, nil
}

func humanBytes(size int64) string {
	switch {
	case size >= 1e9:
		return fmt.Sprintf("%.1f GB", float64(size)/1e9)
	case size >= 1e6:
		return fmt.Sprintf("%.1f MB", float64(size)/1e6)
	case size >= 1e3:
		return fmt.Sprintf("%.1f kB", float64(size)/1e3)
	}
	return fmt.Sprintf("%d B", size)
}

func humanAge(age time.Duration) string {
	switch {
	case age >= 48*time.Hour:
		return fmt.Sprintf("%d d", int(age.Hours()/24))
	case age >= time.Hour:
		return fmt.Sprintf("%d h", int(age.Hours()))
	case age >= time.Minute:
		return fmt.Sprintf("%d min", int(age.Minutes()))
	}
	return fmt.Sprintf("%d s", int(age.Seconds()))
}
