package kernel_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"deeplearning.example/kernelext/jupyter"
)

// page simulates the JavaScript of GoNB's widgets in a front end.
type page struct {
	k    *kernel
	comm string

	mu   sync.Mutex
	seen []string // address and value of each message to the page
}

func (p *page) hear(m *jupyter.Message) {
	var content struct {
		CommID string `json:"comm_id"`
		Data   struct {
			Address string `json:"address"`
			Value   any    `json:"value"`
		} `json:"data"`
	}
	if m.Header.MsgType != "comm_msg" || m.Decode(&content) != nil || content.CommID != p.comm {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = append(p.seen, fmt.Sprint(content.Data.Address, " ", content.Data.Value))
}

func (p *page) heard(text string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Contains(strings.Join(p.seen, "\n"), text)
}

// say sends a comm message; such messages have no reply.
func (p *page) say(msgType string, content map[string]any) {
	p.k.t.Helper()
	content["comm_id"] = p.comm
	if _, err := p.k.Send(msgType, content, p.hear); err != nil {
		p.k.t.Fatal(err)
	}
}

// TestWidgets: comm messages pass through the supervisor both ways, while a cell runs, as GoNB's widgets need them.
func TestWidgets(t *testing.T) {
	k := start(t)
	p := &page{k: k, comm: uuid.NewString()}
	s := k.send("import \"github.com/janpfeifer/gonb/gonbui/comms\"\n%%\nslider := comms.Listen[int](\"/slider\")\n" +
		"fmt.Println(\"listening\")\nfmt.Println(\"got\", <-slider.C)\ncomms.Send(\"/answer\", 7)")
	until(t, time.Minute, "GoNB's JavaScript", func() bool {
		return strings.Contains(strings.Join(s.outcome.kinds(), " "), "display_data")
	})
	p.say("comm_open", map[string]any{"target_name": "gonb_comm", "kernel_id": k.Process.ID, "data": map[string]any{}})
	until(t, time.Minute, "the widgets' connection", func() bool { return p.heard("#comm_open_ack true") })
	s.shows("listening")
	until(t, time.Minute, "the slider's value", func() bool {
		p.say("comm_msg", map[string]any{"data": map[string]any{"address": "/slider", "value": 5}})
		return strings.Contains(s.outcome.stream("stdout"), "got 5")
	})
	if o := s.wait(); o.Status != "ok" {
		t.Errorf("%s: %s", o.Ename, o.Evalue)
	}
	until(t, leftLimit, "the cell's answer", func() bool { return p.heard("/answer 7") || s.outcome.hears(p, "/answer 7") })
}

// hears looks among the messages that the cell caused.
func (o *outcome) hears(p *page, text string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, m := range o.messages {
		data, _ := m.content["data"].(map[string]any)
		if m.kind == "comm_msg" && fmt.Sprint(data["address"], " ", data["value"]) == text {
			return true
		}
	}
	return false
}
