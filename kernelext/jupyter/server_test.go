package jupyter_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"deeplearning.example/kernelext/jupyter"
)

// TestServeClients: several front ends at once, each gets its own replies, all see all outputs.
func TestServeClients(t *testing.T) {
	for name, change := range map[string]func(*jupyter.ConnectionInfo){
		"tcp": func(*jupyter.ConnectionInfo) {},
		"any": func(info *jupyter.ConnectionInfo) { info.IP = "*" },
		"0":   func(info *jupyter.ConnectionInfo) { info.IP = "0.0.0.0" },
		"ipc": func(info *jupyter.ConnectionInfo) {
			info.Transport, info.IP = "ipc", filepath.Join(t.TempDir(), "k")
		},
		"unsigned": func(info *jupyter.ConnectionInfo) { info.Key = "" },
	} {
		t.Run(name, func(t *testing.T) {
			info := newInfo(t)
			change(info)
			serveClients(t, info)
		})
	}
}

func serveClients(t *testing.T, info *jupyter.ConnectionInfo) {
	log := &lines{}
	s := listen(t, info, jupyter.ServerOptions{Log: log.add})
	serveKernel(t, s)
	ctx := testContext(t)
	var others lines
	witness := dialReady(t, info, jupyter.ClientOptions{Other: func(m *jupyter.Message) {
		others.add(m.Header.MsgType + " " + string(m.Content))
	}})
	var clients sync.WaitGroup
	for i := range 4 {
		c := dialReady(t, info, jupyter.ClientOptions{Input: func(prompt string, _ bool) string { return prompt + "!" }})
		clients.Go(func() {
			for j := range 50 {
				want := fmt.Sprintf("%d/%d", i, j)
				if out, err := run(ctx, c, want); err != nil || out != want {
					t.Errorf("%q %v, want %q", out, err, want)
				}
			}
			if out, err := run(ctx, c, "ask you"); err != nil || out != "answer you!" {
				t.Errorf("%q %v", out, err)
			}
			if err := c.Ping(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	clients.Wait()
	if got := s.Subscribers(); got != 5 {
		t.Errorf("%d subscribers, want 5", got)
	}
	if out, err := run(ctx, witness, "last"); err != nil || out != "last" {
		t.Errorf("%q %v", out, err)
	}
	if got := len(others.matching("stream ")); got != 4*51 {
		t.Errorf("the fifth front end saw %d streams of the others, want %d", got, 4*51)
	}
	if got := log.matching(""); len(got) > 0 {
		t.Errorf("log: %q", got)
	}
}

// TestParentUnchanged: fields of a header that this package does not know come back in the parent header.
func TestParentUnchanged(t *testing.T) {
	info := newInfo(t)
	serveKernel(t, listen(t, info, jupyter.ServerOptions{}))
	raw := dialRaw(t, info, "front")
	header := `{"msg_id":"1","msg_type":"kernel_info_request","session":"s","extra":{"a":[1.0]},"subshell_id":null}`
	signer := mustSigner(t, info.Key)
	e := &jupyter.Envelope{Header: []byte(header), Parent: []byte("{}"), Metadata: []byte("{}"), Content: []byte("{}")}
	signer.Sign(e)
	if err := raw.Send(jupyter.Shell, e.Frames()); err != nil {
		t.Fatal(err)
	}
	for m := range raw.Receive() {
		if m.Channel != jupyter.Shell {
			continue
		}
		got, err := jupyter.Split(m.Frames)
		if err != nil || string(got.Parent) != header {
			t.Errorf("parent %s, want %s; %v", got.Parent, header, err)
		}
		return
	}
	t.Error(raw.Err())
}

// TestRoutingIDs: set identities are kept; others are chosen and differ; a second peer with the same one replaces the
// first.
func TestRoutingIDs(t *testing.T) {
	info := newInfo(t)
	s := listen(t, info, jupyter.ServerOptions{})
	send := func(raw *jupyter.Raw) string {
		if err := raw.Send(jupyter.Control, request(t, info)); err != nil {
			t.Fatal(err)
		}
		in := <-s.Receive()
		if in.Channel != jupyter.Control {
			t.Fatalf("a message on %s", in.Channel)
		}
		return string(in.Identities[0])
	}
	first, second := send(dialRaw(t, info, "")), send(dialRaw(t, info, ""))
	if first == second || first == "" || first[0] != 0 || second[0] != 0 {
		t.Errorf("made ids %q and %q", first, second)
	}
	old := dialRaw(t, info, "server")
	if id := send(old); id != "server" {
		t.Errorf("id %q", id)
	}
	again := dialRaw(t, info, "server")
	if id := send(again); id != "server" {
		t.Errorf("id %q", id)
	}
	for range old.Receive() {
		t.Error("a message to the replaced front end")
	}
	if err := s.Send(jupyter.Control, [][]byte{[]byte("server"), []byte("hello")}); err != nil {
		t.Fatal(err)
	}
	if m := <-again.Receive(); m.Channel != jupyter.Control || string(m.Frames[0]) != "hello" {
		t.Errorf("%+v", m)
	}
	if err := s.Send(jupyter.Control, [][]byte{[]byte("nobody"), []byte("hello")}); err != nil {
		t.Error(err)
	}
	for _, channel := range []jupyter.Channel{jupyter.IOPub, jupyter.Heartbeat, "x"} {
		if s.Send(channel, [][]byte{[]byte("server"), []byte("hello")}) == nil {
			t.Errorf("Send on %s did not fail", channel)
		}
	}
}

// TestServeRefuses: a message that does not belong to this connection is logged and not received, and the connection
// stays.
func TestServeRefuses(t *testing.T) {
	log := &lines{}
	info := newInfo(t)
	s := listen(t, info, jupyter.ServerOptions{Log: log.add, MaxMessage: 100_000})
	raw := dialRaw(t, info, "front")
	signer := mustSigner(t, info.Key)
	signed := func(change func(e *jupyter.Envelope)) [][]byte {
		e, err := jupyter.Split(request(t, info))
		if err != nil {
			t.Fatal(err)
		}
		change(e)
		signer.Sign(e)
		return e.Frames()
	}
	forged := request(t, info)
	forged[5] = []byte(`{"code":"evil"}`)
	tests := []struct {
		frames [][]byte
		want   string
	}{
		{forged, "signature"},
		{[][]byte{[]byte("junk")}, "no <IDS|MSG> frame"},
		{[][]byte{{}}, "no <IDS|MSG> frame"},
		{request(t, info)[:4], "3 frames after <IDS|MSG>"},
		{signed(func(e *jupyter.Envelope) { e.Content = []byte("{") }), "content is not a JSON object"},
		{signed(func(e *jupyter.Envelope) { e.Content = []byte("[]") }), "content is not a JSON object"},
		{signed(func(e *jupyter.Envelope) { e.Metadata = nil }), "metadata is not a JSON object"},
		{signed(func(e *jupyter.Envelope) { e.Header = []byte("{}") }), "header without msg_type"},
		{signed(func(e *jupyter.Envelope) { e.Header = []byte(`{"msg_type":7}`) }), "header: json"},
		{signed(func(e *jupyter.Envelope) { e.Parent = []byte(`7`) }), "parent header: json"},
		{[][]byte{bytes.Repeat([]byte("x"), 200_000)}, "200000 bytes, the limit is 100000"},
	}
	for _, test := range tests {
		if err := raw.Send(jupyter.Shell, test.frames); err != nil {
			t.Fatal(err)
		}
	}
	if err := raw.Send(jupyter.Shell, request(t, info)); err != nil {
		t.Fatal(err)
	}
	if in := <-s.Receive(); in.Header.MsgType != "kernel_info_request" {
		t.Errorf("%s", in.Header.MsgType)
	}
	told := log.matching("jupyter: shell: a message from 127.0.0.1:")
	if len(told) < len(tests)-1 { // the throttle lets ten pass
		t.Errorf("%d lines, want %d", len(told), len(tests))
	}
	for i, line := range told {
		if !strings.Contains(line, tests[i].want) || strings.Contains(line, "\n") {
			t.Errorf("line %d: %q, want %q", i, line, tests[i].want)
		}
	}
}

// TestLogIsShort: a broken peer does not fill the log.
func TestLogIsShort(t *testing.T) {
	log := &lines{}
	info := newInfo(t)
	s := listen(t, info, jupyter.ServerOptions{Log: log.add})
	raw := dialRaw(t, info, "front")
	for range 5000 {
		if err := raw.Send(jupyter.Shell, [][]byte{[]byte("junk")}); err != nil {
			t.Fatal(err)
		}
	}
	if err := raw.Send(jupyter.Shell, request(t, info)); err != nil {
		t.Fatal(err)
	}
	<-s.Receive()
	if got := len(log.matching("no <IDS|MSG>")); got < 10 || got > 100 {
		t.Errorf("%d lines, want the first ten and few others", got)
	}
}

func TestListenFails(t *testing.T) {
	info := newInfo(t)
	listen(t, info, jupyter.ServerOptions{})
	_, err := jupyter.Listen(info, jupyter.ServerOptions{})
	want := fmt.Sprintf("shell channel: tcp://127.0.0.1:%d is taken by another program", info.ShellPort)
	if err == nil || !strings.Contains(err.Error(), want) || !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("%v, want %s", err, want)
	}
	half := newInfo(t)
	taken := half.HBPort
	half.HBPort = info.HBPort
	if _, err = jupyter.Listen(half, jupyter.ServerOptions{}); err == nil || !strings.Contains(err.Error(), "heartbeat") {
		t.Errorf("%v, want an error about heartbeat", err)
	}
	half.HBPort = taken
	listen(t, half, jupyter.ServerOptions{}) // the failed call has left nothing open
	for _, bad := range []jupyter.ConnectionInfo{{}, {Transport: "tcp", IP: "127.0.0.1"}} {
		if _, err := jupyter.Listen(&bad, jupyter.ServerOptions{}); err == nil {
			t.Errorf("%+v: no error", bad)
		}
	}
	far := *half
	far.IP = "192.0.2.1" // no machine has this address
	if _, err := jupyter.Listen(&far, jupyter.ServerOptions{}); err == nil || !strings.Contains(err.Error(), "192.0.2.1") {
		t.Errorf("%v", err)
	}
}

// TestSocketFiles: the socket file of a dead program is replaced. One in use, and a file that is not a socket, are
// kept.
func TestSocketFiles(t *testing.T) {
	info := newInfo(t)
	info.Transport, info.IP = "ipc", filepath.Join(t.TempDir(), "k")
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: fmt.Sprintf("%s-%d", info.IP, info.ShellPort), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	stale.SetUnlinkOnClose(false)
	stale.Close()
	s := listen(t, info, jupyter.ServerOptions{})
	if _, err := jupyter.Listen(info, jupyter.ServerOptions{}); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("%v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(info.IP + "*"); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	file := fmt.Sprintf("%s-%d", info.IP, info.StdinPort)
	if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := jupyter.Listen(info, jupyter.ServerOptions{}); err == nil {
		t.Error("a file in the way is not reported as an error")
	}
	if data, _ := os.ReadFile(file); string(data) != "mine" {
		t.Errorf("the file is now %q", data)
	}
}

// TestDrain: messages sent right before Close arrive.
func TestDrain(t *testing.T) {
	const messages, size = 1000, 32 << 10
	info := newInfo(t)
	s := listen(t, info, jupyter.ServerOptions{})
	raw := dialRaw(t, info, "front")
	subscribed(t, s, 1)
	go func() {
		body := bytes.Repeat([]byte("x"), size)
		for range messages {
			s.Publish([][]byte{[]byte("topic"), body})
		}
		s.Drain(time.Minute)
		s.Close()
	}()
	count := 0
	for m := range raw.Receive() {
		if m.Channel == jupyter.IOPub && len(m.Frames) == 2 && len(m.Frames[1]) == size {
			count++
		}
	}
	lost := new(jupyter.LostError)
	if count != messages || !errors.As(raw.Err(), &lost) {
		t.Errorf("%d messages, want %d; %v", count, messages, raw.Err())
	}
}

func TestPublishMessage(t *testing.T) {
	info := newInfo(t)
	s := listen(t, info, jupyter.ServerOptions{})
	raw := dialRaw(t, info, "front")
	subscribed(t, s, 1)
	m, err := jupyter.NewMessage("stream", "session", jupyter.Stream{Name: "stdout", Text: "ä"})
	if err != nil {
		t.Fatal(err)
	}
	m.Metadata, m.Buffers = json.RawMessage(`{"x":1}`), [][]byte{{0, 1}, {}}
	if err := s.PublishMessage(m); err != nil {
		t.Fatal(err)
	}
	got := <-raw.Receive()
	back, err := jupyter.Decode(mustSigner(t, info.Key), got.Frames)
	if err != nil || got.Channel != jupyter.IOPub || string(back.Identities[0]) != "stream" || len(back.Buffers) != 2 {
		t.Errorf("%q %v", got.Frames, err)
	}
	if m.Identities != nil {
		t.Error("the message was changed")
	}
	if err := s.Reply(jupyter.Shell, m); err == nil {
		t.Error("a reply without a receiver did not fail")
	}
}

// TestWelcome: the first message after a subscription says that it works.
func TestWelcome(t *testing.T) {
	info := newInfo(t)
	s := listen(t, info, jupyter.ServerOptions{Welcome: "session"})
	raw := dialRaw(t, info, "front")
	m := <-raw.Receive()
	got, err := jupyter.Decode(mustSigner(t, info.Key), m.Frames)
	if err != nil || len(m.Frames[0]) != 0 || got.Header.MsgType != "iopub_welcome" ||
		got.Header.Session != "session" || string(got.Content) != `{"subscription":""}` {
		t.Errorf("%q %v", m.Frames, err)
	}
	s.Publish([][]byte{[]byte("topic"), []byte("on")})
	if m := <-raw.Receive(); string(m.Frames[1]) != "on" {
		t.Errorf("%q", m.Frames)
	}
}
