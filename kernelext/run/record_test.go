package run_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"deeplearning.example/kernelext/nbformat"
	"deeplearning.example/kernelext/run"
)

func TestStale(t *testing.T) {
	fresh := func() *nbformat.Notebook {
		nb := notebook("print 1", "print 2", "", "print 3")
		nb.Cells = append(nb.Cells, &nbformat.Cell{ID: "m", Type: nbformat.Markdown, Source: "text"})
		if _, err := runFake(t, nb, run.Options{Mode: run.Full}); err != nil {
			t.Fatal(err)
		}
		return nb
	}
	data, err := fresh().Encode()
	if err != nil {
		t.Fatal(err)
	}
	seven := 7
	added := &nbformat.Cell{ID: "new", Type: nbformat.Code, Source: "print 4"}
	tests := []struct {
		name   string
		change func(nb *nbformat.Notebook)
		cell   int
		want   string
	}{
		{"nothing", func(*nbformat.Notebook) {}, 0, ""},
		{"text", func(nb *nbformat.Notebook) { nb.Cells[4].Source = "other" }, 0, ""},
		{"code", func(nb *nbformat.Notebook) { nb.Cells[1].Source = "print 22" }, 2, "changed"},
		{"empty cell filled", func(nb *nbformat.Notebook) { nb.Cells[2].Source = "print x" }, 3, "changed"},
		{"cell added", func(nb *nbformat.Notebook) { nb.Cells = append(nb.Cells, added) }, 6, "added"},
		{"cell removed", func(nb *nbformat.Notebook) { nb.Cells = nb.Cells[:3] }, 0, "removed or moved"},
		{"cells swapped", func(nb *nbformat.Notebook) { slices.Reverse(nb.Cells[:2]) }, 1, "count is 2, want 1"},
		{"run again by hand", func(nb *nbformat.Notebook) { nb.Cells[3].ExecutionCount = &seven }, 4, "count is 7, want 3"},
		{"not run", func(nb *nbformat.Notebook) { nb.Cells[0].ExecutionCount = nil }, 1, "count is none"},
		{"no record", func(nb *nbformat.Notebook) { delete(nb.Metadata, "lecture") }, 0, "no record"},
	}
	for _, test := range tests {
		nb, err := nbformat.Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		test.change(nb)
		err = run.Stale(nb)
		if test.want == "" {
			if err != nil {
				t.Errorf("%s: %v", test.name, err)
			}
			continue
		}
		stale := new(run.StaleError)
		if !errors.As(err, &stale) || stale.Cell != test.cell || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

func TestRecord(t *testing.T) {
	nb := notebook("print 1")
	opts := run.Options{Mode: run.Full, Params: map[string]any{"n": 3}}
	report, err := runFake(t, nb, opts)
	if err != nil {
		t.Fatal(err)
	}
	record, ok := run.ReadRecord(nb)
	if !ok || record.Mode != "full" || record.Machine.Cores < 1 || record.Machine.CPU == "" || record.Machine.GPU == "" {
		t.Errorf("%+v", record)
	}
	if record.Seconds != report.Seconds || len(record.Date) != len("2025-01-02") || len(record.CodeSHA256) != 64 {
		t.Errorf("%+v", record)
	}
	if info, _ := nb.Metadata["language_info"].(map[string]any); info["pygments_lexer"] != "fake" {
		t.Errorf("language_info %v", info)
	}
	if nb.KernelName() != "fake" {
		t.Errorf("kernel %q", nb.KernelName())
	}
}
