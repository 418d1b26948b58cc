package cli

import (
	"context"
	"errors"
	"slices"

	"golang.org/x/sync/errgroup"

	"deeplearning.example/kernelext/internal/machine"
	"deeplearning.example/kernelext/internal/plugin"
)

// notebookMemory is the memory in bytes that a notebook may need: its kernel, the linker and the program of a cell.
const notebookMemory = 3 << 30

// runAll runs the notebooks, some of them side by side. It stops at the first error, and when ctx ends.
func (b *batch) runAll(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, cores := range b.coreShares() {
		group.Go(func() error { return b.work(ctx, cores) })
	}
	return errors.Join(group.Wait(), b.changeIndex(func() { b.over = true }))
}

// work runs notebooks on some cores until none is left or ctx ends.
func (b *batch) work(ctx context.Context, cores []int) error {
	for {
		e, err := b.next(ctx)
		if e == nil || err != nil {
			return err
		}
		if err := b.runOne(ctx, e, cores); err != nil {
			return err
		}
	}
}

// next returns the next notebook to run, or nil, and shows it in the index, and with it those that have ended.
func (b *batch) next(ctx context.Context) (next *entry, err error) {
	err = b.changeIndex(func() {
		i := slices.IndexFunc(b.entries, func(e *entry) bool { return !e.running && e.result == nil })
		if i >= 0 && ctx.Err() == nil {
			next = b.entries[i]
			next.running = true
		}
	})
	return next, err
}

// end notes the result of a notebook.
func (b *batch) end(e *entry, r result) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e.running, e.result = false, &r
	b.show.ended()
}

// changeIndex changes the entries and writes the index.
func (b *batch) changeIndex(change func()) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	change()
	return b.writeIndex()
}

// coreShares returns the processor cores for each of the notebooks that run at the same time. XLA's threads on the same
// core wait for each other, so that two notebooks on two shared cores are slower than one after the other. A share is nil
// if there is only one: all cores.
func (b *batch) coreShares() [][]int {
	cores := machine.Cores()
	jobs := b.flags.jobs
	if jobs == 0 {
		jobs = b.jobsFor(len(cores), freeMemory())
	}
	jobs = min(jobs, len(b.entries))
	if jobs == 1 {
		return [][]int{nil}
	}
	return splitCores(cores, jobs)
}

// freeMemory returns the memory in bytes that notebooks may use: that of a container can be less than what is free.
func freeMemory() int64 {
	free := machine.FreeMemory()
	if whole := machine.Memory(); whole > 0 {
		free = min(free, whole)
	}
	return free
}

// jobsFor returns the number of notebooks that run at the same time on a machine with some cores and memory in bytes.
func (b *batch) jobsFor(cores int, memory int64) int {
	if b.flags.save || plugin.HasNVIDIA() {
		return 1
	}
	return max(1, min(cores, int(memory/notebookMemory)))
}

// splitCores deals cores out to a number of shares. There may be more shares than cores; some then have the same.
func splitCores(cores []int, shares int) [][]int {
	split := make([][]int, shares)
	for i := range split {
		first, last := i*len(cores)/shares, (i+1)*len(cores)/shares
		split[i] = cores[first:max(last, first+1)]
	}
	return split
}
