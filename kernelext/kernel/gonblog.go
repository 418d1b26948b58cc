package kernel

import (
	"io"
	"os"
	"regexp"
	"strings"
	"sync"
)

// envVerbose turns on the whole log, with GoNB's own remarks.
const envVerbose = "LECTURE_KERNEL_LOG"

// tailLog keeps GoNB's last lines. GoNB logs each cell and each failure with its own stack. The cell reports the
// important part of that, so the log gets it only on request.
type tailLog struct {
	to      io.Writer
	verbose bool
	mu      sync.Mutex
	text    ring
}

func newTailLog(to io.Writer) *tailLog {
	return &tailLog{to: to, verbose: os.Getenv(envVerbose) == "verbose", text: ring{size: 8 << 10}}
}

// Write keeps p.
func (t *tailLog) Write(p []byte) (int, error) {
	t.mu.Lock()
	t.text.write(p)
	t.mu.Unlock()
	if t.verbose {
		return t.to.Write(p)
	}
	return len(p), nil
}

// klogHead matches the start of a line in GoNB's log: level, day, time, process, place, and a coloured id.
var klogHead = regexp.MustCompile(`^([IWEF])\d{4} \S+ +\d+ \S+\] (?:\x1b\S+\[\w+\]\x1b\[0m )?`)

// last returns the last line that says why GoNB ended: a panic's, else the last warning, error or line of another form.
func (t *tailLog) last() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	last := ""
	for line := range strings.Lines(string(t.text.bytes())) {
		line = strings.TrimSpace(line)
		head := klogHead.FindStringSubmatch(line)
		switch {
		case strings.HasPrefix(line, "panic: "), strings.HasPrefix(line, "fatal error: "):
			return line
		case head != nil && head[1] == "I", line == "":
		case head != nil:
			last = strings.TrimPrefix(line, head[0])
		default:
			last = line
		}
	}
	return last
}
