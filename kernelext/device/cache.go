package device

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"deeplearning.example/kernelext/internal/agent"
	"deeplearning.example/kernelext/internal/plugin"
	"deeplearning.example/kernelext/internal/supervisor"
	"deeplearning.example/kernelext/internal/xlacache"
	"deeplearning.example/kernelext/internal/xlacache/hook"
	"deeplearning.example/kernelext/internal/xlaoptions"
)

// wrap makes go-xla load a plugin through the cache of compiled programs, and choose options for each program on the CPU.
// Where that is impossible, programs are compiled as without it, and one line says why.
func wrap(p plugin.Record, warn io.Writer) {
	through := hook.Plugin{Path: p.Path, Identity: p.SHA256, Notify: noteOptions}
	var err error
	if p.Cache == plugin.Works { // else `lecture doctor` says why
		through.Cache, err = compiled()
	}
	if through.Cache != nil {
		through.Notify = count
	}
	if p.Options == plugin.Works {
		through.Options = xlaoptions.ForCPU
	}
	if through.Cache != nil || through.Options != nil {
		findCUDALibraries(p.Path)
		err = errors.Join(err, hook.Wrap(through))
	}
	if err != nil {
		withoutCache(fmt.Sprintf("%s; every process compiles its programs again", firstLine(err)), warn)
	}
}

// compiled opens the cache of the process. It is nil if LECTURE_XLA_CACHE turns it off.
var compiled = sync.OnceValues(func() (*xlacache.Cache, error) {
	dir, err := xlacache.Folder()
	if err != nil || dir == "" {
		return nil, err
	}
	return xlacache.Open(dir)
})

// Use describes what the cache of compiled programs has done for a process.
type Use struct {
	Compiled int           // programs that XLA had to compile
	Loaded   int           // programs that came from the cache
	Saved    time.Duration // the time that the loaded ones had taken to compile, minus the time to load them
}

var (
	useMu sync.Mutex
	use   Use
)

// CacheUse returns what the cache of compiled programs has done so far. Without a cache nothing is counted.
func CacheUse() Use {
	useMu.Lock()
	defer useMu.Unlock()
	return use
}

// noteOptions notes that a program has other options than XLA's own, and reports it to the supervised kernel.
func noteOptions(e hook.Event) {
	if !e.Options {
		return
	}
	xlaoptions.MarkUsed()
	if supervisor.Present() {
		supervisor.Tell(agent.Request{Op: agent.OpTiming, Name: "xla options"})
	}
}

// count adds a compilation to the use of the cache, and reports a loaded program to the supervised kernel.
func count(e hook.Event) {
	noteOptions(e)
	useMu.Lock()
	defer useMu.Unlock()
	if !e.Hit {
		use.Compiled++
		return
	}
	use.Loaded++
	use.Saved += e.Saved
	if supervisor.Present() {
		supervisor.Tell(agent.Request{Op: agent.OpTiming, Name: "xla cache", Seconds: e.Saved.Seconds()})
	}
}

var warned sync.Once

// withoutCache shows a line once in a process, and in a notebook once in a kernel.
func withoutCache(line string, warn io.Writer) {
	warned.Do(func() {
		if supervisor.Present() {
			supervisor.Tell(agent.Request{Op: agent.OpNote, Name: line})
			return
		}
		fmt.Fprintln(warn, line)
	})
}
