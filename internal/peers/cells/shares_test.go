package main

import (
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestParseTiming(t *testing.T) {
	got, err := parseTiming("cell [3]\n" +
		"find packages         1.2 ms    1 %  (the program of an equal cell was used)\n" +
		"load XLA's plugin    20.0 ms   20 %\n" +
		"total                12.5 s\n")
	want := shares{"find packages": 1.2, "load XLA's plugin": 20, "total": 12500}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
	if _, err := parseTiming("no cell has run yet\n"); err == nil {
		t.Error("no error for a text without a total")
	}
}

// TestReadTrace: the shares add up to the time of the cell, and what an earlier cell has left does not count.
func TestReadTrace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trace")
	trace := "go build\t1000000\t9000000\n" +
		"goimports\t12000000\t13000000\ngo get\t14000000\t16000000\n" +
		"compile\t22000000\t25000000\nlink\t26000000\t36000000\ngo build\t20000000\t40000000\n"
	if err := os.WriteFile(path, []byte(trace), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := readTrace(path, time.Unix(0, 10e6), time.Unix(0, 45e6))
	want := shares{"GoNB composes": 7, "imports": 3, "find packages": 7, "compile": 3, "link": 10, "run": 5, "total": 35}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the trace is still there")
	}
}
