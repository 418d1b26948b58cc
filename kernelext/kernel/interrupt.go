package kernel

import (
	"fmt"
	"maps"
	"strings"
	"syscall"
	"time"
)

const (
	// secondPress is the time after which another interrupt counts as a second one: people press the button twice, and
	// some front ends send a signal and a message.
	secondPress = 500 * time.Millisecond
	// interruptGrace is the time that a cell has after an interrupt, without a sign of progress, before SIGTERM.
	interruptGrace = 5 * time.Second
	// interruptMost is the longest time by which signs of progress can delay SIGTERM.
	interruptMost = time.Minute
	// impatientGrace is the rest of that time after a second interrupt.
	impatientGrace = time.Second
	// terminateGrace is the time between SIGTERM and SIGKILL, killGrace that between SIGKILL and the end of GoNB
	// itself, if GoNB does not answer.
	terminateGrace = 2 * time.Second
	killGrace      = 3 * time.Second
	// signalPause is the time between two looks at an interrupted cell.
	signalPause = 20 * time.Millisecond
)

// interrupt stops the cell in progress at any stage. The waiting cells are aborted when it has answered.
func (k *Kernel) interrupt() {
	r := k.running()
	if r == nil {
		k.queue.interrupt()
		return
	}
	r.mu.Lock()
	first := r.interrupts == 0
	again := !first && time.Since(r.interrupt) > secondPress
	if first || again {
		r.interrupts++
		r.interrupt = time.Now()
	}
	during := r.stage
	r.mu.Unlock()
	switch {
	case first:
		k.log.line(fmt.Sprintf("cell [%d] is interrupted while %v", r.count, during))
		r.fail(failure{Ename: nameInterrupt, Evalue: "interrupted while " + during.String()})
		r.stop()
		go r.pursue()
	case again:
		r.signal(syscall.SIGINT)
	}
}

// looksLimit ends the search for a program that starts others faster than they can be signalled.
const looksLimit = 100

// signal signals all processes of the cell, until a look finds no new one twice: a process that gets a new parent
// meanwhile can escape a single look. Processes that earlier cells have left are not signalled.
func (r *run) signal(s syscall.Signal) {
	r.signalling.Lock()
	defer r.signalling.Unlock()
	b := r.gonbNow()
	if b == nil || r.over() {
		return // the next cell runs now
	}
	sent := maps.Clone(r.before)
	for looks, quiet := 0, 0; looks < looksLimit && quiet < 2; looks++ {
		quiet++
		for _, pid := range b.proc.Cell() {
			if !sent[pid] {
				sent[pid], quiet = true, 0
				syscall.Kill(pid, s)
			}
		}
	}
}

// pursue sends SIGINT, then SIGTERM, then SIGKILL, until the cell has ended. Nothing new can start meanwhile. A process
// that appears between the looks was thus permitted before the interrupt, and gets the signal too.
func (r *run) pursue() {
	begin := time.Now()
	r.signal(syscall.SIGINT)
	if r.endsBefore(func() time.Time { return r.patience(begin) }) {
		return
	}
	r.signal(syscall.SIGTERM)
	term := time.Now().Add(terminateGrace)
	if r.endsBefore(func() time.Time { return term }) {
		return
	}
	kill := time.Now().Add(killGrace)
	for time.Now().Before(kill) {
		r.signal(syscall.SIGKILL)
		if r.endsBefore(func() time.Time { return time.Now().Add(signalPause) }) {
			return
		}
	}
	if b := r.gonbNow(); b != nil {
		r.k.log.line("GoNB does not answer after an interrupt and is ended")
		b.end()
	}
}

// patience returns the time until which the cell may continue.
func (r *run) patience(begin time.Time) time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.interrupts > 1 {
		return r.interrupt.Add(impatientGrace)
	}
	until := begin.Add(interruptGrace)
	if later := r.progressed.Add(interruptGrace); later.After(until) {
		until = later
	}
	if most := begin.Add(interruptMost); until.After(most) {
		until = most
	}
	return until
}

// endsBefore waits for the cell's end until the deadline, which may move.
func (r *run) endsBefore(deadline func() time.Time) bool {
	for {
		if r.over() {
			return true
		}
		if time.Now().After(deadline()) {
			return false
		}
		time.Sleep(signalPause)
	}
}

func (r *run) over() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.done
}

// interrupted reports the effect of an interrupt, and the saved state of a training.
func (r *run) interrupted(f failure) failure {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.trained
	switch {
	case t.saved >= 0:
		f.Evalue += fmt.Sprintf("; %s is saved at step %d", t.savedName, t.saved)
		if t.steps > 0 {
			f.Evalue += fmt.Sprintf(" of %d", t.steps)
		}
		f.Evalue += ": run the cell again to continue from there"
	case t.name != "":
		f.Evalue += fmt.Sprintf("; %s was at step %d of %d and nothing of it is saved", t.name, t.step, t.steps)
	}
	f.Traceback = []string{red(strings.Replace(f.Evalue, "interrupted", nameInterrupt, 1))}
	return f
}

// endForShutdown asks the cell to end and gives it some time to save.
func (r *run) endForShutdown(b *gonbProcess, patience time.Duration) {
	r.fail(failure{Ename: nameKernel, Evalue: "the kernel was shut down"})
	r.stop()
	b.proc.Signal(syscall.SIGINT)
	for end := time.Now().Add(patience); time.Now().Before(end) && len(b.proc.Cell()) > 0; {
		time.Sleep(signalPause)
	}
}
