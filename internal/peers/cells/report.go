package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// reportTimes prints the medians of both kernels and of their ratio and difference, pair by pair.
func reportTimes(w io.Writer, title string, all []*measured) {
	if len(all) == 0 {
		return
	}
	fmt.Fprintf(w, "\n| %s | rounds | plain GoNB | supervised | ratio (smallest to largest) | added |\n", title)
	fmt.Fprintln(w, "|---|---|---|---|---|---|")
	for _, m := range all {
		var ratios, added []float64
		for i, ms := range m.supervised {
			ratios = append(ratios, ms/m.plain[i])
			added = append(added, ms-m.plain[i])
		}
		fmt.Fprintf(w, "| %s | %d | %.2f ms | %.2f ms | %.2f (%.2f to %.2f) | %+.2f ms |\n", m.name, len(m.plain),
			median(m.plain), median(m.supervised), median(ratios), slices.Min(ratios), slices.Max(ratios), median(added))
	}
}

// reportShares prints the median of each share, a row for each trial.
func reportShares(w io.Writer, title string, all []*measured, of func(*measured) []shares) {
	if len(all) == 0 {
		return
	}
	fmt.Fprintf(w, "\n| %s, ms | %s |\n|---%s|\n", title, strings.Join(shareNames, " | "),
		strings.Repeat("|---", len(shareNames)))
	for _, m := range all {
		fmt.Fprintf(w, "| %s", m.name)
		for _, name := range shareNames {
			var times []float64
			for _, parts := range of(m) {
				times = append(times, parts[name])
			}
			fmt.Fprintf(w, " | %.1f", median(times))
		}
		fmt.Fprintln(w, " |")
	}
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
