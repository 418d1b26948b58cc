package agent_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"deeplearning.example/kernelext/internal/agent"
)

// limit ends a test that hangs. It is far longer than any step takes.
const limit = time.Minute

type handler func(ctx context.Context, r agent.Request) (agent.Reply, []*os.File, bool)

func (h handler) Handle(ctx context.Context, r agent.Request) (agent.Reply, []*os.File, bool) {
	return h(ctx, r)
}

// serve lets h answer at a socket that Dial then finds.
func serve(t *testing.T, h handler) *agent.Server {
	t.Helper()
	dir := shortDir(t)
	path := filepath.Join(dir, "a")
	t.Setenv(agent.SocketVariable, path)
	s, err := agent.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(h) }()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
		if _, err := os.Stat(path); !os.IsNotExist(err) {
			t.Errorf("Close leaves the socket: %v", err)
		}
	})
	return s
}

// shortDir returns a folder whose name is short enough for a socket's.
func shortDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "agent")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func dial(t *testing.T) *agent.Conn {
	t.Helper()
	conn, err := agent.Dial()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// within fails the test if nothing comes through the channel.
func within[T any](t *testing.T, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(limit):
		t.Fatalf("no %s", what)
		panic("unreachable")
	}
}

func TestAsk(t *testing.T) {
	got := make(chan agent.Request, 1)
	output := strings.Repeat("main.go:1: ünlike\n", 300_000)
	want := agent.Reply{Code: 3, Output: output, Env: []string{"A=b=c"}, FileSize: 1 << 40}
	serve(t, func(_ context.Context, r agent.Request) (agent.Reply, []*os.File, bool) {
		got <- r
		return want, nil, true
	})
	conn := dial(t)
	env := []string{"X=" + strings.Repeat("x", 1<<20)}
	sent := agent.Request{Op: agent.OpGo, Args: []string{"build", "-o", "a\nb"}, Dir: "/d", Env: env}
	reply, files, err := conn.Ask(sent)
	if err != nil || len(files) != 0 || !reflect.DeepEqual(reply, want) {
		t.Errorf("reply of %d bytes, %d files, %v", len(reply.Output), len(files), err)
	}
	sent.PID = os.Getpid()
	if r := <-got; !reflect.DeepEqual(r, sent) {
		t.Errorf("request: %.200v", r)
	}
}

func TestFilesArriveAlone(t *testing.T) {
	readers := make(chan *os.File, 1)
	serve(t, func(context.Context, agent.Request) (agent.Reply, []*os.File, bool) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Error(err)
		}
		null, err := os.Open(os.DevNull)
		if err != nil {
			t.Error(err)
		}
		readers <- r
		return agent.Reply{}, []*os.File{w, null}, true
	})
	_, files, err := dial(t).Ask(agent.Request{Op: agent.OpLaunch})
	if err != nil || len(files) != 2 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		if flags := fcntl(t, f, syscall.F_GETFD); flags&syscall.FD_CLOEXEC == 0 {
			t.Errorf("%v stays open on exec", f.Fd())
		}
		if flags := fcntl(t, f, syscall.F_GETFL); flags&syscall.O_NONBLOCK != 0 {
			t.Errorf("%v does not block", f.Fd())
		}
	}
	files[0].WriteString("text")
	files[0].Close()
	files[1].Close()
	reader := <-readers
	defer reader.Close()
	reader.SetReadDeadline(time.Now().Add(limit))
	// The end comes only if the server has no copy of the writing end.
	if text, err := io.ReadAll(reader); err != nil || string(text) != "text" {
		t.Errorf("%q, %v", text, err)
	}
}

func fcntl(t *testing.T, f *os.File, command int) int {
	t.Helper()
	raw, err := f.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	flags := 0
	raw.Control(func(fd uintptr) {
		n, _, errno := syscall.Syscall(syscall.SYS_FCNTL, fd, uintptr(command), 0)
		if flags = int(n); errno != 0 {
			t.Error(errno)
		}
	})
	return flags
}

