package jupytertest

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/go-zeromq/zmq4"

	"deeplearning.example/kernelext/jupyter"
)

func (k *kernel) handle(m *jupyter.Message) {
	k.publish(m, "status", jupyter.Status{ExecutionState: "busy"})
	switch m.Header.MsgType {
	case "kernel_info_request":
		k.reply(k.shell, m, "kernel_info_reply", jupyter.KernelInfo{
			Status: "ok", ProtocolVersion: jupyter.ProtocolVersion, Implementation: "fake",
			LanguageInfo: jupyter.LanguageInfo{Name: "fake", Version: "1", MimeType: "text/plain", FileExtension: ".fake"},
		})
	case "complete_request":
		k.reply(k.shell, m, "complete_reply", jupyter.CompleteReply{Status: "ok", Matches: []string{"print"}})
	case "inspect_request":
		k.reply(k.shell, m, "inspect_reply", jupyter.InspectReply{Status: "ok"})
	case "execute_request":
		if !k.execute(m) {
			return
		}
	}
	k.publish(m, "status", jupyter.Status{ExecutionState: "idle"})
}

// cell is one execution.
type cell struct {
	*kernel
	request   *jupyter.Message
	interrupt chan struct{}
	failed    *jupyter.ErrorOutput
	noReply   bool
	noIdle    bool
}

// execute runs the lines of a cell. It reports whether the kernel then sends its idle state.
func (k *kernel) execute(m *jupyter.Message) bool {
	var request jupyter.ExecuteRequest
	if err := m.Decode(&request); err != nil {
		panic(err)
	}
	c := &cell{kernel: k, request: m, interrupt: make(chan struct{})}
	k.mu.Lock()
	k.count++
	count := k.count
	k.interrupt = c.interrupt
	k.mu.Unlock()
	for line := range strings.Lines(request.Code) {
		name, argument, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if c.command(name, argument); c.failed != nil {
			break
		}
	}
	reply := jupyter.ExecuteReply{Status: "ok", ExecutionCount: count}
	if f := c.failed; f != nil {
		reply.Status, reply.Ename, reply.Evalue, reply.Traceback = "error", f.Ename, f.Evalue, f.Traceback
		k.publish(m, "error", f)
	}
	if !c.noReply {
		k.reply(k.shell, m, "execute_reply", reply)
	}
	return !c.noIdle
}

func (c *cell) command(name, argument string) {
	first, rest, _ := strings.Cut(argument, " ")
	number, _ := strconv.Atoi(first)
	switch name {
	case "print": // TEXT, with Go escapes
		c.stream("stdout", argument)
	case "stderr":
		c.stream("stderr", argument)
	case "env": // NAME
		c.stream("stdout", os.Getenv(argument)+"\n")
	case "cwd":
		dir, _ := os.Getwd()
		c.stream("stdout", dir+"\n")
	case "display", "update", "result": // ID TEXT
		c.display(name, first, rest)
	case "clear":
		c.publish(c.request, "clear_output", jupyter.ClearOutput{Wait: argument == "wait"})
	case "error": // NAME TEXT
		c.failed = &jupyter.ErrorOutput{Ename: first, Evalue: rest, Traceback: []string{rest}}
	case "input": // PROMPT
		c.input(argument)
	case "flood": // BYTES of stdout, in lines of 64 bytes and messages of 32 KiB
		c.flood(number)
	case "big": // BYTES of one display
		c.display("display", "", strings.Repeat("x", number))
	case "alloc": // MEGABYTES kept for a while
		c.alloc(number)
	case "noreply":
		c.noReply = true
	case "noidle":
		c.noIdle = true
	default:
		c.misbehave(name, number)
	}
}

