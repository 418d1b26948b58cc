package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

func TestKeep(t *testing.T) {
	alone(t)
	folder := filepath.Join(t.TempDir(), "private")
	locked := filepath.Join(folder, "tmp", "locked")
	if err := os.MkdirAll(locked, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(locked, "file"), nil, 0o400); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(locked, 0o500); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(helper, "keep", folder)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stdin.Write([]byte("is not the end"))
	time.Sleep(50 * time.Millisecond)
	if _, err := os.Stat(locked); err != nil {
		t.Errorf("before its stdin ends: %v", err)
	}
	stdin.Close()
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(folder); err == nil {
		t.Error("the folder is there")
	}
	if got := execute(t, helper, "keep", folder); got != (result{}) {
		t.Errorf("of a folder that is gone: %+v", got)
	}
}
