package store

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
)

// History holds the losses during a training. It is stored as a payload beside the weights.
type History struct {
	Names  []string    // names of the losses
	Steps  []int       // the steps at which they were reported
	Values [][]float64 // Values[i][k] is the loss Names[i] at Steps[k]; NaN where it was not reported
}

// Loss returns the values of one loss, or nil if there is no loss of that name.
func (h *History) Loss(name string) []float64 {
	if i := slices.Index(h.Names, name); i >= 0 {
		return h.Values[i]
	}
	return nil
}

// Add appends the losses of a step.
func (h *History) Add(step int, losses map[string]float64) {
	for _, name := range slices.Sorted(maps.Keys(losses)) {
		if !slices.Contains(h.Names, name) {
			h.Names = append(h.Names, name)
			h.Values = append(h.Values, slices.Repeat([]float64{math.NaN()}, len(h.Steps)))
		}
	}
	h.Steps = append(h.Steps, step)
	for i, name := range h.Names {
		value, ok := losses[name]
		if !ok {
			value = math.NaN()
		}
		h.Values[i] = append(h.Values[i], value)
	}
}

// Cut removes the losses reported after step. A training that goes back to step will report them again.
func (h *History) Cut(step int) {
	keep := len(h.Steps)
	for keep > 0 && h.Steps[keep-1] > step {
		keep--
	}
	h.Steps = h.Steps[:keep]
	for i := range h.Values {
		h.Values[i] = h.Values[i][:keep]
	}
}

// historyHead is the first part of a written history, after its length in 4 bytes. The steps follow as int64, then each
// loss as float64.
type historyHead struct {
	Names []string `json:"names"`
	Count int      `json:"count"`
}

// Write writes the history for ReadHistory.
func (h *History) Write(w io.Writer) error {
	head, err := json.Marshal(historyHead{Names: h.Names, Count: len(h.Steps)})
	if err != nil {
		return err
	}
	steps := make([]int64, len(h.Steps))
	for k, step := range h.Steps {
		steps[k] = int64(step)
	}
	columns := []any{uint32(len(head)), head, steps}
	for _, values := range h.Values {
		columns = append(columns, values)
	}
	for _, column := range columns {
		if err := binary.Write(w, binary.LittleEndian, column); err != nil {
			return err
		}
	}
	return nil
}

// ReadHistory reads what Write wrote.
func ReadHistory(r io.Reader) (History, error) {
	head, err := readHistoryHead(r)
	if err != nil {
		return History{}, fmt.Errorf("store: history: %w", err)
	}
	h := History{Names: head.Names, Steps: make([]int, head.Count), Values: make([][]float64, len(head.Names))}
	steps := make([]int64, head.Count)
	columns := []any{steps}
	for i := range h.Values {
		h.Values[i] = make([]float64, head.Count)
		columns = append(columns, h.Values[i])
	}
	for _, column := range columns {
		if err := binary.Read(r, binary.LittleEndian, column); err != nil {
			return History{}, fmt.Errorf("store: history: %w", err)
		}
	}
	for k, step := range steps {
		h.Steps[k] = int(step)
	}
	return h, nil
}

func readHistoryHead(r io.Reader) (head historyHead, err error) {
	var length uint32
	if err := binary.Read(r, binary.LittleEndian, &length); err != nil {
		return head, err
	}
	text := make([]byte, length)
	if _, err := io.ReadFull(r, text); err != nil {
		return head, err
	}
	return head, json.Unmarshal(text, &head)
}
