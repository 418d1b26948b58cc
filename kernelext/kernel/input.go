package kernel

import (
	"fmt"
	"os"
	"slices"
	"time"

	"deeplearning.example/kernelext/cell"
	"deeplearning.example/kernelext/jupyter"
)

// inputEvery is the time between two checks whether a program waits for input.
const inputEvery = 200 * time.Millisecond

// input describes the state of a cell's requests for input. GoNB asks the user only for shell lines and for gonbui's
// RequestInput. A program that reads its standard input itself, as by fmt.Scan, would wait for ever.
type input struct {
	looked  time.Time
	pending bool   // the user has been asked and has not answered
	ours    string // msg_id of the kernel's question
}

// asked records that GoNB has asked the user, or that the user has answered.
func (r *run) asked(pending bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.input.pending = pending
}

// offerInput asks the user for a line when the cell's program waits for one. If no user can be asked, the program has
// reached the end of its input.
func (r *run) offerInput() {
	r.mu.Lock()
	now := time.Now()
	due := r.content.AllowStdin && r.stage == computing && r.program != 0 && !r.input.pending && now.Sub(r.input.looked) >= inputEvery
	if due {
		r.input.looked = now
	}
	program := r.program
	r.mu.Unlock()
	if due && waitsForInput(program) {
		r.ask()
	}
}

// ask sends the front end the kernel's question.
func (r *run) ask() {
	m, err := r.request.Message.Reply("input_request", jupyter.InputRequest{Prompt: "input: ", Password: r.has("%with_password")})
	if err != nil {
		return
	}
	r.mu.Lock()
	r.input.pending, r.input.ours = true, m.Header.MsgID
	r.mu.Unlock()
	r.out.settle()
	if err := r.k.front.Reply(jupyter.Stdin, m); err != nil {
		r.k.log.line(fmt.Sprintf("input_request: %v", err))
	}
}

// has reports whether the cell has a magic.
func (r *run) has(name string) bool {
	return slices.ContainsFunc(r.cell.Magics, func(m cell.Magic) bool { return m.Name == name })
}

// answered passes the answer to the kernel's question to the program. It returns false for the answer to another
// question.
func (r *run) answered(in jupyter.Incoming) bool {
	r.mu.Lock()
	ours := r.input.ours != "" && (in.Parent.MsgID == r.input.ours || in.Parent.MsgID == "")
	program := r.program
	if ours {
		r.input.pending, r.input.ours = false, ""
	}
	r.mu.Unlock()
	if !ours {
		return false
	}
	var reply jupyter.InputReply
	if err := in.Decode(&reply); err != nil {
		r.k.log.line(err.Error())
	}
	// The program's standard input is a pipe of GoNB's, of which Linux lets its owner open another end.
	stdin, err := os.OpenFile(fmt.Sprintf("/proc/%d/fd/0", program), os.O_WRONLY, 0)
	if err == nil {
		defer stdin.Close()
		stdin.SetWriteDeadline(time.Now().Add(time.Second))
		_, err = stdin.WriteString(reply.Value + "\n")
	}
	if err != nil {
		r.k.log.line(fmt.Sprintf("input for the cell: %v", err))
	}
	return true
}
