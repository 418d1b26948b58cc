package kernel

import (
	"encoding/json"
	"fmt"
	"time"

	"deeplearning.example/kernelext/jupyter"
)

// receive answers the front ends' requests, until the kernel ends. It never waits for a cell: executions go to the
// queue, and other requests are answered while a cell runs.
func (k *Kernel) receive() {
	for {
		select {
		case <-k.ctx.Done():
			return
		case in, ok := <-k.front.Receive():
			if !ok {
				return
			}
			k.dispatch(in)
		}
	}
}

func (k *Kernel) dispatch(in jupyter.Incoming) {
	switch in.Header.MsgType {
	case "execute_request":
		k.enqueue(in)
	case "kernel_info_request":
		k.answer(in, "kernel_info_reply", k.info())
	case "is_complete_request":
		k.answerComplete(in)
	case "history_request":
		k.answerHistory(in)
	case "complete_request", "inspect_request":
		go k.answerCode(in)
	case "interrupt_request":
		k.interrupt()
		k.answer(in, "interrupt_reply", map[string]any{"status": "ok"})
	case "shutdown_request":
		k.shutdown(in)
	case "debug_request":
		k.declineDebug(in)
	case "comm_info_request", "comm_open", "comm_msg", "comm_close":
		k.passComm(in)
	case "input_reply":
		k.passInput(in)
	default:
		k.log.line(fmt.Sprintf("%s: message of unknown type %q left unanswered", in.Channel, in.Header.MsgType))
		k.around(in, func() {})
	}
}

// around publishes busy and idle around the handling of a request, as the protocol requires. Front ends show the last
// state that they received, so the busy state of a running cell is sent again.
func (k *Kernel) around(in jupyter.Incoming, handle func()) {
	k.publishStatus(in.Message, "busy")
	handle()
	k.publishStatus(in.Message, "idle")
	if r := k.running(); r != nil {
		k.publishStatus(r.request.Message, "busy")
	}
}

// answer replies to a request that needs no work.
func (k *Kernel) answer(in jupyter.Incoming, msgType string, content any) {
	k.around(in, func() { k.reply(in, msgType, content) })
}

// reply sends the reply to a request on the channel of the request.
func (k *Kernel) reply(in jupyter.Incoming, msgType string, content any) {
	k.replyTo(in, msgType, content, func(*jupyter.Message) error { return nil })
}

// replyTo is reply for a message that complete changes before it is sent.
func (k *Kernel) replyTo(in jupyter.Incoming, msgType string, content any, complete func(m *jupyter.Message) error) {
	m, err := in.Message.Reply(msgType, content)
	if err == nil {
		err = complete(m)
	}
	if err == nil {
		err = k.front.Reply(in.Channel, m)
	}
	if err != nil {
		k.log.line(fmt.Sprintf("%s: %v", msgType, err))
	}
}

// publish sends a message to all front ends, as caused by parent, which may be nil.
func (k *Kernel) publish(parent *jupyter.Message, msgType string, content any) {
	m, err := k.message(parent, msgType, content)
	if err == nil {
		m.Identities = [][]byte{[]byte("kernel." + k.id + "." + msgType)}
		err = k.front.PublishMessage(m)
	}
	if err != nil {
		k.log.line(fmt.Sprintf("%s: %v", msgType, err))
	}
}

func (k *Kernel) message(parent *jupyter.Message, msgType string, content any) (*jupyter.Message, error) {
	if parent == nil {
		return jupyter.NewMessage(msgType, k.session, content)
	}
	return parent.Reply(msgType, content)
}

func (k *Kernel) publishStatus(parent *jupyter.Message, state string) {
	k.publish(parent, "status", jupyter.Status{ExecutionState: state})
}

// shutdown answers at once and ends the kernel. For a restart the front end starts a new process.
func (k *Kernel) shutdown(in jupyter.Incoming) {
	var content jupyter.ShutdownContent
	if err := in.Decode(&content); err != nil {
		k.log.line(err.Error())
	}
	content.Status = "ok"
	k.answer(in, "shutdown_reply", content)
	k.publish(in.Message, "shutdown_reply", content) // other front ends of this kernel learn of it from this message
	k.stop(errShutdown)
}

// declineDebug answers as the Debug Adapter Protocol does for an unsupported request: a front end that asks anyway gets
// the reason, and does not wait.
func (k *Kernel) declineDebug(in jupyter.Incoming) {
	var request struct {
		Seq     int    `json:"seq"`
		Command string `json:"command"`
	}
	_ = in.Decode(&request) // an empty answer is right for an empty question
	k.answer(in, "debug_reply", map[string]any{
		"type": "response", "request_seq": request.Seq, "seq": request.Seq, "success": false,
		"command": request.Command, "message": "this kernel has no debugger",
	})
}

// maxComms is the number of comm messages that may wait while GoNB starts.
const maxComms = 1000

// passComm passes a comm message to GoNB unchanged. If GoNB would not answer, the kernel does.
func (k *Kernel) passComm(in jupyter.Incoming) {
	if in.Header.MsgType == "comm_info_request" {
		k.answer(in, "comm_info_reply", map[string]any{"status": "ok", "comms": map[string]any{}})
		return
	}
	k.around(in, func() {
		select {
		case k.comms <- in:
		default:
			k.log.line(in.Header.MsgType + " dropped: GoNB has not started, and too many wait")
		}
	})
}

// passComms sends comm messages in their order, once GoNB has started.
func (k *Kernel) passComms() {
	for {
		select {
		case <-k.ctx.Done():
			return
		case in := <-k.comms:
			if b, err := k.gonb.wait(k.ctx); err == nil {
				b.pass(in)
			}
		}
	}
}

// inputPause is the time for which an answer is held back from GoNB, which sends its question before it is ready for
// the answer.
const inputPause = 20 * time.Millisecond

// passInput passes the user's input to the cell: directly if the kernel has asked, else through GoNB, which has.
func (k *Kernel) passInput(in jupyter.Incoming) {
	if r := k.running(); r != nil {
		if r.answered(in) {
			return
		}
		r.asked(false)
	}
	if b := k.gonb.now(); b != nil {
		time.AfterFunc(inputPause, func() { b.pass(in) })
	}
}

// decodeRequest decodes a request; it logs and answers malformed content.
func (k *Kernel) decodeRequest(in jupyter.Incoming, replyType string, value any) bool {
	err := json.Unmarshal(in.Content, value)
	if err == nil {
		return true
	}
	k.log.line(fmt.Sprintf("%s: content refused: %v", in.Header.MsgType, err))
	f := failure{Ename: "BadRequest", Evalue: fmt.Sprintf("content of %s: %v", in.Header.MsgType, err)}
	k.answer(in, replyType, f.content())
	return false
}
