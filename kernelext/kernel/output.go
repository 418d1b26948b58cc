package kernel

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"deeplearning.example/kernelext/jupyter"
)

const (
	// flushEvery limits the rate of stream messages: a browser draws no faster, and a notebook server drops messages
	// above 1000 a second.
	flushEvery = 25 * time.Millisecond
	// chunk is the longest text of one stream message.
	chunk = 64 << 10
	// tailSize is the length of the end of a long output that is shown.
	tailSize = 64 << 10
	// detachAfter is the time for which the pipes of a cell that has ended are read while one of its processes still
	// holds them. detachLimit is that time if they are never found empty: on a busy machine the readers may still have
	// text of the cell to read.
	detachAfter = 30 * time.Millisecond
	detachLimit = 2 * time.Second
	// emptyPause is the time between two checks whether the pipes are empty.
	emptyPause = 500 * time.Microsecond
	// markerWait is the time that text waits for the display whose marker it carries, and a display for its marker.
	markerWait = 2 * time.Second
	// displayShare is the number of bytes of displays that are shown for each byte of text.
	displayShare = 128
	// keptInMemory is the length of text without limit that is kept in memory, before it goes to a file.
	keptInMemory = 1 << 20
)

// The marker that kernelext writes into stdout and stderr at the place of a display: ESC ]7711; id BEL.
var (
	markerStart = []byte("\x1b]7711;")
	markerEnd   = byte('\a')
)

// maxMarker limits an id, so that a marker that never ends is text.
const maxMarker = 64

// output is the text and the displays of one cell, in their original order as far as that can be known:
//
//   - each of stdout and stderr keeps its order, byte for byte;
//   - between two displays of kernelext both hold exactly the text that was printed there (its displays leave a marker
//     in both pipes);
//   - a display of plain gonbui follows the text that was printed before it, but may come after text printed later;
//   - text of stdout and of stderr without a display between them has the order in which the two pipes got something to
//     read: that of the program, as long as it writes no faster than the kernel reads, some 10 µs a piece.
type output struct {
	publish  func(msgType string, content any)
	annotate func(text []byte) []byte // marks the places of the program in stderr; nil for none
	folders  []string                 // starts of the program's paths

	mu    sync.Mutex
	limit int64 // bytes of text that are shown completely; 0: all

	changed *sync.Cond
	stream  string       // stream of the pending text
	pending bytes.Buffer // text that is not published yet: of one stream
	flushed time.Time
	timer   *time.Timer

	total, lines int64 // all text so far
	shown        int64
	displayed    int64 // bytes of all displays
	tail         ring
	spool        *spool
	errTail      ring // the end of stderr, for the traceback

	readers  sync.WaitGroup
	pipes    []*pipe         // in use
	markers  map[string]int  // id → pipes that have reached it
	finished map[string]bool // ids whose display is published
	capture  io.WriteCloser
}

func newOutput(limit int64, spoolPath string, publish func(msgType string, content any)) *output {
	o := &output{
		publish: publish, limit: limit, tail: ring{size: tailSize}, errTail: ring{size: tailSize},
		markers: map[string]int{}, finished: map[string]bool{}, spool: &spool{path: spoolPath},
	}
	o.changed = sync.NewCond(&o.mu)
	return o
}

// attach creates the two pipes of a program and starts to read them. The caller closes the returned ends once the
// program has its own.
func (o *output) attach() (stdout, stderr *os.File, err error) {
	readers, writers := [2]*os.File{}, [2]*os.File{}
	for i := range readers {
		if readers[i], writers[i], err = os.Pipe(); err != nil {
			for _, f := range []*os.File{readers[0], writers[0]} {
				if f != nil {
					f.Close()
				}
			}
			return nil, nil, err
		}
	}
	turns := newTurns(readers[:]...)
	o.mu.Lock()
	defer o.mu.Unlock()
	for i, name := range []string{"stdout", "stderr"} {
		p := &pipe{o: o, name: name, file: readers[i], turn: turns[i]}
		o.pipes = append(o.pipes, p)
		o.readers.Go(p.read)
	}
	return writers[0], writers[1], nil
}

