package kernel

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"deeplearning.example/kernelext/jupyter"
)

// receive handles the messages of GoNB in one goroutine, so that they keep their order.
func (g *gonbProcess) receive() {
	for raw := range g.raw.Receive() {
		if raw.Frames == nil {
			g.k.log.line(fmt.Sprintf("%s: a message of %s from GoNB was dropped", raw.Channel, formatBytes(raw.Lost)))
			continue
		}
		m, err := jupyter.Decode(g.signer, raw.Frames)
		if err != nil {
			g.k.log.line(fmt.Sprintf("%s: from GoNB: %v", raw.Channel, err))
			continue
		}
		switch raw.Channel {
		case jupyter.IOPub:
			g.relayOutput(m, raw.Frames)
		case jupyter.Stdin:
			g.relayInput(m, raw.Frames)
		default:
			g.relayReply(m, raw.Frames)
		}
	}
}

// runOf returns the cell in progress that caused m, or nil.
func (g *gonbProcess) runOf(m *jupyter.Message) *run {
	for _, r := range []*run{g.k.running(), g.k.restorer()} {
		if r != nil && r.request.Header.MsgID == m.Parent.MsgID {
			return r
		}
	}
	return nil
}

// resign signs the frames with the front ends' key and changes nothing else.
func (g *gonbProcess) resign(frames [][]byte) [][]byte {
	envelope, err := jupyter.Split(frames)
	if err != nil {
		return frames // impossible, because Decode has accepted them
	}
	g.k.signer.Sign(envelope)
	return envelope.Frames()
}

// relayReply handles GoNB's answer to a cell; other answers go to the front ends that asked.
func (g *gonbProcess) relayReply(m *jupyter.Message, frames [][]byte) {
	r := g.runOf(m)
	switch {
	case m.Header.MsgType == "kernel_info_reply" && m.Header.Session == g.k.session:
	case m.Header.MsgType == "execute_reply" && r != nil:
		var reply jupyter.ExecuteReply
		if err := m.Decode(&reply); err != nil {
			g.k.log.line(err.Error())
		}
		select {
		case r.reply <- reply:
		default:
		}
	default:
		g.k.front.Send(jupyter.Shell, g.resign(frames))
	}
}

// relayInput passes on a question of the cell, if the front end said that it can be asked. Else GoNB gets an empty
// answer, so that it does not wait; the cell has reached the end of its input.
func (g *gonbProcess) relayInput(m *jupyter.Message, frames [][]byte) {
	r := g.runOf(m)
	if r == nil || r.content.AllowStdin {
		if r != nil {
			r.out.settle()
			r.asked(true)
		}
		g.k.front.Send(jupyter.Stdin, g.resign(frames))
		return
	}
	answer, err := m.Reply("input_reply", jupyter.InputReply{Status: "ok"})
	if err == nil {
		answer.Identities = nil
		err = g.sendMessage(jupyter.Stdin, answer)
	}
	if err != nil {
		g.k.log.line(fmt.Sprintf("input_reply: %v", err))
	}
}

// relayOutput passes on the outputs of a cell. Messages that the supervisor sends itself are held back: status,
// execute_input, the error, and the exit status that GoNB prints.
func (g *gonbProcess) relayOutput(m *jupyter.Message, frames [][]byte) {
	r := g.runOf(m)
	switch m.Header.MsgType {
	case "status":
		g.hearStatus(m, r)
	case "execute_input", "error":
	case "stream":
		g.relayStream(m, r)
	case "display_data", "update_display_data", "execute_result":
		g.relayDisplay(m, r, frames)
	default:
		if r != nil {
			r.out.display("", func() { g.k.front.Publish(g.resign(frames)) })
			return
		}
		g.k.front.Publish(g.resign(frames))
	}
}

