package jupyter

import "encoding/json"

// CellTimes describes how the lecture's kernel spent the time of a cell. It is part of the metadata of an execute_reply,
// which the protocol leaves to kernels.
type CellTimes struct {
	// Seconds are the parts of the cell's time by their names, which are those of %timing; they add up to the whole.
	Seconds map[string]float64 `json:"seconds"`
	// Graphs are the graphs that XLA compiled, and Loaded those of them that came from the cache of compiled programs.
	Graphs int `json:"graphs,omitempty"`
	Loaded int `json:"loaded,omitempty"`
	// Kept reports whether the program of an equal earlier cell was used, so that nothing was compiled and linked.
	Kept bool `json:"kept,omitempty"`
}

// Names of the parts of a cell's time.
const (
	PartCompose = "GoNB composes"
	PartImports = "imports"
	PartFind    = "find packages"
	PartCompile = "compile"
	PartLink    = "link"
	PartStart   = "start"
	PartPlugin  = "load XLA's plugin"
	PartXLA     = "compile for XLA"
	PartRun     = "run"
)

// cellTimesKey is the field of the metadata.
const cellTimesKey = "lecture_times"

// SetCellTimes puts the times into the metadata of a reply.
func (m *Message) SetCellTimes(t CellTimes) error {
	raw, err := json.Marshal(map[string]CellTimes{cellTimesKey: t})
	m.Metadata = raw
	return err
}

// CellTimes returns the times in the metadata of a reply, or nil if the kernel has not sent them.
func (m *Message) CellTimes() *CellTimes {
	var metadata map[string]json.RawMessage
	var t CellTimes
	if json.Unmarshal(m.Metadata, &metadata) != nil || json.Unmarshal(metadata[cellTimesKey], &t) != nil {
		return nil
	}
	return &t
}
