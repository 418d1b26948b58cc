package kernelext

import (
	"fmt"
	"os"
	"sync/atomic"

	"github.com/janpfeifer/gonb/gonbui/protocol"
)

const (
	envPipes  = "LECTURE_KERNEL_PIPES" // "1": stdout and stderr are pipes of the supervised kernel
	markerKey = "lecture_marker"       // in a display's metadata; the kernel removes it
)

// orderFunc ensures that the front end receives a display after the text that was printed before it.
type orderFunc func(*protocol.DisplayData)

// drain keeps the order under plain GoNB: the display is sent when the text has been read.
func drain(*protocol.DisplayData) { drainOutput() }

// markers keeps the order under the supervised kernel, which reads the text itself: stdout and stderr each have a marker
// where the display belongs, with the same id as the display's metadata.
type markers struct {
	streams [2]stream
	count   atomic.Int64
}

// stream is an output of the program and the file behind its descriptor at the start.
type stream struct {
	file *os.File
	was  os.FileInfo
}

// newMarkers returns nil if the kernel does not read the program's output, where a marker would appear as text.
func newMarkers(getenv func(string) string, stdout, stderr *os.File) *markers {
	if getenv(envPipes) != "1" {
		return nil
	}
	m := &markers{}
	for i, file := range []*os.File{stdout, stderr} {
		info, err := file.Stat()
		if err != nil || info.Mode()&os.ModeNamedPipe == 0 {
			return nil
		}
		m.streams[i] = stream{file, info}
	}
	return m
}

// mark writes the markers of a display. A marker in only one stream would be useless, so the display gets none then.
func (m *markers) mark(message *protocol.DisplayData) {
	if _, input := message.Data[protocol.MIMEJupyterInput]; input {
		return // it is not shown as a display
	}
	if !m.streams[0].same() || !m.streams[1].same() {
		return
	}
	id := fmt.Sprintf("%d-%d", m.count.Add(1), os.Getpid())
	marker := []byte("\x1b]7711;" + id + "\a")
	for _, s := range m.streams {
		// A pipe takes a write of a few bytes whole.
		if _, err := s.file.Write(marker); err != nil {
			return
		}
	}
	if message.Metadata == nil {
		message.Metadata = map[string]any{}
	}
	message.Metadata[markerKey] = id
}

// same reports whether the descriptor still refers to the same pipe as at the start: a cell may have replaced it.
func (s stream) same() bool {
	info, err := s.file.Stat()
	return err == nil && os.SameFile(info, s.was)
}