// finish waits until all text of the cell is published, then reports the omitted text. Text that background processes
// of the cell print later is published when it arrives.
func (o *output) finish() {
	done := make(chan struct{})
	go func() {
		o.readers.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(detachAfter):
		for end := time.Now().Add(detachLimit - detachAfter); !o.allRead() && time.Now().Before(end); {
			time.Sleep(emptyPause)
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.flush()
	o.tellElided()
	if o.capture != nil {
		o.capture.Close()
		o.capture = nil
	}
}

// setLimit changes the limit before anything is printed.
func (o *output) setLimit(limit int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.limit = limit
}

// captureTo copies all later text.
func (o *output) captureTo(w io.WriteCloser) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.capture != nil {
		o.capture.Close()
	}
	o.capture = w
}

// captureDisplay copies the texts of a display, as GoNB does.
func (o *output) captureDisplay(data map[string]json.RawMessage) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.capture == nil {
		return
	}
	for _, kind := range slices.Sorted(maps.Keys(data)) {
		var text string
		if json.Unmarshal(data[kind], &text) == nil {
			io.WriteString(o.capture, text) // a full disk must not end the cell
		}
	}
}

// admit counts a display of a size and reports whether it may still be shown. A cell may show more displays than text;
// an unlimited number would make the notebook unusable.
func (o *output) admit(size int) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	most := displayShare * o.limit
	before := o.displayed
	o.displayed += int64(size)
	if o.limit == 0 || o.displayed <= most {
		return true
	}
	if before <= most {
		o.flush()
		o.emit("stderr", fmt.Sprintf("\n[lecture] The cell has displayed more than %s: further displays are left out. "+
			"`%%limit output 10MB` allows ten times as much.\n", formatBytes(most)))
	}
	return false
}

// text adds text of a stream: whole runes, or bytes that are not UTF-8.
func (o *output) text(name string, p []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.add(name, p)
}

func (o *output) add(name string, p []byte) {
	if len(p) == 0 {
		return
	}
	if name == "stderr" {
		if o.annotate != nil {
			p = o.annotate(p)
		}
		o.errTail.write(p)
	}
	if o.capture != nil {
		o.capture.Write(p) // a full disk must not end the cell
	}
	o.total += int64(len(p))
	o.lines += int64(bytes.Count(p, []byte{'\n'}))
	if o.limit == 0 {
		o.spool.write(p, o.total > keptInMemory)
		o.append(name, p)
		return
	}
	o.spool.write(p, o.total > o.limit)
	if show := min(o.limit-o.shown, int64(len(p))); show > 0 {
		head := wholeRunes(p[:show], len(p) > int(show))
		o.shown += int64(len(head))
		o.append(name, head)
		if p = p[len(head):]; len(p) == 0 {
			return
		}
		o.shown = o.limit
	}
	if o.tail.total == 0 {
		o.flush()
		o.emit("stderr", elisionBegins(o.limit))
	}
	o.tail.write(p)
}

// wholeRunes leaves out an incomplete rune at the end.
func wholeRunes(p []byte, cut bool) []byte {
	if !cut {
		return p
	}
	return p[:len(p)-partialRune(p)]
}

// append adds to the pending text and publishes it now or soon.
func (o *output) append(name string, p []byte) {
	if o.stream != name {
		o.flush()
		o.stream = name
	}
	o.pending.Write(p)
	wait := flushEvery - time.Since(o.flushed)
	switch {
	case wait <= 0 || o.pending.Len() >= chunk:
		o.flush()
	case o.timer == nil:
		o.timer = time.AfterFunc(wait, func() {
			o.mu.Lock()
			defer o.mu.Unlock()
			o.timer = nil
			o.flush()
		})
	}
}

// flush publishes the pending text.
func (o *output) flush() {
	if o.pending.Len() == 0 {
		return
	}
	text := strings.ToValidUTF8(o.pending.String(), "\uFFFD")
	o.pending.Reset()
	o.emit(o.stream, text)
}

func (o *output) emit(name, text string) {
	o.flushed = time.Now()
	o.publish("stream", jupyter.Stream{Name: name, Text: text})
}

// note publishes a text of the kernel itself, after the text that was printed before.
func (o *output) note(name, text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.flush()
	o.emit(name, text)
}

// display publishes a display in its place: after the text up to its marker or, without one, after all text that was
// read before. send publishes it.
func (o *output) display(marker string, send func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if marker != "" {
		o.waitFor(markerWait, func() bool { return o.markers[marker] >= len(o.pipes) })
	} else {
		o.mu.Unlock()
		o.settle()
		o.mu.Lock()
	}
	o.flush()
	send()
	if marker != "" {
		delete(o.markers, marker)
		o.finished[marker] = true
		o.changed.Broadcast()
	}
}

