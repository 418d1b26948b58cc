package run

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"deeplearning.example/kernelext/jupyter"
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
	// Times are the sums of the cells' times by their parts, if the kernel reports them.
	Times *Times `json:"times,omitempty"`
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
	// Times are the parts of this time, if the kernel reports them.
	Times *jupyter.CellTimes `json:"times,omitempty"`
	// PeakBytes is the largest resident memory of the kernel and all its descendants during the cell (compiler and the
	// cell's own process included), sampled 20 times a second; 0 if it is not known.
	PeakBytes int64 `json:"peak_bytes"`
	// OutputBytes is the size of the cell's outputs, LeftOutBytes the part of it that was not stored.
	OutputBytes  int64 `json:"output_bytes"`
	LeftOutBytes int64 `json:"left_out_bytes,omitempty"`
	// Error says, in one line, why the cell failed.
	Error string `json:"error,omitempty"`
}

// Times are sums over the cells of a notebook.
type Times struct {
	// Seconds are the parts of the time by the names of %timing.
	Seconds map[string]float64 `json:"seconds"`
	// Graphs are the graphs that XLA compiled, and Loaded those of them that came from the cache of compiled programs.
	Graphs int `json:"graphs"`
	Loaded int `json:"loaded"`
	// Programs are the programs of cells, and Kept those of them that an earlier, equal cell had left.
	Programs int `json:"programs"`
	Kept     int `json:"kept"`
}

// sumTimes adds up the times of the cells. It returns nil if the kernel reports none.
func sumTimes(cells []CellReport) *Times {
	var sum *Times
	for _, c := range cells {
		if c.Times == nil {
			continue
		}
		if sum == nil {
			sum = &Times{Seconds: map[string]float64{}}
		}
		sum.add(*c.Times)
	}
	return sum
}

func (t *Times) add(c jupyter.CellTimes) {
	for part, seconds := range c.Seconds {
		t.Seconds[part] = rounded(t.Seconds[part] + seconds)
	}
	t.Graphs += c.Graphs
	t.Loaded += c.Loaded
	if c.Seconds[jupyter.PartStart] > 0 {
		t.Programs++
	}
	if c.Kept {
		t.Kept++
	}
}

// groups are the parts of %timing that a reader need not distinguish.
var groups = []struct {
	name  string
	parts []string
}{
	{"computing", []string{jupyter.PartRun}},
	{"linking", []string{jupyter.PartLink}},
	{"XLA", []string{jupyter.PartXLA, jupyter.PartPlugin}},
	{"compiling", []string{jupyter.PartCompose, jupyter.PartImports, jupyter.PartFind, jupyter.PartCompile}},
	{"starting", []string{jupyter.PartStart}},
}

// String returns the times in one line: "computing 57.0 s, linking 28.1 s, XLA 18.4 s (3 of 45 graphs from the cache), …".
func (t *Times) String() string {
	var words []string
	for _, g := range groups {
		seconds := 0.0
		for _, part := range g.parts {
			seconds += t.Seconds[part]
		}
		text := fmt.Sprintf("%s %.1f s", g.name, seconds)
		switch {
		case g.name == "XLA" && t.Graphs > 0:
			text += fmt.Sprintf(" (%d of %d graphs from the cache)", t.Loaded, t.Graphs)
		case g.name == "linking" && t.Programs > 0:
			text += fmt.Sprintf(" (%d of %d programs kept from before)", t.Kept, t.Programs)
		}
		words = append(words, text)
	}
	return strings.Join(words, ", ")
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