func TestNoDescriptorLeaks(t *testing.T) {
	serve(t, func(_ context.Context, r agent.Request) (agent.Reply, []*os.File, bool) {
		a, b, err := os.Pipe()
		if err != nil {
			t.Error(err)
		}
		return agent.Reply{}, []*os.File{a, b}, r.Op != agent.OpExit // of a request without answer, too
	})
	ask := func() {
		conn, err := agent.Dial()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_, files, err := conn.Ask(agent.Request{Op: agent.OpShell})
		if err != nil || len(files) != 2 {
			t.Fatal(files, err)
		}
		files[0].Close()
		files[1].Close()
		if err := conn.Tell(agent.Request{Op: agent.OpExit}); err != nil {
			t.Fatal(err)
		}
	}
	ask() // the poller's own
	before := descriptors(t)
	for range 200 {
		ask()
	}
	// The server closes when it sees the end.
	for begin := time.Now(); descriptors(t) > before; time.Sleep(time.Millisecond) {
		if time.Since(begin) > limit {
			t.Fatalf("%d descriptors, %d before", descriptors(t), before)
		}
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/dev/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func TestTellNeverBlocks(t *testing.T) {
	release := make(chan struct{})
	serve(t, func(context.Context, agent.Request) (agent.Reply, []*os.File, bool) {
		<-release
		return agent.Reply{}, nil, false
	})
	defer close(release)
	conn := dial(t)
	r := agent.Request{Op: agent.OpProgress, Name: strings.Repeat("n", 8000)}
	var err error
	for range 10_000 { // 80 MB: more than any buffer
		if err = conn.Tell(r); err != nil {
			break
		}
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("Tell to a kernel that does not read: %v", err)
	}
	if again := conn.Tell(r); again != err {
		t.Errorf("after a line was cut off: %v", again)
	}
}

func TestTellDuringAsk(t *testing.T) {
	asked, told := make(chan bool, 1), make(chan bool, 1)
	serve(t, func(ctx context.Context, r agent.Request) (agent.Reply, []*os.File, bool) {
		if r.Op == agent.OpProgress {
			told <- true
			return agent.Reply{}, nil, false
		}
		asked <- true
		return agent.Reply{}, nil, true
	})
	conn := dial(t)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 20 {
				if _, _, err := conn.Ask(agent.Request{Op: agent.OpLaunch}); err != nil {
					t.Error(err)
				}
				<-asked
				if err := conn.Tell(agent.Request{Op: agent.OpProgress}); err != nil {
					t.Error(err)
				}
				<-told
			}
		})
	}
	group.Wait()
}

func TestLastWordsAreHeard(t *testing.T) {
	codes := make(chan int, 100)
	serve(t, func(_ context.Context, r agent.Request) (agent.Reply, []*os.File, bool) {
		codes <- r.Code
		return agent.Reply{}, nil, false
	})
	conn, err := agent.Dial()
	if err != nil {
		t.Fatal(err)
	}
	for code := range 100 {
		if err := conn.Tell(agent.Request{Op: agent.OpExit, Code: code}); err != nil {
			t.Fatal(err)
		}
	}
	conn.Close()
	for want := range 100 {
		if got := within(t, "word", codes); got != want {
			t.Fatalf("got %d, want %d", got, want)
		}
	}
}

func TestHangUpEndsContext(t *testing.T) {
	begun, ended := make(chan bool), make(chan error)
	serve(t, func(ctx context.Context, _ agent.Request) (agent.Reply, []*os.File, bool) {
		begun <- true
		<-ctx.Done()
		ended <- ctx.Err()
		return agent.Reply{}, nil, true
	})
	conn := dial(t)
	answered := make(chan error, 1)
	go func() {
		_, _, err := conn.Ask(agent.Request{Op: agent.OpGo})
		answered <- err
	}()
	within(t, "request", begun)
	conn.Close()
	within(t, "end of the context", ended)
	if err := within(t, "end of Ask", answered); err == nil {
		t.Error("Ask on a closed connection has an answer")
	}
}

