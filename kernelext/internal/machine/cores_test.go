package machine

import (
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// TestOnCores: a process that is started on one core sees one, and this process keeps all its cores.
func TestOnCores(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("processes cannot be kept on some cores on this system")
	}
	before := Cores()
	var seen []byte
	err := OnCores(before[len(before)-1:], func() (err error) {
		seen, err = exec.Command("nproc").Output()
		return err
	})
	if err != nil || strings.TrimSpace(string(seen)) != "1" {
		t.Errorf("a process on one core sees %s cores (%v)", seen, err)
	}
	if after := Cores(); !slices.Equal(after, before) {
		t.Errorf("this process has the cores %v, before %v", after, before)
	}
	if err := OnCores([]int{1000}, func() error { t.Error("called without a core"); return nil }); err == nil {
		t.Error("a core that does not exist: no error")
	}
}
