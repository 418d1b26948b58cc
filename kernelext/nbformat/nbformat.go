package nbformat

import (
	"fmt"
	"os"
	"slices"
)

// Major and Minor are the version of the format that this package writes.
const (
	Major = 4
	Minor = 5
)

// Kinds of cell: the values of Cell.Type.
const (
	Code     = "code"
	Markdown = "markdown"
	Raw      = "raw"
)

// Kinds of output: the values of Output.Type.
const (
	Stream        = "stream"
	DisplayData   = "display_data"
	ExecuteResult = "execute_result"
	ErrorOutput   = "error"
)

// Notebook is one .ipynb file in memory.
//
// Values in Metadata, Extra and JSON outputs that come from a file have the types of encoding/json. Numbers are
// json.Number, so that they are written back digit for digit.
type Notebook struct {
	Cells    []*Cell
	Metadata map[string]any
	// NBFormat and NBFormatMinor are 4 and 5; zero means these. A file of a later 4.x keeps its minor number.
	NBFormat, NBFormatMinor int
	// Extra holds top-level fields that the format does not know.
	Extra map[string]any
}

// Cell is one cell of a notebook.
type Cell struct {
	// ID names the cell within its notebook: 1–64 of a–z, A–Z, 0–9, - and _.
	ID string
	// Type is Code, Markdown or Raw.
	Type string
	// Source is the whole text of the cell.
	Source   string
	Metadata map[string]any
	// Outputs and ExecutionCount belong to code cells; nil means: not executed.
	Outputs        []Output
	ExecutionCount *int
	// Attachments belong to markdown and raw cells: file name → MIME type → data.
	Attachments map[string]any
	// Extra holds fields that the format does not know for this type of cell.
	Extra map[string]any
}

// Output is one output of a code cell. Its Type determines which fields are used.
type Output struct {
	// Type is Stream, DisplayData, ExecuteResult or ErrorOutput.
	Type string
	// Name ("stdout" or "stderr") and Text belong to Stream.
	Name, Text string
	// Data (MIME type → value) and Metadata belong to DisplayData and ExecuteResult. A text type's value is one
	// string, a JSON type's (application/json, application/…+json) any JSON value, a binary type's a base64 string.
	Data, Metadata map[string]any
	// ExecutionCount belongs to ExecuteResult.
	ExecutionCount *int
	// Ename, Evalue and Traceback belong to ErrorOutput.
	Ename, Evalue string
	Traceback     []string
	// Extra holds fields that the format does not know for this type of output.
	Extra map[string]any
}

// Read reads and decodes the notebook at path. It returns the errors of the file system and of Decode, with the path.
func Read(path string) (*Notebook, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("nbformat: %w", err)
	}
	nb, err := decode(data)
	if err != nil {
		return nil, fmt.Errorf("nbformat: %s: %w", path, err)
	}
	return nb, nil
}

// KernelName returns the name of the kernel that the notebook asks for (metadata.kernelspec.name), or "".
func (nb *Notebook) KernelName() string {
	spec, _ := nb.Metadata["kernelspec"].(map[string]any)
	name, _ := spec["name"].(string)
	return name
}

// CodeCells returns the notebook's code cells in order.
func (nb *Notebook) CodeCells() []*Cell {
	return slices.DeleteFunc(slices.Clone(nb.Cells), func(cell *Cell) bool { return cell.Type != Code })
}
