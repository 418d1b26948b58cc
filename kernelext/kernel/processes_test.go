package kernel_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// process is a living process of a kernel.
type process struct {
	pid     int
	command string // the base name of its program, as it was called
}

// processes returns all processes with the kernel's folder for temporary files in their environment or arguments.
func (k *kernel) processes() []process {
	k.t.Helper()
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		k.t.Fatal(err)
	}
	var all []process
	for _, dir := range dirs {
		pid, _ := strconv.Atoi(filepath.Base(dir))
		environ, _ := os.ReadFile(filepath.Join(dir, "environ"))
		cmdline, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		if pid == os.Getpid() || !bytes.Contains(environ, []byte(k.temp)) && !bytes.Contains(cmdline, []byte(k.temp)) {
			continue
		}
		name, _, _ := bytes.Cut(cmdline, []byte{0})
		if len(name) > 0 { // a zombie has none
			all = append(all, process{pid, filepath.Base(string(name))})
		}
	}
	return all
}

// pids returns the processes of a program; a cell's ends with ".cell".
func (k *kernel) pids(program string) []int {
	k.t.Helper()
	var pids []int
	for _, p := range k.processes() {
		if p.command == program || strings.HasPrefix(program, ".") && strings.HasSuffix(p.command, program) {
			pids = append(pids, p.pid)
		}
	}
	return pids
}

// killGoNB kills GoNB with -9.
func (k *kernel) killGoNB() {
	k.t.Helper()
	pids := k.pids("gonb")
	if len(pids) != 1 {
		k.t.Fatalf("%d processes of gonb: %v", len(pids), k.processes())
	}
	syscall.Kill(pids[0], syscall.SIGKILL)
}

// signalAll sends an interrupt to the kernel's process group, as front ends with interrupt_mode signal do.
func (k *kernel) signalAll() {
	k.t.Helper()
	if err := k.Process.Signal(syscall.SIGINT); err != nil {
		k.t.Fatal(err)
	}
}
