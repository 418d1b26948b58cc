package main

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// shares are the parts of a cell's time by their names, in milliseconds.
type shares map[string]float64

// shareNames are the parts in the words and the order of %timing.
var shareNames = []string{"GoNB composes", "imports", "find packages", "compile", "link", "start", "load XLA's plugin",
	"compile for XLA", "run", "total"}

var timingLine = regexp.MustCompile(`(?m)^(\S.*?) +([0-9.]+) (ms|s)\b`)

// parseTiming reads the table that %timing prints.
func parseTiming(table string) (shares, error) {
	parts := shares{}
	for _, match := range timingLine.FindAllStringSubmatch(table, -1) {
		value, err := strconv.ParseFloat(match[2], 64)
		if err != nil {
			return nil, err
		}
		if match[3] == "s" {
			value *= 1000
		}
		parts[match[1]] = value
	}
	if parts["total"] == 0 {
		return nil, fmt.Errorf("%%timing prints no total: %q", table)
	}
	return parts, nil
}

// readTrace returns the shares of a cell from the tracer's file, and empties the file. The start of the program and
// XLA's time cannot be separated from its run.
func readTrace(path string, begin, end time.Time) (shares, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if err := os.Remove(path); err != nil {
		return nil, err
	}
	took := map[string]float64{}
	var built int64
	for line := range strings.Lines(string(raw)) {
		var from, to int64
		name, times, _ := strings.Cut(line, "\t")
		if _, err := fmt.Sscanf(times, "%d\t%d", &from, &to); err != nil {
			return nil, fmt.Errorf("trace %q: %w", line, err)
		}
		if from < begin.UnixNano() {
			continue // belongs to a run that does not count
		}
		took[name] += float64(to-from) / 1e6
		if name == "go build" {
			built = to
		}
	}
	if built == 0 {
		return nil, fmt.Errorf("the trace has no go build: %q", raw)
	}
	parts := shares{
		"imports":       took["goimports"] + took["go get"],
		"find packages": took["go build"] - took["compile"] - took["link"],
		"compile":       took["compile"],
		"link":          took["link"],
		"run":           float64(end.UnixNano()-built) / 1e6,
		"total":         milliseconds(end.Sub(begin)),
	}
	parts["GoNB composes"] = parts["total"] - parts["imports"] - took["go build"] - parts["run"]
	return parts, nil
}
