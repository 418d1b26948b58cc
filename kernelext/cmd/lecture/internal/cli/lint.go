package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"deeplearning.example/kernelext/cell"
	"deeplearning.example/kernelext/nbformat"
	"deeplearning.example/kernelext/setup"
)

func newLint(ios *streams) *cobra.Command {
	return &cobra.Command{
		Use:   "lint [notebook...]",
		Short: "Find what GoNB would do silently to the cells of notebooks",
		Long: `Finds traps: unknown magics, lines of raw strings that GoNB runs as commands, variables that are computed again in
every cell, and the like. A trap that the kernel of this lecture repairs is reported as a note; the exit code is 1 when
there is more than notes.`,
		Example: `  lecture lint
  lecture lint ~/homework/week3.ipynb`,
		RunE: func(_ *cobra.Command, paths []string) error { return runLint(ios, paths) },
	}
}

func runLint(ios *streams, paths []string) error {
	paths, err := lintPaths(paths)
	if err != nil {
		return err
	}
	l := linter{out: ios.out}
	for _, path := range paths {
		nb, err := nbformat.Read(path)
		if err != nil {
			return err
		}
		l.lint(path, nb)
	}
	fmt.Fprintf(ios.out, "%s in %s, %s\n", count(l.findings, "finding"), count(len(paths), "notebook"),
		count(l.notes, "note"))
	if l.findings > 0 {
		return reported{fmt.Errorf("%s", count(l.findings, "finding"))}
	}
	return nil
}

// lintPaths returns the given notebooks, or all of the lecture as seen from this folder.
func lintPaths(paths []string) ([]string, error) {
	for _, path := range paths {
		if err := checkNotebookPath(path); err != nil {
			return nil, err
		}
	}
	if len(paths) > 0 {
		return paths, nil
	}
	module, err := setup.ModuleRoot(".")
	if err != nil {
		return nil, err
	}
	if paths, err = lectureNotebooks(module); err != nil {
		return nil, err
	}
	here, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	for i, path := range paths {
		if short, err := filepath.Rel(here, path); err == nil {
			paths[i] = short
		}
	}
	return paths, nil
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// linter reports the traps of notebooks.
type linter struct {
	out             io.Writer
	findings, notes int
}

// lint reads the code cells in order, because the definitions of one hold in the next.
func (l *linter) lint(path string, nb *nbformat.Notebook) {
	defs := &cell.Definitions{}
	for i, source := range nb.Cells {
		if source.Type != nbformat.Code {
			continue
		}
		where := fmt.Sprintf("%s: cell %d", path, i+1)
		c := cell.Parse(source.Source)
		for _, m := range c.Magics {
			l.unknown(where, m)
		}
		for _, trap := range c.Traps(defs) {
			l.tell(where, trap)
		}
		defs.Add(i+1, source.Source, nil)
	}
}

// unknown reports a magic that neither GoNB nor the lecture's kernel knows.
func (l *linter) unknown(where string, m cell.Magic) {
	if cell.Known(m.Name) || m.Name == "%" {
		return
	}
	text := fmt.Sprintf("%s is not a magic of this kernel", m.Name)
	if near := cell.Suggest(m.Name); len(near) > 0 {
		text += ", perhaps " + strings.Join(near, " or ")
	}
	l.tell(where, cell.Trap{Line: m.Line, Text: text})
}

func (l *linter) tell(where string, trap cell.Trap) {
	if trap.Repaired {
		l.notes++
		fmt.Fprintf(l.out, "%s, line %d: note: %s (this lecture's kernel repairs it)\n", where, trap.Line, trap.Text)
		return
	}
	l.findings++
	fmt.Fprintf(l.out, "%s, line %d: %s\n", where, trap.Line, trap.Text)
}
