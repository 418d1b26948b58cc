package process_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"deeplearning.example/kernelext/kernel/process"
)

// stubborn simulates GoNB with a cell that ignores signals and has left children in separate sessions, without parent
// and without environment.
const stubborn = `
trap '' INT TERM HUP
sh -c '
	trap "" INT TERM HUP
	env -i setsid sleep "$1" &
	setsid sh -c "env -i setsid sleep $1 & sleep $1" &
	(env -i setsid setsid sleep "$1" &)
	echo ready
	sleep "$1"
' cell "$1" &
sleep "$1"
`

// TestKilledAtRandom kills the kernel, one of its three helpers and GoNB with -9: one, two or three of them, in any
// order, at once or a few ms apart. If the kernel is among them, everything ends, and the private folder is removed.
// Otherwise the kernel continues, and everything ends when it is killed later.
func TestKilledAtRandom(t *testing.T) {
	rounds := 20
	if testing.Short() {
		rounds = 5
	}
	for round := range rounds {
		killAtRandom(t, rand.New(rand.NewPCG(5, uint64(round))))
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
	}
}

func killAtRandom(t *testing.T, random *rand.Rand) {
	k := startKernel(t)
	victims := []int{k.Kernel, []int{k.Keeper, k.Outer, k.Inner}[random.IntN(3)], k.Command}
	random.Shuffle(len(victims), func(i, j int) { victims[i], victims[j] = victims[j], victims[i] })
	victims = victims[:1+random.IntN(len(victims))]
	for _, pid := range victims {
		syscall.Kill(pid, syscall.SIGKILL)
		time.Sleep(time.Duration(random.IntN(3)) * time.Millisecond)
	}
	if !slices.Contains(victims, k.Kernel) {
		k.goesOn(t, victims)
	}
	k.kill()
	defer func() {
		if t.Failed() {
			t.Logf("killed %v of %+v", victims, *k)
		}
	}()
	eventually(t, "all dead", func() bool { return len(withToken(k.token)) == 0 })
	if k.bereft(victims) {
		if _, err := process.RemoveStale(helper, k.parent, privatePrefix); err != nil {
			t.Error(err)
		}
	}
	eventually(t, "private folder removed", func() bool { return !exists(k.Private) })
}

// goesOn checks a kernel that was not killed: it has a keeper, and nothing else if GoNB has died.
func (k *played) goesOn(t *testing.T, victims []int) {
	t.Helper()
	eventually(t, "the kernel has a keeper", func() bool {
		keepers := slices.DeleteFunc(withToken(k.token), func(pid int) bool { return !isKeeper(pid) })
		return len(keepers) == 1 && !slices.Contains(victims, keepers[0])
	})
	if slices.Equal(victims, []int{k.Keeper}) {
		return
	}
	if word := <-k.ended; word == "" {
		t.Error("the kernel does not say how GoNB ended")
	}
	eventually(t, "all dead but kernel and keeper", func() bool { return len(withToken(k.token)) == 2 })
	if entries, err := os.ReadDir(filepath.Join(k.Private, "tmp")); err != nil || len(entries) > 0 {
		t.Errorf("tmp of the private folder: %v, %v, want it empty", entries, err)
	}
}

func isKeeper(pid int) bool {
	line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return bytes.HasPrefix(line, []byte("lecture-helper\x00keep\x00"))
}

// bereft reports that possibly no process was alive to remove the folder when the kernel died: its keeper was killed
// too, and GoNB before it, whose guards may have ended.
func (k *played) bereft(victims []int) bool {
	return slices.Contains(victims, k.Keeper) && slices.Contains(victims, k.Command) &&
		slices.Index(victims, k.Command) < slices.Index(victims, k.Kernel)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// startKernel starts a simulated kernel with a stubborn cell.
func startKernel(t *testing.T) *played {
	t.Helper()
	return startKernelWith(t, "/bin/sh", "-c", stubborn, "gonb")
}

// startKernelWith starts a simulated kernel with a command, whose last argument will be the token.
func startKernelWith(t *testing.T, command ...string) *played {
	t.Helper()
	k := &played{token: token(t)}
	k.parent = filepath.Join(t.TempDir(), k.token)
	if err := os.Mkdir(k.parent, 0o700); err != nil {
		t.Fatal(err)
	}
	k.cmd = exec.Command(os.Args[0], append(append([]string{helper, k.parent}, command...), k.token)...)
	k.cmd.Env = append(os.Environ(), roleVariable+"=kernel")
	k.cmd.Stderr = os.Stderr
	out, err := k.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := k.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	line, err := lines.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, k)
	}
	if err != nil {
		t.Fatal(err)
	}
	words := make(chan string, 1)
	go func() {
		word, _ := lines.ReadString('\n')
		words <- word
	}()
	k.ended = words
	return k
}

// Signals of a terminal or a front end end none of the helpers; they clean up when the kernel is killed.
func TestHelpersStandSignals(t *testing.T) {
	k := startKernel(t)
	for _, pid := range []int{k.Outer, k.Inner, k.Command, k.Keeper} {
		for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGHUP, syscall.SIGTERM} {
			syscall.Kill(pid, s)
		}
		session, _ := unix.Getsid(pid)
		if want := k.Outer; session != want && session != k.Keeper {
			t.Errorf("process %d is in session %d, want %d", pid, session, want)
		}
	}
	const all = 13 // the kernel and its helpers, GoNB with its sleep, the cell with its own and four more
	eventually(t, "all live", func() bool { return len(withToken(k.token)) == all })
	if !isKeeper(k.Keeper) {
		t.Error("the keeper has ended")
	}
	k.kill()
	eventually(t, "all dead", func() bool { return len(withToken(k.token)) == 0 })
	eventually(t, "private folder removed", func() bool { return !exists(k.Private) })
}

// A helper that was stopped by a signal does not keep the processes of a killed kernel alive, nor its folder.
func TestKernelDiesWithAStoppedHelper(t *testing.T) {
	for _, pick := range []func(*played) int{
		func(k *played) int { return k.Outer }, func(k *played) int { return k.Inner },
	} {
		k := startKernel(t)
		stopped := pick(k)
		if err := syscall.Kill(stopped, syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		k.kill()
		eventually(t, "all dead", func() bool { return len(withToken(k.token)) == 0 })
		eventually(t, "private folder removed", func() bool { return !exists(k.Private) })
	}
}
