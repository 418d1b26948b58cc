package run

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"deeplearning.example/kernelext/jupyter"
	"deeplearning.example/kernelext/nbformat"
)

const (
	// DefaultMaxOutput is the default limit of a cell's stored outputs, in bytes.
	DefaultMaxOutput = 16 << 20
	// pieceSize limits a stored piece of a stream. Streams are dropped piece by piece.
	pieceSize = 64 << 10
	// entryCost is added to the size of each output, so that a flood of empty ones counts too.
	entryCost = 256
)

// entry is one output, or a piece of a stream.
type entry struct {
	output nbformat.Output
	text   terminalText // text of a stream
	size   int64
	owner  *outputs
	inTail bool
	gone   bool
}

func (e *entry) isStream(name string) bool {
	return e.output.Type == nbformat.Stream && e.output.Name == name
}

// outputs collects the outputs of one cell, up to a limit. Half of the limit is for the first outputs, and the other
// half for the latest. A cell that floods thus costs no more than its limit, and shows how it started and how it ended.
type outputs struct {
	limit    int64
	displays displays

	head, tail         []*entry
	headSize, tailSize int64
	headFull           bool
	lostBytes, total   int64
	clearNext          bool
}

// displays finds the outputs of a display id, over all cells of a notebook.
type displays map[string][]*entry

func newOutputs(limit int64, shared displays) *outputs {
	return &outputs{limit: limit, displays: shared}
}

func (o *outputs) last() *entry {
	switch {
	case len(o.tail) > 0:
		return o.tail[len(o.tail)-1]
	case len(o.head) > 0 && !o.headFull:
		return o.head[len(o.head)-1]
	}
	return nil
}

// add appends an output and makes room for it.
func (o *outputs) add(e *entry) {
	e.owner = o
	e.size += entryCost
	if !o.headFull && o.headSize+e.size > o.limit/2 {
		o.headFull = true
	}
	if !o.headFull {
		o.head = append(o.head, e)
		o.headSize += e.size
		return
	}
	e.inTail = true
	o.tail = append(o.tail, e)
	o.tailSize += e.size
	o.trim()
}

// trim drops the oldest outputs of the tail until the rest fits.
func (o *outputs) trim() {
	for o.tailSize > o.limit/2 && len(o.tail) > 0 {
		oldest := o.tail[0]
		o.tail[0] = nil
		o.tail = o.tail[1:]
		o.tailSize -= oldest.size
		o.lose(oldest)
	}
}

func (o *outputs) lose(e *entry) {
	e.gone = true
	o.lostBytes += e.size - entryCost
}

// grow changes the size of an existing entry.
func (o *outputs) grow(e *entry, bytes int64) {
	e.size += bytes
	if e.inTail {
		o.tailSize += bytes
		o.trim()
	} else {
		o.headSize += bytes
	}
}

// stream adds text to stdout or stderr.
func (o *outputs) stream(name, text string) {
	o.clearIfWaiting()
	o.total += int64(len(text))
	for text != "" {
		piece := text[:runeBoundary(text, pieceSize)]
		text = text[len(piece):]
		o.streamPiece(name, piece)
	}
}

// runeBoundary returns the largest cut of text up to limit bytes that splits no character.
func runeBoundary(text string, limit int) int {
	if len(text) <= limit {
		return len(text)
	}
	for limit > 1 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return limit
}

func (o *outputs) streamPiece(name, piece string) {
	last := o.last()
	room := last != nil && last.isStream(name)
	if room && last.size+int64(len(piece)) <= 2*pieceSize && (last.inTail || o.headSize+int64(len(piece)) <= o.limit/2) {
		before := len(last.text.buf)
		last.text.write(piece)
		o.grow(last, int64(len(last.text.buf)-before))
		return
	}
	line := ""
	if room {
		line = last.text.takeLine()
		o.grow(last, -int64(len(line)))
	}
	e := &entry{output: nbformat.Output{Type: nbformat.Stream, Name: name}, text: newTerminalText(line)}
	e.text.write(piece)
	e.size = int64(len(e.text.buf))
	o.add(e)
}

// show adds a display_data, execute_result or error. size is its length on the wire.
func (o *outputs) show(output nbformat.Output, displayID string, size int64) {
	o.clearIfWaiting()
	o.total += size
	e := &entry{output: output, size: size}
	o.add(e)
	if displayID != "" {
		o.displays.update(displayID, output, size) // Jupyter shows one state of an id everywhere
		o.displays[displayID] = append(o.displays[displayID], e)
	}
}

