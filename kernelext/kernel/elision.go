package kernel

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// ring keeps the last bytes that were written to it.
type ring struct {
	size  int
	total int64
	data  []byte
	at    int // place of the next byte, once data is full
}

func (r *ring) write(p []byte) {
	r.total += int64(len(p))
	if len(p) > r.size {
		p = p[len(p)-r.size:]
	}
	if free := r.size - len(r.data); free > 0 {
		n := min(free, len(p))
		r.data = append(r.data, p[:n]...)
		p = p[n:]
	}
	for len(p) > 0 {
		n := copy(r.data[r.at:], p)
		r.at = (r.at + n) % r.size
		p = p[n:]
	}
}

// bytes returns the content, oldest first.
func (r *ring) bytes() []byte {
	return append(bytes.Clone(r.data[r.at:]), r.data[:r.at]...)
}

// spoolLimit limits the file that keeps a whole long output.
const spoolLimit = 256 << 20

// spool keeps all text of a cell: in memory while it is short, in a file if some of it is not shown.
type spool struct {
	path   string
	head   []byte
	file   *os.File
	kept   int64
	broken error
}

func (s *spool) write(p []byte, long bool) {
	if s.broken != nil {
		return
	}
	if !long {
		s.head = append(s.head, p...)
		return
	}
	if s.file == nil {
		if s.file, s.broken = os.OpenFile(s.path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600); s.broken != nil {
			return
		}
		s.put(s.head)
		s.head = nil
	}
	s.put(p)
}

func (s *spool) put(p []byte) {
	p = p[:min(int64(len(p)), spoolLimit-s.kept)]
	n, err := s.file.Write(p)
	s.kept += int64(n)
	s.broken = err
}

// save writes all kept text to a file, completely or not at all.
func (s *spool) save(path string) (kept int64, err error) {
	temp, err := os.CreateTemp(filepath.Dir(path), ".output-*")
	if err != nil {
		return 0, err
	}
	defer os.Remove(temp.Name()) // fails after the rename, as intended
	kept = int64(len(s.head))
	_, err = temp.Write(s.head)
	if s.file != nil && err == nil {
		kept = s.kept
		_, err = io.Copy(temp, io.NewSectionReader(s.file, 0, s.kept))
	}
	if err = errors.Join(err, temp.Chmod(0o644), temp.Close()); err != nil {
		return 0, err
	}
	return kept, os.Rename(temp.Name(), path)
}

// discard frees the memory or the file of the spool.
func (s *spool) discard() {
	s.head = nil
	if s.file != nil {
		s.file.Close()
		os.Remove(s.path)
	}
}

func elisionBegins(limit int64) string {
	return fmt.Sprintf("\n[lecture] The output is longer than %s: its middle is left out, its end follows when the cell "+
		"ends.\n", formatBytes(limit))
}

// tellElided publishes the end of an output whose middle was left out, with its size and the way to see all.
func (o *output) tellElided() {
	if o.tail.total == 0 {
		return
	}
	end := strings.ToValidUTF8(string(o.tail.bytes()), "")
	if left := o.tail.total - int64(len(end)); left > 0 {
		if at := strings.IndexByte(end, '\n'); at >= 0 && at < len(end)-1 {
			left += int64(at + 1)
			end = end[at+1:]
		}
		o.emit("stderr", fmt.Sprintf("[lecture] %s left out of %s (%d lines). %s\n",
			formatBytes(left), formatBytes(o.total), o.lines, o.spool.how(o.total)))
	}
	o.emit("stdout", end)
	o.tail = ring{size: tailSize}
}

// how describes the way to see all output.
func (s *spool) how(total int64) string {
	switch {
	case s.broken != nil:
		return fmt.Sprintf("It could not be kept: %v. Start the cell with `%%capture FILE` to keep it.", s.broken)
	case s.kept < total:
		return fmt.Sprintf("`%%output save FILE` writes the first %s to a file, `%%capture FILE` in the cell all of it; "+
			"`%%limit output 10MB` shows more.", formatBytes(s.kept))
	default:
		return "`%output save FILE` writes all of it to a file; `%limit output 10MB` shows more."
	}
}

// formatBytes formats a size for people.
func formatBytes(n int64) string {
	units := []string{"KB", "MB", "GB", "TB"}
	if n < 1024 {
		return fmt.Sprintf("%d bytes", n)
	}
	value, unit := float64(n)/1024, 0
	for value >= 1024 && unit < len(units)-1 {
		value, unit = value/1024, unit+1
	}
	return strings.Replace(fmt.Sprintf("%.1f %s", value, units[unit]), ".0 ", " ", 1)
}
