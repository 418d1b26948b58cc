package kernel

import (
	"fmt"
	"syscall"
	"time"

	"deeplearning.example/kernelext/internal/machine"
)

const (
	// watchEvery limits the memory by which a cell can exceed its limit: a program can take some 100 MB in this time. A
	// look costs about 0.1 ms for each of its processes, so it is rare far from the limit.
	watchEvery  = 25 * time.Millisecond
	watchSeldom = 200 * time.Millisecond
	// fastest is the rate at which a program can take memory, in bytes a second.
	fastest = 5 << 30
	// reserve is the share of memory that the machine keeps: below it the largest cell is ended, whatever its limit.
	reserve = 0.03
	// largeCell is the share of the machine's memory above which a cell may be ended when memory runs out.
	largeCell = 0.25
)

// watch ends the cell when it is beyond a limit.
func (r *run) watch(over <-chan struct{}) {
	whole := machine.Memory()
	timer := time.NewTimer(watchEvery)
	defer timer.Stop()
	for {
		select {
		case <-over:
			return
		case <-timer.C:
		}
		used := int64(0)
		if stage := r.stageNow(); stage == computing || stage == shell {
			used = r.gonb.proc.Usage().RSS
		}
		r.offerInput()
		timer.Reset(r.nextLook(used, whole))
		if f := r.beyond(used, whole); f != nil {
			r.fail(*f)
			r.stop()
			r.k.log.line(fmt.Sprintf("cell [%d] is ended: %s", r.count, f.Evalue))
			r.kill()
			return
		}
	}
}

// nextLook returns the time in which the cell cannot exceed a limit.
func (r *run) nextLook(used, whole int64) time.Duration {
	left := machine.FreeMemory() - int64(reserve*float64(whole))
	if r.limits.Memory > 0 {
		left = min(left, r.limits.Memory-used)
	}
	soon := time.Duration(float64(left) / fastest * float64(time.Second))
	if r.limits.Time > 0 {
		soon = min(soon, r.limits.Time-r.clock.age())
	}
	return min(max(soon, watchEvery), watchSeldom)
}

// beyond reports which limit is exceeded.
func (r *run) beyond(used, whole int64) *failure {
	l := r.limits
	switch {
	case l.Time > 0 && r.clock.age() > l.Time:
		return &failure{Ename: nameLimit, Evalue: fmt.Sprintf(
			"the cell ran for %s, its limit; `%%limit time 48h` allows more, `%%limit time off` any time", l.text("time"))}
	case l.Memory > 0 && used > l.Memory:
		return &failure{Ename: nameLimit, Evalue: fmt.Sprintf(
			"the cell took %s of memory, its limit is %s; `%%limit memory %dGB` allows more, `%%limit memory off` any",
			formatBytes(used), l.text("memory"), 1+2*l.Memory>>30)}
	case whole > 0 && float64(used) > largeCell*float64(whole) && float64(machine.FreeMemory()) < reserve*float64(whole):
		return &failure{Ename: nameLimit, Evalue: fmt.Sprintf(
			"the cell took %s and the machine has no memory left, so that it was ended before the system ends something else",
			formatBytes(used))}
	}
	return nil
}

// kill kills all processes of the cell until it has answered; in the end GoNB too. A cell beyond its time limit may
// save first, as after an interrupt.
func (r *run) kill() {
	if f := r.failure(); f != nil && r.limits.Time > 0 && r.clock.age() > r.limits.Time {
		r.pursue()
		return
	}
	for end := time.Now().Add(killGrace); time.Now().Before(end); {
		r.signal(syscall.SIGKILL)
		if r.endsBefore(func() time.Time { return time.Now().Add(signalPause) }) {
			return
		}
	}
	r.gonb.end()
}
