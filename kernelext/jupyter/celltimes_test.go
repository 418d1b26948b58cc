package jupyter_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"deeplearning.example/kernelext/jupyter"
)

// TestCellTimes: the times survive the metadata of a message, and another kernel's metadata have none.
func TestCellTimes(t *testing.T) {
	want := jupyter.CellTimes{Seconds: map[string]float64{"run": 1.5, "link": 0.25}, Graphs: 3, Loaded: 2, Kept: true}
	var m jupyter.Message
	if err := m.SetCellTimes(want); err != nil {
		t.Fatal(err)
	}
	if got := m.CellTimes(); got == nil || !reflect.DeepEqual(*got, want) {
		t.Errorf("CellTimes() = %+v, want %+v", got, want)
	}
	for _, metadata := range []string{"", "null", "{}", "[]", `{"started": "now"}`, `{"lecture_times": 3}`} {
		m.Metadata = json.RawMessage(metadata)
		if got := m.CellTimes(); got != nil {
			t.Errorf("metadata %s: %+v, want none", metadata, got)
		}
	}
}
