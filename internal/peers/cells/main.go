// The cells command runs cells in the lecture's kernel beside plain GoNB and prints the ratio of their times:
//
//	go run ./internal/peers/cells
//
// Plain GoNB is the release that set-up installs, started as set-up did before there was a supervisor, with the flags
// of that time. The kernels take turns, so that a machine whose speed drifts treats all alike, and each ratio is that
// of a pair. The text of each cell is new. A third kernel is plain GoNB with the go command, goimports, the compiler
// and the linker below a tracer, which reports their shares; it takes turns with the two.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
)

func main() {
	rounds := flag.Int("rounds", 21, "rounds of each cell")
	trips := flag.Int("trips", 101, "rounds of each thing that builds no program")
	only := flag.String("only", "", "names of the cells to run, separated by commas; empty: all")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := compare(ctx, *rounds, *trips, *only); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// compare runs all cases and prints the results as tables.
func compare(ctx context.Context, rounds, trips int, only string) error {
	dir, err := os.MkdirTemp("", "cells-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s, err := prepare(ctx, dir)
	if err != nil {
		return err
	}
	chosen := func(name string) bool {
		return only == "" || slices.Contains(strings.Split(only, ","), name)
	}
	cells, err := s.measureAll(ctx, cases(), rounds, chosen)
	if err != nil {
		return err
	}
	added, err := s.measureAll(ctx, trifles(), trips, chosen)
	if err != nil {
		return err
	}
	byGo, err := s.measureAll(ctx, goBuilt(), rounds, chosen)
	if err != nil {
		return err
	}
	reportTimes(os.Stdout, "cell", cells)
	reportShares(os.Stdout, "shares, plain GoNB", cells, func(m *measured) []shares { return m.traced })
	reportShares(os.Stdout, "shares, supervised", cells, func(m *measured) []shares { return m.told })
	reportTimes(os.Stdout, "what the supervisor adds", append(added, byGo...))
	return nil
}

func (s *setting) measureAll(ctx context.Context, all []trial, rounds int, chosen func(string) bool,
) ([]*measured, error) {
	var results []*measured
	for _, t := range all {
		if !chosen(t.name) {
			continue
		}
		m, err := s.measure(ctx, t, rounds)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t.name, err)
		}
		results = append(results, m)
		fmt.Fprintf(os.Stderr, "%s: %d rounds\n", t.name, rounds)
	}
	return results, nil
}
