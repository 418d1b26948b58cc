package jupyter_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/go-zeromq/zmq4"

	"deeplearning.example/kernelext/jupyter"
)

// greeting is the first part that a well-behaved peer sends.
func greeting() []byte {
	data := make([]byte, 64)
	data[0], data[9], data[10] = 0xFF, 0x7F, 3
	copy(data[12:], "NULL")
	return data
}

// ready is the second part.
func ready(properties ...string) []byte {
	body := []byte("\x05READY")
	for i := 0; i < len(properties); i += 2 {
		body = append(append(body, byte(len(properties[i]))), properties[i]...)
		body = binary.BigEndian.AppendUint32(body, uint32(len(properties[i+1])))
		body = append(body, properties[i+1]...)
	}
	return append([]byte{4, byte(len(body))}, body...)
}

func join(parts ...[]byte) []byte {
	var all []byte
	for _, part := range parts {
		all = append(all, part...)
	}
	return all
}

// endless is the header of a frame of almost 2^63 bytes.
func endless(flags byte) []byte { return []byte{flags | 2, 0x7F, 255, 255, 255, 255, 255, 255, 255} }

// garbage lists inputs that are not ZeroMQ, or not the right ZeroMQ, and the log's message about each.
var garbage = []struct {
	name, want string
	data       []byte
}{
	{"web browser", "does not speak ZeroMQ", []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")},
	{"zeros", "does not speak ZeroMQ", make([]byte, 100)},
	{"no signature", "greeting without signature", append([]byte{0xFF}, make([]byte, 63)...)},
	{"old version", "version 1", func() []byte { g := greeting(); g[10] = 1; return g }()},
	{"mechanism", `mechanism is "CURVE", want NULL`, func() []byte { g := greeting(); copy(g[12:], "CURVE"); return g }()},
	{"message first", "before its handshake", join(greeting(), []byte{0, 1, 'x'})},
	{"endless handshake", "a command of", join(greeting(), endless(4))},
	{"reserved flags", "flags 0xfc", join(greeting(), []byte{0xFC, 0})},
	{"negative length", "frame of 18446744073709551615 bytes",
		join(greeting(), []byte{6, 255, 255, 255, 255, 255, 255, 255, 255})},
	{"empty command", `command ""`, join(greeting(), []byte{4, 0})},
	{"other command", `command "HELLO"`, join(greeting(), []byte("\x04\x06\x05HELLO"))},
	{"refusal", "refuses", join(greeting(), []byte("\x04\x0A\x05ERROR\x03bad"))},
	{"malformed property", "malformed", join(greeting(), []byte("\x04\x0C\x05READY\x0BSocke"))},
	{"long value", "malformed", join(greeting(), []byte("\x04\x0C\x05READY\x01a\xFF\xFF\xFF\xFF"))},
	{"no type", `type ""`, join(greeting(), ready())},
	{"wrong type", `type "PULL"`, join(greeting(), ready("Socket-Type", "PULL"))},
	{"made id", "identity", join(greeting(), ready("Socket-Type", "DEALER", "Identity", "\x00\x00\x00\x00\x01"))},
}

// TestGarbage: after any input to any port, the server continues for well-behaved peers and logs one line.
func TestGarbage(t *testing.T) {
	info := newInfo(t)
	log := &lines{}
	serveKernel(t, listen(t, info, jupyter.ServerOptions{Log: log.add}))
	ctx := testContext(t)
	client := dialReady(t, info, jupyter.ClientOptions{})
	for _, test := range garbage {
		t.Run(test.name, func(t *testing.T) {
			for _, port := range []int{info.ShellPort, info.ControlPort, info.StdinPort, info.IOPubPort, info.HBPort} {
				sendBytes(t, fmt.Sprintf("127.0.0.1:%d", port), test.data)
			}
			if out, err := run(ctx, client, "on"); err != nil || out != "on" {
				t.Errorf("%q %v", out, err)
			}
		})
	}
	for _, line := range log.matching("") {
		if strings.Contains(line, "\n") || !strings.Contains(line, "a connection from 127.0.0.1:") {
			t.Errorf("log: %q", line)
		}
	}
}

// TestGarbageIsTold uses a server for each kind of garbage, because the log of one is short.
func TestGarbageIsTold(t *testing.T) {
	for _, test := range garbage {
		info := newInfo(t)
		log := &lines{}
		s := listen(t, info, jupyter.ServerOptions{Log: log.add})
		sendBytes(t, fmt.Sprintf("127.0.0.1:%d", info.ShellPort), test.data)
		s.Close()
		if got := log.matching(test.want); len(got) != 1 || len(log.matching("")) != 1 {
			t.Errorf("%s: log %q, want %q", test.name, log.matching(""), test.want)
		}
	}
}

// sendBytes sends data and waits until the server closes the connection.
func sendBytes(t *testing.T, address string, data []byte) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.Write(data)
	conn.SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := io.Copy(io.Discard, conn); isTimeout(err) {
		t.Error("the server keeps the connection")
	}
}

func isTimeout(err error) bool {
	timeout, ok := err.(net.Error)
	return ok && timeout.Timeout()
}

