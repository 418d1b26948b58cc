package device

import (
	"fmt"
	"io"
	"sync"
	"time"

	"deeplearning.example/kernelext/internal/agent"
	"deeplearning.example/kernelext/internal/plugin"
	"deeplearning.example/kernelext/internal/supervisor"
	"deeplearning.example/kernelext/internal/xlacache"
	"deeplearning.example/kernelext/internal/xlacache/hook"
)

// useCache makes go-xla load a plugin through the cache of compiled programs. Where that is impossible, programs are
// compiled as without it, and one line says why.
func useCache(p plugin.Record, warn io.Writer) {
	if p.Cache != plugin.CacheWorks {
		return // `lecture doctor` says why
	}
	cache, err := compiled()
	if err == nil && cache != nil {
		findCUDALibraries(p.Path)
		err = hook.Wrap(cache, p.Path, p.SHA256, count)
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

// count adds a compilation to the use of the cache, and reports a loaded program to the supervised kernel.
func count(e hook.Event) {
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