// update sets the state of all outputs of a display id. As in Jupyter, an unknown id has no effect.
func (d displays) update(id string, output nbformat.Output, size int64) {
	d[id] = slices.DeleteFunc(d[id], func(e *entry) bool { return e.gone })
	for _, e := range d[id] {
		if e.gone {
			continue // just dropped, because another one grew
		}
		o := e.owner
		growth := size + entryCost - e.size
		state, metadata := output.Data, output.Metadata
		if growth > 0 && o.headSize+o.tailSize+growth > o.limit {
			note := fmt.Sprintf("[an output of %d bytes is left out: the limit of a cell is %d]", size, o.limit)
			state, metadata = map[string]any{"text/plain": note}, nil
			growth = int64(len(note)) + entryCost - e.size
		}
		e.output.Data, e.output.Metadata = maps.Clone(state), maps.Clone(metadata)
		o.grow(e, growth)
	}
}

func (o *outputs) clear(wait bool) {
	if wait {
		o.clearNext = true
		return
	}
	for _, e := range slices.Concat(o.head, o.tail) {
		e.gone = true
	}
	*o = outputs{limit: o.limit, displays: o.displays, total: o.total}
}

func (o *outputs) clearIfWaiting() {
	if o.clearNext {
		o.clear(false)
	}
}

// result returns the outputs to store. Neighbouring pieces of a stream are joined, and a note replaces dropped outputs.
func (o *outputs) result() []nbformat.Output {
	var result []nbformat.Output
	for _, e := range o.head {
		result = appendOutput(result, e.stored())
	}
	if o.lostBytes > 0 {
		note := fmt.Sprintf("\n[%d bytes left out here: the limit of a cell's outputs is %d bytes]\n", o.lostBytes, o.limit)
		result = append(result, nbformat.Output{Type: nbformat.Stream, Name: "stderr", Text: note})
	}
	for _, e := range o.tail {
		result = appendOutput(result, e.stored())
	}
	return result
}

func (e *entry) stored() nbformat.Output {
	stored := e.output
	if stored.Type == nbformat.Stream {
		stored.Text = e.text.String()
	}
	return stored
}

func appendOutput(list []nbformat.Output, next nbformat.Output) []nbformat.Output {
	if next.Type == nbformat.Stream {
		if next.Text == "" {
			return list
		}
		if n := len(list); n > 0 && list[n-1].Type == nbformat.Stream && list[n-1].Name == next.Name {
			list[n-1].Text += next.Text
			return list
		}
	}
	return append(list, next)
}

// take adds one message of the kernel to the outputs.
func (o *outputs) take(m *jupyter.Message) error {
	switch m.Header.MsgType {
	case "stream":
		var s jupyter.Stream
		if err := m.Decode(&s); err != nil {
			return err
		}
		o.stream(s.Name, s.Text)
	case "display_data", "execute_result", "update_display_data":
		return o.takeDisplay(m)
	case "error":
		var e jupyter.ErrorOutput
		if err := m.Decode(&e); err != nil {
			return err
		}
		output := nbformat.Output{Type: nbformat.ErrorOutput, Ename: e.Ename, Evalue: e.Evalue, Traceback: e.Traceback}
		o.show(output, "", int64(len(m.Content)))
	case "clear_output":
		var c jupyter.ClearOutput
		if err := m.Decode(&c); err != nil {
			return err
		}
		o.clear(c.Wait)
	case "input_request":
		var r jupyter.InputRequest
		if err := m.Decode(&r); err != nil {
			return err
		}
		o.stream("stderr", fmt.Sprintf("[the cell asks for input (%q); nobody can answer, so it gets an empty line]\n", r.Prompt))
	}
	return nil
}

func (o *outputs) takeDisplay(m *jupyter.Message) error {
	var d jupyter.Display
	if err := m.Decode(&d); err != nil {
		return err
	}
	output := nbformat.Output{Type: nbformat.DisplayData, Data: joinLines(d.Data), Metadata: d.Metadata}
	size := int64(len(m.Content))
	switch m.Header.MsgType {
	case "update_display_data":
		o.displays.update(d.Transient.DisplayID, output, size)
		return nil
	case "execute_result":
		output.Type, output.ExecutionCount = nbformat.ExecuteResult, &d.ExecutionCount
	}
	o.show(output, d.Transient.DisplayID, size)
	return nil
}

// joinLines returns a text as one string. The protocol allows a list of lines too.
func joinLines(data map[string]any) map[string]any {
	for mime, value := range data {
		lines, ok := value.([]any)
		if !ok || nbformat.IsJSON(mime) {
			continue
		}
		var text strings.Builder
		for _, line := range lines {
			fmt.Fprint(&text, line)
		}
		data[mime] = text.String()
	}
	return data
}
