package run

import (
	"encoding/json"
	"fmt"
	"math"
)

// Report describes a run, cell by cell. It encodes to JSON.
type Report struct {
	// Notebook is the name given in the options, Mode "quick" or "full".
	Notebook string         `json:"notebook"`
	Mode     string         `json:"mode"`
	Params   map[string]any `json:"params,omitempty"`
	// Kernel is the name of the kernelspec. GoVersion is the version of Go that compiled the cells ("" without Go).
	Kernel    string  `json:"kernel"`
	GoVersion string  `json:"go_version,omitempty"`
	Machine   Machine `json:"machine"`
	// Status is StatusOK, or the status of the cell that ended the run.
	Status Status `json:"status"`
	// Error says, in one line, why the run ended early.
	Error string `json:"error,omitempty"`
	// Seconds is the time of the whole run, StartSeconds the part of it before the kernel was ready.
	Seconds      float64 `json:"seconds"`
	StartSeconds float64 `json:"start_seconds"`
	// PeakBytes is the largest PeakBytes of the cells.
	PeakBytes int64 `json:"peak_bytes"`
	// Cells are the code cells in order.
	Cells []CellReport `json:"cells"`
}

// CellReport describes the execution of one code cell.
type CellReport struct {
	// Index counts all cells of the notebook from 1, CodeCell the code cells.
	Index    int    `json:"index"`
	CodeCell int    `json:"code_cell"`
	ID       string `json:"id"`
	Status   Status `json:"status"`
	// Seconds is the time from the request to the end, compilation included.
	Seconds float64 `json:"seconds"`
	// PeakBytes is the largest resident memory of the kernel and all its descendants during the cell (compiler and the
	// cell's own process included), sampled 20 times a second; 0 if it is not known.
	PeakBytes int64 `json:"peak_bytes"`
	// OutputBytes is the size of the cell's outputs, LeftOutBytes the part of it that was not stored.
	OutputBytes  int64 `json:"output_bytes"`
	LeftOutBytes int64 `json:"left_out_bytes,omitempty"`
	// Error says, in one line, why the cell failed.
	Error string `json:"error,omitempty"`
}

// JSON encodes reports for a file.
func JSON(reports []*Report) ([]byte, error) {
	data, err := json.MarshalIndent(reports, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("run: report: %w", err)
	}
	return append(data, '\n'), nil
}

// rounded rounds a number of seconds to three decimals.
func rounded(seconds float64) float64 { return math.Round(seconds*1000) / 1000 }