func TestCloseEndsAsk(t *testing.T) {
	begun := make(chan bool, 1)
	s := serve(t, func(ctx context.Context, _ agent.Request) (agent.Reply, []*os.File, bool) {
		begun <- true
		<-ctx.Done()
		return agent.Reply{}, nil, false
	})
	conn := dial(t)
	answered := make(chan error, 1)
	go func() {
		_, _, err := conn.Ask(agent.Request{Op: agent.OpGo})
		answered <- err
	}()
	within(t, "request", begun)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := within(t, "end of Ask", answered); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("Ask: %v", err)
	}
}

func TestDialWithoutKernel(t *testing.T) {
	dir := t.TempDir()
	stale := filepath.Join(shortDir(t), "stale")
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: stale, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	listener.SetUnlinkOnClose(false)
	listener.Close()
	for path, want := range map[string]error{
		"":                         agent.ErrAbsent,
		filepath.Join(dir, "none"): fs.ErrNotExist,
		stale:                      syscall.ECONNREFUSED,
	} {
		t.Setenv(agent.SocketVariable, path)
		if _, err := agent.Dial(); !errors.Is(err, want) {
			t.Errorf("Dial %q: %v, want %v", path, err, want)
		}
	}
}

func TestListenSaysWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]string{
		filepath.Join(dir, strings.Repeat("x", 110)): "want at most",
		filepath.Join(dir, "a", "b"):                 "no such file",
		dir:                                          "address already in use",
	} {
		if s, err := agent.Listen(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Listen %q: %v, %v, want %q", path, s, err, want)
		}
	}
}

// A peer that sends anything but requests is disconnected; the others are not.
func TestBadRequest(t *testing.T) {
	serve(t, func(context.Context, agent.Request) (agent.Reply, []*os.File, bool) {
		return agent.Reply{Code: 7}, nil, true
	})
	good := dial(t)
	for _, text := range []string{"\n", "GET / HTTP/1.1\r\n", "{\"op\":\n", "{\"op\": 3}\n", "[]\n"} {
		conn, err := net.Dial("unix", os.Getenv(agent.SocketVariable))
		if err != nil {
			t.Fatal(err)
		}
		conn.SetDeadline(time.Now().Add(limit))
		io.WriteString(conn, text)
		line, err := bufio.NewReader(conn).ReadString('\n')
		if line != "" || !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("%q is answered %q, %v", text, line, err)
		}
		conn.Close()
	}
	if reply, _, err := good.Ask(agent.Request{Op: agent.OpGo}); err != nil || reply.Code != 7 {
		t.Error(reply, err)
	}
}

// A kernel that answers nonsense is an error, and its descriptors are closed.
func TestBadAnswer(t *testing.T) {
	path := filepath.Join(shortDir(t), "bad")
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	t.Setenv(agent.SocketVariable, path)
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	go func() {
		conn, err := listener.AcceptUnix()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		bufio.NewReader(conn).ReadString('\n')
		conn.WriteMsgUnix([]byte("no json\n"), syscall.UnixRights(int(writer.Fd())), nil)
		writer.Close()
	}()
	if _, files, err := dial(t).Ask(agent.Request{Op: agent.OpLaunch}); err == nil || files != nil {
		t.Errorf("Ask: %v, %v", files, err)
	}
	reader.SetReadDeadline(time.Now().Add(limit))
	if _, err := reader.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the descriptor of a bad answer is open: %v", err)
	}
}

func BenchmarkAsk(b *testing.B) {
	path := filepath.Join(shortDir(b), "bench")
	b.Setenv(agent.SocketVariable, path)
	s, err := agent.Listen(path)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	go s.Serve(handler(func(context.Context, agent.Request) (agent.Reply, []*os.File, bool) {
		return agent.Reply{}, nil, true
	}))
	conn, err := agent.Dial()
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	for b.Loop() {
		if _, _, err := conn.Ask(agent.Request{Op: agent.OpLaunch}); err != nil {
			b.Fatal(err)
		}
	}
}