// atMarker is called by the reader of a pipe that has reached a marker: it stops the pipe until the display is
// published.
func (o *output) atMarker(marker string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.markers[marker]++
	o.changed.Broadcast()
	o.waitFor(markerWait, func() bool { return o.finished[marker] })
}

// waitFor waits, with the lock held between the looks, until ready or the time is over.
func (o *output) waitFor(limit time.Duration, ready func() bool) {
	deadline := time.Now().Add(limit)
	timer := time.AfterFunc(limit, func() {
		o.mu.Lock() // so that no waiter is between its look at the clock and its wait
		defer o.mu.Unlock()
		o.changed.Broadcast()
	})
	defer timer.Stop()
	for !ready() && time.Now().Before(deadline) {
		o.changed.Wait()
	}
}

// settle waits, for some milliseconds at most, until the pipes are empty: they contain the text that a program printed
// before a display when the display arrives.
func (o *output) settle() {
	for looks := 0; looks < 10 && !o.allRead(); looks++ {
		time.Sleep(emptyPause)
	}
}

// allRead reports whether everything in the pipes has become text. A reader is marked busy before it reads from its
// pipe, so the pipe must be checked first.
func (o *output) allRead() bool {
	o.mu.Lock()
	pipes := slices.Clone(o.pipes)
	o.mu.Unlock()
	for _, p := range pipes {
		if unread(p.file) > 0 || p.busy.Load() {
			return false
		}
	}
	return true
}

// pipeClosed is called at the end of a pipe.
func (o *output) pipeClosed(p *pipe) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.pipes = slices.DeleteFunc(o.pipes, func(other *pipe) bool { return other == p })
	o.changed.Broadcast() // a display no longer waits for this pipe
	p.file.Close()
}

// lastErrors returns the end of the text on stderr.
func (o *output) lastErrors() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.errTail.bytes())
}

// pipe reads one pipe of a program.
type pipe struct {
	o    *output
	name string
	file *os.File
	turn *turn
	rest []byte // the start of a rune or of a marker whose end has not come yet

	busy atomic.Bool // from the event that data is available until it is text
}

// read reads until the end of the pipe. At the end, an incomplete marker or rune is text.
func (p *pipe) read() {
	defer p.o.pipeClosed(p)
	buffer := make([]byte, chunk)
	for {
		p.busy.Store(p.turn.begin())
		n, err := p.file.Read(buffer)
		if n > 0 {
			p.take(buffer[:n])
		}
		if errors.Is(err, io.EOF) {
			p.o.text(p.name, p.rest)
		}
		p.busy.Store(false)
		p.turn.end(err != nil)
		if err != nil {
			return
		}
	}
}

// take splits the data at its markers and keeps an unfinished end.
func (p *pipe) take(data []byte) {
	if len(p.rest) > 0 {
		data = append(p.rest, data...)
		p.rest = nil
	}
	for {
		at := bytes.Index(data, markerStart)
		if at < 0 {
			break
		}
		body := data[at+len(markerStart):]
		end := bytes.IndexByte(body[:min(len(body), maxMarker)], markerEnd)
		if end < 0 && len(body) < maxMarker { // the end is still to come
			p.o.text(p.name, data[:at])
			p.rest = bytes.Clone(data[at:])
			return
		}
		if end < 0 { // another program's escape
			p.o.text(p.name, data[:at+len(markerStart)])
			data = body
			continue
		}
		p.o.text(p.name, data[:at])
		p.turn.pause() // the other pipe has to reach its marker
		p.o.atMarker(string(body[:end]))
		data = body[end+1:]
	}
	keep := max(partialMarker(data), partialRune(data))
	if p.name == "stderr" && p.o.annotate != nil {
		keep = max(keep, partialFrame(data, p.o.folders...))
	}
	p.o.text(p.name, data[:len(data)-keep])
	p.rest = bytes.Clone(data[len(data)-keep:])
}

// partialMarker returns the number of bytes at the end that may be the start of a marker.
func partialMarker(data []byte) int {
	for n := min(len(data), len(markerStart)-1); n > 0; n-- {
		if bytes.HasSuffix(data, markerStart[:n]) {
			return n
		}
	}
	return 0
}

// partialRune returns the number of bytes at the end that start an incomplete rune.
func partialRune(data []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(data); n++ {
		b := data[len(data)-n]
		if utf8.RuneStart(b) {
			if b >= utf8.RuneSelf && !utf8.FullRune(data[len(data)-n:]) {
				return n
			}
			return 0
		}
	}
	return 0
}
