package run

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"deeplearning.example/kernelext/nbformat"
)

// metadataKey is the key of the runner's own data in the metadata of notebooks and cells.
const metadataKey = "lecture"

// Record describes the run that produced the stored outputs of a notebook. It is in the notebook's metadata under
// "lecture".
//
// Cells carry no times. A second run with the same outputs therefore changes only this record, and a diff shows what
// has really changed.
type Record struct {
	Mode string `json:"mode"`
	// Params are the parameters that were given.
	Params  map[string]any `json:"params,omitempty"`
	Machine Machine        `json:"machine"`
	// Seconds is the time of the whole run; Date its day, in UTC.
	Seconds float64 `json:"seconds"`
	Date    string  `json:"date"`
	// CodeSHA256 is the hash of all code cells in order.
	CodeSHA256 string `json:"code_sha256"`
}

// cellHash returns the SHA-256 of a cell's source, in hexadecimal.
func cellHash(source string) string {
	sum := sha256.Sum256([]byte(source))
	return hex.EncodeToString(sum[:])
}

// codeHash returns the SHA-256 of the hashes of all code cells, one a line.
func codeHash(nb *nbformat.Notebook) string {
	sum := sha256.New()
	for _, cell := range nb.Cells {
		if cell.Type == nbformat.Code {
			io.WriteString(sum, cellHash(cell.Source)+"\n")
		}
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// store writes the record and the hash of each code cell.
func (r Record) store(nb *nbformat.Notebook) error {
	data, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("run: record: %w", err)
	}
	var tree map[string]any
	if err := json.Unmarshal(data, &tree); err != nil {
		return fmt.Errorf("run: record: %w", err)
	}
	if nb.Metadata == nil {
		nb.Metadata = map[string]any{}
	}
	nb.Metadata[metadataKey] = tree
	for _, cell := range nb.Cells {
		if cell.Type == nbformat.Code {
			setCellHash(cell)
		}
	}
	return nil
}

func setCellHash(cell *nbformat.Cell) {
	if cell.Metadata == nil {
		cell.Metadata = map[string]any{}
	}
	cell.Metadata[metadataKey] = map[string]any{"sha256": cellHash(cell.Source)}
}

func storedCellHash(cell *nbformat.Cell) string {
	lecture, _ := cell.Metadata[metadataKey].(map[string]any)
	hash, _ := lecture["sha256"].(string)
	return hash
}

// forget removes everything that an execution leaves in a notebook.
func forget(nb *nbformat.Notebook) {
	delete(nb.Metadata, metadataKey)
	for _, cell := range nb.Cells {
		if cell.Type != nbformat.Code {
			continue
		}
		cell.Outputs, cell.ExecutionCount = nil, nil
		delete(cell.Metadata, metadataKey)
		delete(cell.Metadata, "execution")
	}
}

// ReadRecord reads the record of a notebook; ok is false if it has none.
func ReadRecord(nb *nbformat.Notebook) (record Record, ok bool) {
	tree, ok := nb.Metadata[metadataKey]
	if !ok {
		return Record{}, false
	}
	data, err := json.Marshal(tree)
	if err != nil {
		return Record{}, false
	}
	if err := json.Unmarshal(data, &record); err != nil {
		return Record{}, false
	}
	return record, record.CodeSHA256 != ""
}

// StaleError reports that the stored outputs of a notebook do not belong to its code.
type StaleError struct {
	// Cell counts all cells from 1; 0 means that no single cell is at fault.
	Cell int
	// Reason says why.
	Reason string
}

// Error names the cell and the reason.
func (e *StaleError) Error() string {
	if e.Cell > 0 {
		return fmt.Sprintf("cell %d: %s", e.Cell, e.Reason)
	}
	return e.Reason
}

// Stale checks that a notebook's stored outputs come from one complete execution, in order, of its present code cells.
// The error is a *StaleError that names the first cell at fault.
func Stale(nb *nbformat.Notebook) error {
	record, ok := ReadRecord(nb)
	if !ok {
		return &StaleError{Reason: "the notebook has no record of a complete execution: run it"}
	}
	count := 0
	for i, cell := range nb.Cells {
		if cell.Type != nbformat.Code {
			continue
		}
		if hash := storedCellHash(cell); hash != cellHash(cell.Source) {
			reason := "its code was changed after its outputs were made"
			if hash == "" {
				reason = "it was added after the notebook was executed"
			}
			return &StaleError{Cell: i + 1, Reason: reason + ": run the notebook again"}
		}
		if runs(cell) {
			count++
			if err := checkCount(i+1, cell, count); err != nil {
				return err
			}
		}
	}
	if record.CodeSHA256 != codeHash(nb) {
		return &StaleError{Reason: "a code cell was removed or moved after the notebook was executed: run it again"}
	}
	return nil
}

func checkCount(number int, cell *nbformat.Cell, want int) error {
	if cell.ExecutionCount != nil && *cell.ExecutionCount == want {
		return nil
	}
	got := "none"
	if cell.ExecutionCount != nil {
		got = fmt.Sprint(*cell.ExecutionCount)
	}
	return &StaleError{Cell: number, Reason: fmt.Sprintf(
		"its execution count is %s, want %d: run all cells of the notebook in order", got, want)}
}

// today returns the date for a record.
func today() string { return time.Now().UTC().Format(time.DateOnly) }