// TestAfterHandshake: garbage after a good handshake ends or loses only that peer; nothing large is allocated.
func TestAfterHandshake(t *testing.T) {
	info := newInfo(t)
	serveKernel(t, listen(t, info, jupyter.ServerOptions{}))
	dealer := join(greeting(), ready("Socket-Type", "DEALER"))
	client := dialReady(t, info, jupyter.ClientOptions{})
	before := heap()
	for _, data := range [][]byte{endless(0), endless(1), {0, 200, 'x'}, {1, 1, 'x'}} { // never finished
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", info.ShellPort))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.Write(join(dealer, data))
	}
	for _, data := range [][]byte{endless(4), {8, 0}, {5, 0}} {
		sendBytes(t, fmt.Sprintf("127.0.0.1:%d", info.ShellPort), join(dealer, data))
	}
	if out, err := run(testContext(t), client, "on"); err != nil || out != "on" {
		t.Errorf("%q %v", out, err)
	}
	if grown := heap() - before; grown > 20<<20 {
		t.Errorf("the heap has grown by %d bytes", grown)
	}
}

func heap() int64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// TestManyConnections: connections that come and go, and silent ones, leave nothing behind.
func TestManyConnections(t *testing.T) {
	info := newInfo(t)
	s, err := jupyter.Listen(info, jupyter.ServerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for range s.Receive() { // no requests come
		}
	}()
	goroutines, files := runtime.NumGoroutine(), descriptors(t)
	for i := range 500 {
		if i%5 == 0 { // half open
			conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", info.IOPubPort))
			if err != nil {
				t.Fatal(err)
			}
			conn.Close()
			continue
		}
		raw, err := jupyter.DialRaw(testContext(t), info, nil, fmt.Sprint("front", i%7))
		if err != nil {
			t.Fatal(err)
		}
		raw.Close()
	}
	silent, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", info.ShellPort))
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the connections' goroutines to end", func() bool { return runtime.NumGoroutine() <= goroutines+5 })
	eventually(t, "the connections to close", func() bool { return descriptors(t) <= files+5 })
	eventually(t, "the subscriptions to end", func() bool { return s.Subscribers() == 0 }) // after the connections
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	silent.SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := io.Copy(io.Discard, silent); isTimeout(err) {
		t.Error("Close leaves a connection")
	}
	silent.Close()
	eventually(t, "the server's goroutines to end", func() bool { return runtime.NumGoroutine() <= goroutines-5 })
}

func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("no /proc here to count descriptors: ", err)
	}
	return len(entries)
}

// TestTooManyConnections: one peer cannot use up the descriptors of the process.
func TestTooManyConnections(t *testing.T) {
	info := newInfo(t)
	log := &lines{}
	listen(t, info, jupyter.ServerOptions{Log: log.add})
	for range 201 {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", info.StdinPort))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	eventually(t, "a refusal", func() bool { return len(log.matching("there are 200 already")) == 1 })
}

// TestZMQ4Peers: zmq4's sockets are another implementation of the protocol.
func TestZMQ4Peers(t *testing.T) {
	info := newInfo(t)
	s := listen(t, info, jupyter.ServerOptions{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	dealer := zmq4.NewDealer(ctx, zmq4.WithID(zmq4.SocketIdentity("four")))
	sub, req := zmq4.NewSub(ctx), zmq4.NewReq(ctx)
	for socket, port := range map[zmq4.Socket]int{dealer: info.ShellPort, sub: info.IOPubPort, req: info.HBPort} {
		if err := socket.Dial(info.Endpoint(port)); err != nil {
			t.Fatal(err)
		}
		defer socket.Close()
	}
	if err := dealer.SendMulti(zmq4.NewMsgFrom(request(t, info)...)); err != nil {
		t.Fatal(err)
	}
	if in := <-s.Receive(); string(in.Identities[0]) != "four" || in.Header.MsgType != "kernel_info_request" {
		t.Errorf("%+v", in)
	}
	if err := s.Send(jupyter.Shell, [][]byte{[]byte("four"), []byte("a"), {}, []byte("b")}); err != nil {
		t.Fatal(err)
	}
	if m, err := dealer.Recv(); err != nil || fmt.Sprintf("%q", m.Frames) != `["a" "" "b"]` {
		t.Errorf("%q %v", m.Frames, err)
	}
	if err := sub.SetOption(zmq4.OptionSubscribe, "stream"); err != nil {
		t.Fatal(err)
	}
	subscribed(t, s, 1)
	s.Publish([][]byte{[]byte("status"), []byte("no")})
	s.Publish([][]byte{[]byte("stream.stdout"), []byte("yes")})
	if m, err := sub.Recv(); err != nil || fmt.Sprintf("%q", m.Frames) != `["stream.stdout" "yes"]` {
		t.Errorf("%q %v", m.Frames, err)
	}
	if err := req.Send(zmq4.NewMsgString("beat")); err != nil {
		t.Fatal(err)
	}
	if m, err := req.Recv(); err != nil || string(m.Bytes()) != "beat" {
		t.Errorf("%q %v", m.Frames, err)
	}
}
