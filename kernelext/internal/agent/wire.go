package agent

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

const (
	// lineLimit limits a line, so that a compiler that repeats itself does not fill the reader's memory.
	lineLimit = 64 << 20
	// filesLimit is the largest number of descriptors in one message; the protocol sends two.
	filesLimit = 8
	// chunkSize is the number of bytes read at once.
	chunkSize = 16 << 10
)

// wire reads lines that may carry descriptors.
type wire struct {
	socket  *os.File
	pending []byte // read, but after the end of the last line
}

// readLine reads up to a line feed, with the descriptors that came with it.
func (w *wire) readLine() (line []byte, files []*os.File, err error) {
	defer func() {
		if err != nil {
			closeAll(files)
			files = nil
		}
	}()
	chunk := make([]byte, chunkSize)
	for searched := 0; ; {
		if end := bytes.IndexByte(w.pending[searched:], '\n'); end >= 0 {
			line, w.pending = w.pending[:searched+end], w.pending[searched+end+1:]
			return line, files, nil
		}
		if searched = len(w.pending); searched > lineLimit {
			return nil, files, fmt.Errorf("a line of more than %d MB", lineLimit>>20)
		}
		n, more, err := receive(w.socket, chunk)
		files = append(files, more...)
		if err != nil {
			return nil, files, hungUp(err)
		}
		w.pending = append(w.pending, chunk[:n]...)
	}
}

// hungUp unifies the two ways in which a peer's end is reported.
func hungUp(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) {
		return fmt.Errorf("the kernel has hung up: %w", io.ErrUnexpectedEOF)
	}
	return err
}
