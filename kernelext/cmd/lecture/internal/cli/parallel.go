package cli

import (
	"context"
	"errors"
	"sync"

	"deeplearning.example/kernelext/internal/machine"
	"deeplearning.example/kernelext/internal/plugin"
)

// notebookMemory is the memory in bytes that a notebook may need: its kernel, the linker and the program of a cell.
const notebookMemory = 3 << 30

// runAll runs the notebooks, some of them side by side. It stops at the first error, and when ctx ends.
func (b *batch) runAll(ctx context.Context) error {
	if err := b.changeIndex(func() {}); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	shares := b.coreShares()
	failures := make([]error, len(shares))
	var workers sync.WaitGroup
	for i, cores := range shares {
		workers.Go(func() {
			for e := b.next(ctx); e != nil && failures[i] == nil; e = b.next(ctx) {
				if failures[i] = b.runOne(ctx, e, cores); failures[i] != nil {
					stop()
				}
			}
		})
	}
	workers.Wait()
	return errors.Join(append(failures, b.changeIndex(func() { b.over = true }))...)
}

// next returns the next notebook to run, or nil.
func (b *batch) next(ctx context.Context) (next *entry) {
	_ = b.changeIndex(func() { // an index that cannot be written is an error at the notebook's end
		for _, e := range b.entries {
			if ctx.Err() == nil && next == nil && !e.running && e.result == nil {
				next, e.running = e, true
			}
		}
	})
	return next
}

// end notes the result of a notebook and shows it in the index.
func (b *batch) end(e *entry, r result) {
	_ = b.changeIndex(func() { e.running, e.result = false, &r })
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
