package kernelext

import (
	"fmt"
	"os"
	"sync/atomic"

	"github.com/janpfeifer/gonb/gonbui/protocol"
)

const (
	envPipes  = "LECTURE_KERNEL_PIPES" // "1": stdout and stderr are pipes of the supervised kernel
	markerKey = "lecture_marker"       // in a display's metadata; the kernel takes it out
)

// orderFunc sees to it that the front end gets a display after what was printed before it.
type orderFunc func(*protocol.DisplayData)

// drain is the order under plain GoNB: the display is sent when the text has been read.
func drain(*protocol.DisplayData) { drainOutput() }

// markers is the order under the supervised kernel, which reads the text itself: a marker stands in stdout and in
// stderr where the display belongs, and the display's metadata has the same id.
type markers struct {
	streams [2]stream
	count   atomic.Int64
}

// stream is an output of the program and what lay behind its descriptor at the start.
type stream struct {
	file *os.File
	was  os.FileInfo
}

// newMarkers returns nil where the kernel does not read the program's output: a marker would be text there.
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

// mark writes the markers of a display. One that is in a single stream only is no use: then the display has none.
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
		// One write of a few bytes, which pipes take whole.
		if _, err := s.file.Write(marker); err != nil {
			return
		}
	}
	if message.Metadata == nil {
		message.Metadata = map[string]any{}
	}
	message.Metadata[markerKey] = id
}

// same tells whether the descriptor still leads to the pipe of the start: a cell may have put another file there.
func (s stream) same() bool {
	info, err := s.file.Stat()
	return err == nil && os.SameFile(info, s.was)
}
