package main

import (
	"fmt"
	"path"
	"strings"
)

// applyBaseline drops the findings of files that match a pattern of the baseline, one path.Match pattern a line. A
// pattern that drops nothing is a finding itself.
func applyBaseline(found []finding, baseline string) ([]finding, error) {
	patterns := strings.Fields(baseline)
	used := make([]bool, len(patterns))
	var kept []finding
	for _, f := range found {
		skip := false
		for i, pattern := range patterns {
			match, err := path.Match(pattern, f.file)
			if err != nil {
				return nil, fmt.Errorf("baseline.txt: pattern %q: %w", pattern, err)
			}
			if match {
				used[i], skip = true, true
			}
		}
		if !skip {
			kept = append(kept, f)
		}
	}
	for i, pattern := range patterns {
		if !used[i] {
			kept = append(kept, finding{"internal/tools/prose/baseline.txt", fmt.Sprint(i + 1), pattern,
				"no finding is left there: remove the line"})
		}
	}
	return kept, nil
}
