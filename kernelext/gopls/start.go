package gopls

import (
	"io"
	"os/exec"
	"sync"
	"syscall"
)

// startChild starts a program in a process group of its own. When this process dies, the program's standard input
// ends, at which gopls ends too.
func startChild(argv, env []string, dir string) (io.WriteCloser, io.Reader, <-chan struct{}, func(), error) {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env, cmd.Dir = env, dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, nil, nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, nil, nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, nil, nil, err
	}
	done := make(chan struct{})
	end := sync.OnceFunc(func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }) // fails when all have ended
	go func() {
		// Not cmd.Wait: it would close stdout under its reader.
		_, _ = cmd.Process.Wait()
		end() // what gopls left behind
		close(done)
	}()
	return stdin, &closing{stdout}, done, end, nil
}

// closing closes its reader at the end.
type closing struct{ io.ReadCloser }

// Read reads.
func (c *closing) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	if err != nil {
		_ = c.Close()
	}
	return n, err
}
