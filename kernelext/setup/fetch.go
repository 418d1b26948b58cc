package setup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// pipLimit limits the time of pip's search for the address of a file.
const pipLimit = 60 * time.Second

// fetchWheel downloads the pinned wheel into the data folder. pip finds its address, because pip knows the index and
// the mirrors of this machine. The download does not use pip, which cannot resume one.
func (in *Installation) fetchWheel(ctx context.Context, w wheel) (string, error) {
	path := filepath.Join(in.Data, "download", w.File)
	if checkFile(path, w.Size, w.SHA256) == nil {
		return path, nil
	}
	python, err := findPip(ctx)
	if err != nil {
		return "", err
	}
	if err := in.makeDir(filepath.Dir(path)); err != nil {
		return "", err
	}
	address, err := wheelAddress(ctx, python, w)
	if errors.Is(err, errOldPip) {
		return path, in.pipDownload(ctx, python, w, path)
	}
	if err != nil {
		return "", err
	}
	d := download{Address: address, Path: path, Size: w.Size, SHA256: w.SHA256, Stall: 30 * time.Second,
		Meter: newMeter(in.Out, in.Terminal, w.Size)}
	in.say("plugin: downloading %s (%s)", w.File, megabytes(w.Size))
	if err := d.run(ctx); err != nil {
		return "", in.diskError(err, in.Data)
	}
	return path, nil
}

// findPip returns a Python that has pip.
func findPip(ctx context.Context) (string, error) {
	for _, name := range []string{"python3", "python"} {
		path, err := exec.LookPath(name)
		if err == nil && exec.CommandContext(ctx, path, "-m", "pip", "--version").Run() == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("no Python with pip on PATH, which is needed to find the wheel: %s", installAdvice("pip"))
}

var errOldPip = errors.New("this pip cannot report")

// wheelAddress asks pip for the address of the wheel. It may be a local file (file://).
func wheelAddress(ctx context.Context, python string, w wheel) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, pipLimit)
	defer cancel()
	out, err := runPip(ctx, python, "install", "--dry-run", "--ignore-installed", "--report", "-", w.Requirement)
	if err != nil {
		return "", err
	}
	var report struct {
		Install []struct {
			Info struct{ URL string } `json:"download_info"`
		}
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil || len(report.Install) == 0 {
		return "", fmt.Errorf("pip's report on %s cannot be read", w.Requirement)
	}
	address := report.Install[0].Info.URL
	if !strings.HasSuffix(address, "/"+w.File) {
		return "", fmt.Errorf("pip offers %s, want %s: this Python is for another platform", address, w.File)
	}
	return address, nil
}

// runPip runs pip with few retries, so that an unreachable index is reported soon. It returns pip's standard output.
func runPip(ctx context.Context, python, command string, args ...string) (string, error) {
	args = append([]string{"-m", "pip", command, "--quiet", "--no-deps", "--only-binary=:all:",
		"--disable-pip-version-check", "--retries", "1", "--timeout", "10"}, args...)
	cmd := exec.CommandContext(ctx, python, args...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if ctx.Err() != nil {
		return "", fmt.Errorf("pip did not answer: %w", ctx.Err())
	}
	if strings.Contains(stderr.String(), "no such option") {
		return "", errOldPip
	}
	if err != nil {
		return "", fmt.Errorf("pip: %s", lastError(stderr.String(), err))
	}
	return string(out), nil
}

// lastError returns the last line of pip's messages that starts with ERROR. That line is pip's conclusion.
func lastError(stderr string, err error) string {
	last := err.Error()
	for line := range strings.Lines(stderr) {
		if strings.HasPrefix(line, "ERROR: ") {
			last = strings.TrimSpace(strings.TrimPrefix(line, "ERROR: "))
		}
	}
	return last
}

// pipDownload lets an old pip (before 22.2) do the download as well.
func (in *Installation) pipDownload(ctx context.Context, python string, w wheel, path string) error {
	in.say("plugin: pip downloads %s (%s)", w.File, megabytes(w.Size))
	if _, err := runPip(ctx, python, "download", "--dest", filepath.Dir(path), w.Requirement); err != nil {
		return err
	}
	err := checkFile(path, w.Size, w.SHA256)
	if err != nil {
		_ = os.Remove(path) // it is a wrong file
	}
	return err
}

// diskError explains an error of this machine's disk. It returns an error of the network unchanged.
func (in *Installation) diskError(err error, folder string) error {
	var onPath *os.PathError
	if errors.As(err, &onPath) {
		return in.explain(err, folder)
	}
	return err
}

// room returns an error if the disk has no room for size bytes.
func (in *Installation) room(folder string, size int64) error {
	free, err := freeBytes(existing(folder))
	if err != nil || free >= size {
		return nil // the free space is not known, so try to write
	}
	return &FolderError{Folder: folder, Err: syscall.ENOSPC, text: fmt.Sprintf(
		"no room in %s: %s free, %s needed: free some space, or set %s to a folder with room",
		folder, megabytes(free), megabytes(size), in.variableOf(folder))}
}

// freeBytes returns the space that an ordinary user can still write on the file system of a folder.
func freeBytes(folder string) (int64, error) {
	var stat syscall.Statfs_t
	if err := syscall.Statfs(folder, &stat); err != nil {
		return 0, err
	}
	return int64(stat.Bavail) * int64(stat.Bsize), nil
}

func megabytes(size int64) string { return fmt.Sprintf("%.1f MB", float64(size)/1e6) }
