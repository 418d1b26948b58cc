package device_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"deeplearning.example/internal/testx"
	"deeplearning.example/kernelext/device"
	"deeplearning.example/kernelext/internal/trial"
)

// envDoubles makes this test binary a process that compiles and runs some programs.
const envDoubles = "DEVICE_TEST_DOUBLES"

// programs is the number of programs of the child.
const programs = 6

func TestMain(m *testing.M) {
	if os.Getenv(envDoubles) == "" {
		os.Exit(m.Run())
	}
	use, err := computeDoubles()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	_ = json.NewEncoder(os.Stdout).Encode(use)
}

// computeDoubles compiles a program for each n up to programs, which doubles a number n times, and checks its results.
func computeDoubles() (device.Use, error) {
	backend, err := device.Open("cpu", os.Stderr)
	if err != nil {
		return device.Use{}, err
	}
	for n := range programs {
		got, err := trial.Double(backend, 3, n+1)
		if want := 3 * float32(int(2)<<n); err != nil || got != want {
			return device.Use{}, fmt.Errorf("3 doubled %d times is %g (%v), want %g", n+1, got, err, want)
		}
	}
	return device.CacheUse(), nil
}

// child is the process that compiles, with a value of LECTURE_XLA_CACHE.
func child(cache string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), envDoubles+"=1", "LECTURE_XLA_CACHE="+cache)
	return cmd
}

// runChild runs the child to its end.
func runChild(t *testing.T, cache string) (use device.Use, stderr string) {
	t.Helper()
	cmd := child(cache)
	var warnings bytes.Buffer
	cmd.Stderr = &warnings
	out, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(out, &use)
	}
	if err != nil {
		t.Fatalf("LECTURE_XLA_CACHE=%s: %v\n%s%s", cache, err, out, &warnings)
	}
	return use, warnings.String()
}

// needsXLA skips a test on a machine without a plugin.
func needsXLA(t *testing.T) {
	t.Helper()
	testx.Backend(t) // installs the plugin
	unsetBackend(t)
	backend, err := device.Open("cpu", io.Discard)
	if err != nil {
		t.Skip(err)
	}
	backend.Finalize()
}

// expect checks how many programs the child compiled and loaded.
func expect(t *testing.T, what string, use device.Use, compiled, loaded int) {
	t.Helper()
	if use.Compiled != compiled || use.Loaded != loaded {
		t.Errorf("%s: %+v, want %d compiled and %d loaded programs", what, use, compiled, loaded)
	}
}

// TestCache: a second process loads what the first one has compiled; a damaged entry is compiled again; other flags of XLA
// have other entries.
func TestCache(t *testing.T) {
	needsXLA(t)
	dir := filepath.Join(t.TempDir(), "xla")
	use, _ := runChild(t, "off")
	expect(t, "turned off", use, 0, 0)
	use, _ = runChild(t, dir)
	expect(t, "an empty cache", use, programs, 0)
	use, _ = runChild(t, dir)
	expect(t, "a filled cache", use, 0, programs)

	entries, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(entries) != programs {
		t.Fatalf("%d entries (%v), want %d", len(entries), err, programs)
	}
	for i, path := range entries[:3] {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		damaged := [][]byte{content[:len(content)/2], append(bytes.Clone(content[:len(content)-1]), content[len(content)-1]^1), nil}
		if err := os.WriteFile(path, damaged[i], 0o600); err != nil {
			t.Fatal(err)
		}
	}
	use, _ = runChild(t, dir)
	expect(t, "three damaged entries", use, 3, programs-3)
	use, _ = runChild(t, dir)
	expect(t, "after the damage", use, 0, programs)

	t.Setenv("XLA_FLAGS", "--xla_cpu_enable_fast_math=true")
	use, _ = runChild(t, dir)
	expect(t, "other flags", use, programs, 0)
}

// TestUnusableCache: the programs run without the cache, and one line says why.
func TestUnusableCache(t *testing.T) {
	needsXLA(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	shared := filepath.Join(dir, "shared")
	if err := os.Mkdir(shared, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(shared, 0o777); err != nil {
		t.Fatal(err)
	}
	for cache, want := range map[string]string{
		file:     "not a directory",
		shared:   "other users may write",
		"maybe":  `want "off" or an absolute path`,
		"./here": `want "off" or an absolute path`,
	} {
		use, stderr := runChild(t, cache)
		expect(t, cache, use, 0, 0)
		if strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, want) || !strings.Contains(stderr, "compiles its programs again") {
			t.Errorf("LECTURE_XLA_CACHE=%s: stderr %q, want one line with %q", cache, stderr, want)
		}
	}
}

// TestCacheUnderKill: processes that compile are killed at 50 random moments, eight others run to their end at the same time,
// and none computes a wrong number.
func TestCacheUnderKill(t *testing.T) {
	if testing.Short() {
		t.Skip("runs 58 processes")
	}
	needsXLA(t)
	dir := filepath.Join(t.TempDir(), "xla")
	begin := time.Now()
	runChild(t, filepath.Join(t.TempDir(), "other"))
	whole := time.Since(begin) // of one process that compiles all
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range 50 {
		if i%10 == 0 {
			if err := os.RemoveAll(dir); err != nil { // so that there is something to compile
				t.Fatal(err)
			}
		}
		killed(t, dir, time.Duration(rng.Int64N(int64(whole))))
	}
	var wait []func() error
	for range 8 {
		cmd := child(dir)
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		wait = append(wait, func() error {
			if err := cmd.Wait(); err != nil {
				return fmt.Errorf("%w: %s", err, &out)
			}
			return nil
		})
	}
	for _, w := range wait {
		if err := w(); err != nil {
			t.Errorf("one of eight processes: %v", err)
		}
	}
	use, _ := runChild(t, dir)
	expect(t, "after all", use, 0, programs)
}

// killed starts the child and kills it after a time, unless it has ended. A child that ends by itself must have succeeded.
func killed(t *testing.T, cache string, after time.Duration) {
	t.Helper()
	cmd := child(cache)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(after)
	_ = cmd.Process.Kill()
	if err := cmd.Wait(); err != nil && err.Error() != "signal: killed" {
		t.Errorf("a process that was to be killed after %v: %v: %s", after, err, &out)
	}
}
