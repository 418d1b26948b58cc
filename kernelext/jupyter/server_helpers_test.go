package jupyter_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"deeplearning.example/kernelext/jupyter"
)

// lines is a log.
type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, line)
}

// matching returns the lines with text in them.
func (l *lines) matching(text string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(l.all), func(line string) bool { return !strings.Contains(line, text) })
}

func newInfo(t testing.TB) *jupyter.ConnectionInfo {
	t.Helper()
	_, info, err := jupyter.CreateConnectionFile(t.TempDir(), uuid.NewString(), "test")
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// listen starts a server on new ports, and closes it at the end.
func listen(t testing.TB, info *jupyter.ConnectionInfo, opts jupyter.ServerOptions) *jupyter.Server {
	t.Helper()
	s, err := jupyter.Listen(info, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// serveKernel answers requests of front ends: kernel_info, and execute_request by its code, as a stream. Code that
// starts with "ask " asks for input and prints the answer.
func serveKernel(t testing.TB, s *jupyter.Server) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		asking := map[string]jupyter.Incoming{}
		for in := range s.Receive() {
			if err := answer(s, in, asking); err != nil {
				t.Error(err)
			}
		}
	}()
	t.Cleanup(func() {
		s.Close()
		<-done
	})
}

func answer(s *jupyter.Server, in jupyter.Incoming, asking map[string]jupyter.Incoming) error {
	var request jupyter.ExecuteRequest
	switch in.Header.MsgType {
	case "kernel_info_request":
		return reply(s, in, "kernel_info_reply", jupyter.KernelInfo{Status: "ok", Implementation: "test"})
	case "execute_request":
		if err := in.Decode(&request); err != nil {
			return err
		}
		if prompt, ok := strings.CutPrefix(request.Code, "ask "); ok {
			asking[string(in.Identities[0])] = in
			return reply(s, in, "input_request", jupyter.InputRequest{Prompt: prompt})
		}
		return errors.Join(publish(s, in, "stream", jupyter.Stream{Name: "stdout", Text: request.Code}),
			reply(s, in, "execute_reply", jupyter.ExecuteReply{Status: "ok", ExecutionCount: 1}))
	case "input_reply":
		var input jupyter.InputReply
		asked := asking[string(in.Identities[0])]
		return errors.Join(in.Decode(&input),
			publish(s, asked, "stream", jupyter.Stream{Name: "stdout", Text: "answer " + input.Value}),
			reply(s, asked, "execute_reply", jupyter.ExecuteReply{Status: "ok"}))
	}
	return fmt.Errorf("unexpected %s", in.Header.MsgType)
}

// reply answers a request and sends idle; an input_request goes out on stdin and leaves the kernel busy.
func reply(s *jupyter.Server, in jupyter.Incoming, msgType string, content any) error {
	m, err := in.Reply(msgType, content)
	if err != nil {
		return err
	}
	if msgType == "input_request" {
		return s.Reply(jupyter.Stdin, m)
	}
	return errors.Join(s.Reply(in.Channel, m), publish(s, in, "status", jupyter.Status{ExecutionState: "idle"}))
}

func publish(s *jupyter.Server, in jupyter.Incoming, msgType string, content any) error {
	m, err := in.Reply(msgType, content)
	if err != nil {
		return err
	}
	m.Identities = nil
	return s.PublishMessage(m)
}

// dialReady connects a client and waits until its subscription works.
func dialReady(t testing.TB, info *jupyter.ConnectionInfo, opts jupyter.ClientOptions) *jupyter.Client {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c, err := jupyter.Dial(ctx, info, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if _, err := c.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	return c
}

// run executes code and returns the text of its streams.
func run(ctx context.Context, c *jupyter.Client, code string) (string, error) {
	var out strings.Builder
	_, err := c.Execute(ctx, jupyter.ExecuteRequest{Code: code, AllowStdin: true}, func(m *jupyter.Message) {
		var stream jupyter.Stream
		if m.Header.MsgType == "stream" && m.Decode(&stream) == nil {
			out.WriteString(stream.Text)
		}
	})
	return out.String(), err
}

func dialRaw(t testing.TB, info *jupyter.ConnectionInfo, identity string) *jupyter.Raw {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	raw, err := jupyter.DialRaw(ctx, info, nil, identity)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { raw.Close() })
	return raw
}

// request returns a signed kernel_info_request.
func request(t testing.TB, info *jupyter.ConnectionInfo) [][]byte {
	t.Helper()
	m, err := jupyter.NewMessage("kernel_info_request", "session", struct{}{})
	if err != nil {
		t.Fatal(err)
	}
	frames, err := m.Encode(mustSigner(t, info.Key))
	if err != nil {
		t.Fatal(err)
	}
	return frames
}

// subscribed waits for n subscriptions.
func subscribed(t testing.TB, s *jupyter.Server, n int) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d subscribers", n), func() bool { return s.Subscribers() == n })
}

func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited for %s in vain", what)
		}
	}
}