func (g *gonbProcess) hearStatus(m *jupyter.Message, r *run) {
	var status jupyter.Status
	if m.Decode(&status) != nil || status.ExecutionState != "idle" {
		return
	}
	if r != nil {
		r.idleOnce.Do(func() { close(r.idle) })
		return
	}
	if m.Parent.Session == g.k.session && m.Parent.MsgType == "kernel_info_request" {
		g.readyOnce.Do(func() { close(g.ready) })
	}
}

// exitText matches GoNB's text about a program that failed; the cell's error has more detail.
var exitText = regexp.MustCompile(`^(\^C\n)?(exit status \d+|signal: [a-z ]+)( \(core dumped\))?\n$`)

// relayStream passes on text of GoNB itself. The text of cells does not pass through GoNB.
func (g *gonbProcess) relayStream(m *jupyter.Message, r *run) {
	var stream jupyter.Stream
	if m.Decode(&stream) != nil || exitText.MatchString(stream.Text) {
		return
	}
	if r != nil {
		r.out.note(stream.Name, stream.Text)
		return
	}
	g.k.publish(m, "stream", stream)
}

// relayDisplay publishes a display in its place in the cell's text.
func (g *gonbProcess) relayDisplay(m *jupyter.Message, r *run, frames [][]byte) {
	if r == nil {
		g.k.front.Publish(g.resign(frames))
		return
	}
	var content struct {
		Data      map[string]json.RawMessage `json:"data"`
		Metadata  map[string]json.RawMessage `json:"metadata"`
		Transient jupyter.Transient          `json:"transient"`
	}
	if err := json.Unmarshal(m.Content, &content); err != nil {
		g.k.log.line(fmt.Sprintf("%s from GoNB: %v", m.Header.MsgType, err))
		return
	}
	if !r.out.admit(len(m.Content)) {
		return
	}
	r.out.captureDisplay(content.Data)
	marker := markerOf(content.Metadata)
	msgType := g.k.shown.msgType(m.Header.MsgType, content.Transient.DisplayID, r)
	changed := msgType != m.Header.MsgType || r.has("%wasm") && awaitGo(content.Data)
	if marker == "" && !changed {
		r.out.display("", func() { g.k.front.Publish(g.resign(frames)) })
		return
	}
	delete(content.Metadata, markerKey)
	r.out.display(marker, func() { g.k.publish(r.request.Message, msgType, content) })
}

// markerKey is the metadata that links a display of kernelext to a marker in the text.
const markerKey = "lecture_marker"

func markerOf(metadata map[string]json.RawMessage) string {
	var marker string
	if raw, ok := metadata[markerKey]; ok && json.Unmarshal(raw, &marker) == nil {
		return marker
	}
	return ""
}

// displayIDs records the cell in which a display id was shown. GoNB sends a known id as an update only. A cell that
// runs again, after the front end has removed its old display, would show nothing.
type displayIDs struct {
	known map[string]shownIn
}

// maxShown limits the memory of a long session.
const maxShown = 10_000

type shownIn struct {
	cell string // the front end's id of the cell, "" if it gave none
	exec string // msg_id of the execution
}

// msgType returns the type of a display: an update becomes a display if the same cell showed the id in an earlier
// execution.
func (d *displayIDs) msgType(msgType, id string, r *run) string {
	if id == "" {
		return msgType
	}
	if d.known == nil {
		d.known = map[string]shownIn{}
	}
	here := shownIn{cell: cellID(r.request.Message), exec: r.request.Header.MsgID}
	before, known := d.known[id]
	again := known && before.exec != here.exec && before.cell != "" && before.cell == here.cell
	if msgType == "update_display_data" && again {
		msgType = "display_data"
	}
	if msgType == "display_data" {
		if len(d.known) == maxShown {
			clear(d.known)
		}
		d.known[id] = here
	}
	return msgType
}

// cellID returns the id of the notebook's cell, which JupyterLab and nbclient send with the request.
func cellID(m *jupyter.Message) string {
	var metadata struct {
		CellID string `json:"cellId"`
	}
	_ = json.Unmarshal(m.Metadata, &metadata) // a front end may send none
	return strings.TrimSpace(metadata.CellID)
}