// misbehave runs the commands that end or block the kernel.
func (c *cell) misbehave(name string, number int) {
	switch name {
	case "die": // STATUS
		flush()
		fmt.Fprintln(os.Stderr, "fake kernel: dying, as asked")
		os.Exit(number)
	case "segv":
		flush()
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	case "hang": // ignores interrupts
		select {}
	case "stop": // does not even echo heartbeats
		flush()
		syscall.Kill(os.Getpid(), syscall.SIGSTOP)
		select {} // other threads may run on for a moment
	case "wait": // until an interrupt
		<-c.interrupt
		c.failed = &jupyter.ErrorOutput{Ename: "Interrupt", Evalue: "interrupted", Traceback: []string{}}
	case "save": // until an interrupt, then ends with success
		<-c.interrupt
		c.stream("stdout", "saved\n")
	case "orphan": // a process in a separate session, whose parent dies
		c.orphan()
	case "forge":
		forger := &kernel{iopub: c.iopub}
		forger.signer, _ = jupyter.NewSigner(jupyter.Scheme, "another key")
		forger.publish(c.request, "stream", jupyter.Stream{Name: "stdout", Text: "forged"})
	case "junk":
		c.kernel.iopub.Send(zmq4.NewMsgString("junk"))
	case "":
	default:
		c.failed = &jupyter.ErrorOutput{Ename: "SyntaxError", Evalue: "no command " + name, Traceback: []string{}}
	}
}

// flush waits until published messages have been sent: zmq4 sends in the background and has no other means to wait.
func flush() { time.Sleep(200 * time.Millisecond) }

func (c *cell) stream(name, text string) {
	if unquoted, err := strconv.Unquote(`"` + text + `"`); err == nil {
		text = unquoted
	}
	c.publish(c.request, "stream", jupyter.Stream{Name: name, Text: text})
}

func (c *cell) display(command, id, text string) {
	msgType := map[string]string{
		"display": "display_data", "update": "update_display_data", "result": "execute_result",
	}[command]
	c.publish(c.request, msgType, jupyter.Display{
		Data: map[string]any{"text/plain": text}, Metadata: map[string]any{},
		Transient: jupyter.Transient{DisplayID: id}, ExecutionCount: c.count,
	})
}

func (c *cell) input(prompt string) {
	m, err := c.request.Reply("input_request", jupyter.InputRequest{Prompt: prompt})
	if err != nil {
		panic(err)
	}
	frames, err := m.Encode(c.signer)
	if err != nil {
		panic(err)
	}
	c.kernel.stdin.SendMulti(zmq4.NewMsgFrom(frames...))
	var reply jupyter.InputReply
	answer := <-c.inputs
	if err := answer.Decode(&reply); err != nil {
		panic(err)
	}
	c.stream("stdout", fmt.Sprintf("%s got <%s> parent %s\n", reply.Status, reply.Value, answer.Parent.MsgType))
}

func (c *cell) flood(bytes int) {
	const size = 32 << 10
	line := 0
	for sent := 0; sent < bytes; sent += size {
		var text strings.Builder
		for text.Len() < size {
			fmt.Fprintf(&text, "%063d\n", line)
			line++
		}
		c.publish(c.request, "stream", jupyter.Stream{Name: "stdout", Text: text.String()})
	}
}

func (c *cell) alloc(megabytes int) {
	block := make([]byte, megabytes<<20)
	for i := 0; i < len(block); i += 4096 {
		block[i] = 1
	}
	time.Sleep(300 * time.Millisecond) // some samples of the runner
	c.stream("stdout", fmt.Sprintf("%d\n", len(block)))
}

// orphan leaves a process that is in another session, ignores SIGTERM and SIGHUP, and has lost its parent. It prints
// the pid.
func (c *cell) orphan() {
	const stubborn = `trap "" TERM HUP; sleep 1000`
	cmd := exec.Command("/bin/sh", "-c", "setsid /bin/sh -c '"+stubborn+"' >/dev/null 2>&1 & echo $!")
	out, err := cmd.Output()
	if err != nil {
		panic(err)
	}
	c.stream("stdout", string(out))
}
