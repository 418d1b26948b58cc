package kernelext

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"deeplearning.example/kernelext/nbformat"
)

// Check is a claim that a notebook has checked: a line of [Assert] or [AssertNear] in its stored outputs.
type Check struct {
	Notebook string // file name, as "06_som.ipynb"
	Cell     string // ID of the cell
	Text     string // the message, after the mark
	Passed   bool
}

// Checks returns the checks in the stored outputs of all notebooks of a folder, sorted by file name and then in the order
// in which they were made. A notebook without outputs has none. A file that is not a notebook is an error, and so is a
// folder without notebooks.
func Checks(folder string) ([]Check, error) {
	paths, err := filepath.Glob(filepath.Join(folder, "*.ipynb"))
	if err != nil {
		return nil, fmt.Errorf("kernelext: checks in %q: %w", folder, err)
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("kernelext: checks in %q: the folder has no notebook", folder)
	}
	var checks []Check
	for _, path := range paths {
		nb, err := nbformat.Read(path)
		if err != nil {
			return nil, fmt.Errorf("kernelext: checks: %w", err)
		}
		for _, cell := range nb.CodeCells() {
			for _, output := range cell.Outputs {
				checks = append(checks, checksIn(output.Text, filepath.Base(path), cell.ID)...)
			}
		}
	}
	return checks, nil
}

// checksIn finds the checks in the text of a stream.
func checksIn(text, notebook, cell string) (checks []Check) {
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		for mark, passed := range map[string]bool{passMark: true, failMark: false} {
			if message, ok := strings.CutPrefix(line, mark); ok {
				checks = append(checks, Check{Notebook: notebook, Cell: cell, Text: message, Passed: passed})
			}
		}
	}
	return checks
}

// FindChecks returns the checks of one notebook whose text contains all of the words, or all of its checks without words.
func FindChecks(checks []Check, notebook string, words ...string) (found []Check) {
	for _, c := range checks {
		if c.Notebook == notebook && !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(c.Text, w) }) {
			found = append(found, c)
		}
	}
	return found
}
