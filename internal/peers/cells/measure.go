package main

import (
	"context"
	"errors"
	"time"

	"deeplearning.example/kernelext/jupyter"
)

// measured are the times of a trial, round by round, in milliseconds.
type measured struct {
	name              string
	plain, supervised []float64
	traced, told      []shares // of plain GoNB below the tracer, and from %timing; for trials that build
}

// measure runs a trial in new kernels, in turns. The first run of each kernel is not counted: it compiles packages. The
// order within a round changes from round to round.
func (s *setting) measure(ctx context.Context, t trial, rounds int) (m *measured, err error) {
	specs := []*jupyter.Spec{s.plain, s.supervised}
	if t.builds {
		specs = append(specs, s.traced)
	}
	kernels, err := s.startAll(ctx, specs, t.goflags)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, shutdownAll(kernels)) }()
	for _, k := range kernels {
		if _, err := timeAct(ctx, t, k); err != nil {
			return nil, err
		}
	}
	m = &measured{name: t.name}
	for round := range rounds {
		turns := []func(context.Context, trial, *jupyter.Kernel) error{m.runPlain, m.runSupervised, s.runTraced(m)}
		for turn := range kernels {
			at := (turn + round) % len(kernels)
			if err := turns[at](ctx, t, kernels[at]); err != nil {
				return nil, err
			}
		}
	}
	return m, nil
}

// timeAct returns the time of a trial in one kernel, in milliseconds.
func timeAct(ctx context.Context, t trial, k *jupyter.Kernel) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, cellLimit)
	defer cancel()
	begin := time.Now()
	err := t.act(ctx, k)
	return milliseconds(time.Since(begin)), err
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func (m *measured) runPlain(ctx context.Context, t trial, k *jupyter.Kernel) error {
	ms, err := timeAct(ctx, t, k)
	m.plain = append(m.plain, ms)
	return err
}

func (m *measured) runSupervised(ctx context.Context, t trial, k *jupyter.Kernel) error {
	ms, err := timeAct(ctx, t, k)
	m.supervised = append(m.supervised, ms)
	if err != nil || !t.builds {
		return err
	}
	table, err := execute(ctx, k, "%timing")
	if err != nil {
		return err
	}
	told, err := parseTiming(table)
	m.told = append(m.told, told)
	return err
}

func (s *setting) runTraced(m *measured) func(context.Context, trial, *jupyter.Kernel) error {
	return func(ctx context.Context, t trial, k *jupyter.Kernel) error {
		begin := time.Now()
		if _, err := timeAct(ctx, t, k); err != nil {
			return err
		}
		end := time.Now()
		traced, err := readTrace(s.trace, begin, end)
		m.traced = append(m.traced, traced)
		return err
	}
}
