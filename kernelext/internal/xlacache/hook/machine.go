package hook

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
)

// machine identifies what XLA compiles for on a CPU: the processor with its features, and the number of cores, from
// which XLA decides how to divide loops.
var machine = sync.OnceValue(func() string {
	return fmt.Sprintf("\n%s %s %d\n%s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), processor())
})

// features lists the lines of /proc/cpuinfo that identify a processor.
var features = []string{"vendor_id", "cpu family", "model", "model name", "stepping", "flags", "Features", "CPU implementer",
	"CPU architecture", "CPU variant", "CPU part", "CPU revision"}

// processorLines returns the identifying lines of the first processor.
func processorLines(cpuinfo string) string {
	first, _, _ := strings.Cut(cpuinfo, "\n\n")
	var text strings.Builder
	for line := range strings.Lines(first) {
		name, value, _ := strings.Cut(line, ":")
		for _, f := range features {
			if strings.TrimSpace(name) == f {
				fmt.Fprintf(&text, "%s:%s\n", f, strings.TrimSpace(value))
			}
		}
	}
	return text.String()
}
