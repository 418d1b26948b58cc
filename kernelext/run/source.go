package run

import (
	"slices"
	"strings"

	"deeplearning.example/kernelext/nbformat"
)

// Tags of cells that the runner knows; both are conventions of nbclient.
const (
	// TagRaises: the cell may fail.
	TagRaises = "raises-exception"
	// TagSkip: the cell is not executed.
	TagSkip = "skip-execution"
)

func hasTag(cell *nbformat.Cell, tag string) bool {
	tags, _ := cell.Metadata["tags"].([]any)
	return slices.Contains(tags, any(tag))
}

// runs reports whether a cell is executed: code cells are, except empty ones, which front ends do not send either.
func runs(cell *nbformat.Cell) bool {
	return cell.Type == nbformat.Code && strings.TrimSpace(cell.Source) != "" && !hasTag(cell, TagSkip)
}

// shellCells are the first words of cells whose text GoNB does not read as Go.
var shellCells = []string{"%%writefile", "%%script", "%%bash", "%%sh"}

func isShellCell(source string) bool {
	first, _, _ := strings.Cut(source, "\n")
	fields := strings.Fields(first)
	return len(fields) > 0 && slices.Contains(shellCells, fields[0])
}

// hasShellCommand reports whether a cell runs a program outside Go. GoNB does not count the failure of such a program
// as the cell's.
func hasShellCommand(source string) bool {
	if isShellCell(source) {
		return true
	}
	return slices.ContainsFunc(strings.Split(source, "\n"), func(line string) bool {
		return strings.HasPrefix(strings.TrimPrefix(line, "//gonb:"), "!")
	})
}

// goSource returns the Go code of a cell, each line in its place. Lines that GoNB treats as commands are blank: those
// with % or ! in the first column, and the lines that a \ at the end joins to them.
func goSource(source string) string {
	if isShellCell(source) {
		return ""
	}
	lines := strings.Split(source, "\n")
	joined := false
	for i, line := range lines {
		command := joined || strings.HasPrefix(line, "%") || strings.HasPrefix(line, "!") ||
			strings.HasPrefix(line, "//gonb:")
		joined = command && strings.HasSuffix(line, `\`)
		if command {
			lines[i] = ""
		}
	}
	return strings.Join(lines, "\n")
}
