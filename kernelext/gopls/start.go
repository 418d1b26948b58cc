package gopls

import (
	"io"
	"os/exec"
	"sync"
	"syscall"
)

// startChild starts a program in a new process group. When this process dies, the program's standard input ends, and
// gopls then ends too.
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
		// cmd.Wait is not used: it would close stdout while its reader uses it.
		_, _ = cmd.Process.Wait()
		end() // remaining children of gopls
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
