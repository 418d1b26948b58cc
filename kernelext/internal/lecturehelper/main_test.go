package main_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"deeplearning.example/kernelext/internal/agent"
)

// limit ends a test that hangs. It is far longer than any step takes.
const limit = time.Minute

var helper string

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "helper-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	helper = filepath.Join(dir, "lecture-helper")
	if out, err := exec.Command("go", "build", "-o", helper, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// kernel is a simulated kernel: it gives the set answers, with pipes for the programs that it lets start.
type kernel struct {
	t       *testing.T
	reply   agent.Reply
	onAsk   func(agent.Request)
	mu      sync.Mutex
	heard   []agent.Request
	readers []*os.File
}

// Handle answers every request except an exit.
func (k *kernel) Handle(_ context.Context, r agent.Request) (agent.Reply, []*os.File, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.heard = append(k.heard, r)
	if r.Op == agent.OpExit {
		return agent.Reply{}, nil, true
	}
	if k.onAsk != nil {
		k.onAsk(r)
	}
	if r.Op == agent.OpGo || r.Op == agent.OpGoimports || k.reply.Refuse != "" {
		return k.reply, nil, true
	}
	var writers []*os.File
	for range 2 {
		reader, writer, err := os.Pipe()
		if err != nil {
			k.t.Error(err)
		}
		k.readers, writers = append(k.readers, reader), append(writers, writer)
	}
	return k.reply, writers, true
}

// texts holds the text from the pipes, once all writers have closed them.
func (k *kernel) texts() (stdout, stderr string) {
	k.t.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.readers) != 2 {
		k.t.Fatalf("%d pipes, want 2", len(k.readers))
	}
	var text [2]string
	for i, reader := range k.readers {
		reader.SetReadDeadline(time.Now().Add(limit))
		data, err := io.ReadAll(reader)
		if err != nil {
			k.t.Error(err)
		}
		reader.Close()
		text[i] = string(data)
	}
	k.readers = nil
	return text[0], text[1]
}

// requests waits for n requests and returns them; there must not be more.
func (k *kernel) requests(n int) []agent.Request {
	k.t.Helper()
	for begin := time.Now(); ; time.Sleep(time.Millisecond) {
		k.mu.Lock()
		heard := k.heard
		k.mu.Unlock()
		if len(heard) == n {
			return heard
		}
		if len(heard) > n || time.Since(begin) > limit {
			k.t.Fatalf("requests %+v, want %d", heard, n)
		}
	}
}

// play starts a simulated kernel that the helper finds.
func play(t *testing.T, reply agent.Reply) *kernel {
	t.Helper()
	dir, err := os.MkdirTemp("", "helper") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "agent")
	server, err := agent.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	k := &kernel{t: t, reply: reply}
	go server.Serve(k)
	t.Cleanup(func() { server.Close() })
	t.Setenv(agent.SocketVariable, path)
	return k
}

// alone makes sure that there is no kernel.
func alone(t *testing.T) { t.Setenv(agent.SocketVariable, "") }

// install links the helper under a name in a new folder.
func install(t *testing.T, name string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), name)
	if err := os.Symlink(helper, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// program writes a shell script that can be executed.
func program(t *testing.T, path, script string) {
	t.Helper()
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
}

// result holds the output and the exit code of a program.
type result struct {
	stdout, stderr string
	code           int
}

// execute runs a program with some text as its stdin.
func execute(t *testing.T, argv ...string) result {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader("input\n"), &stdout, &stderr
	err := cmd.Run()
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	status := cmd.ProcessState.Sys().(syscall.WaitStatus)
	code := status.ExitStatus()
	if status.Signaled() {
		code = -int(status.Signal())
	}
	return result{stdout.String(), stderr.String(), code}
}
