package jupyter_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"deeplearning.example/kernelext/jupyter"
)

func environ(values map[string]string) jupyter.Environ {
	return func(name string) string { return values[name] }
}

func writeSpec(t *testing.T, data, name, content string) string {
	t.Helper()
	dir := filepath.Join(data, "kernels", name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "kernel.json"), []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestDataDirs(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the folders of Linux")
	}
	system := []string{"/usr/local/share/jupyter", "/usr/share/jupyter"}
	tests := []struct {
		env  map[string]string
		want []string
	}{
		{map[string]string{"HOME": "/h"}, []string{"/h/.local/share/jupyter"}},
		{map[string]string{"HOME": "/h", "XDG_DATA_HOME": "/x"}, []string{"/x/jupyter"}},
		{map[string]string{"HOME": "/h", "XDG_DATA_HOME": "/x", "JUPYTER_DATA_DIR": "/d"}, []string{"/d"}},
		{map[string]string{"HOME": "/h", "JUPYTER_PATH": "/a:/b"}, []string{"/a", "/b", "/h/.local/share/jupyter"}},
		{map[string]string{"JUPYTER_DATA_DIR": "/d", "VIRTUAL_ENV": "/v"}, []string{"/v/share/jupyter", "/d"}},
		{
			map[string]string{"JUPYTER_DATA_DIR": "/d", "VIRTUAL_ENV": "/v", "JUPYTER_PREFER_ENV_PATH": "0"},
			[]string{"/d", "/v/share/jupyter"},
		},
		{map[string]string{}, nil},
	}
	for _, test := range tests {
		if got, want := jupyter.DataDirs(environ(test.env)), slices.Concat(test.want, system); !slices.Equal(got, want) {
			t.Errorf("%v: %v, want %v", test.env, got, want)
		}
	}
}

func TestFindSpec(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	dir := writeSpec(t, first, "Lecture11", `{"argv":["x","{connection_file}"],"display_name":"L","language":"go"}`)
	writeSpec(t, second, "lecture11", `{"argv":["hidden"]}`)
	writeSpec(t, second, "other", `{"argv":["y"],"interrupt_mode":"message"}`)
	writeSpec(t, second, "broken", `{"argv":`)
	writeSpec(t, second, "empty", `{"argv":[]}`)
	writeSpec(t, second, "mode", `{"argv":["z"],"interrupt_mode":"shout"}`)
	getenv := environ(map[string]string{"JUPYTER_PATH": first + ":" + second, "HOME": t.TempDir()})

	spec, err := jupyter.FindSpec("LECTURE11", getenv)
	if err != nil {
		t.Fatal(err)
	}
	if spec.Name != "lecture11" || spec.Dir != dir || spec.InterruptMode != "signal" || spec.Argv[0] != "x" {
		t.Errorf("%+v", spec)
	}
	_, err = jupyter.FindSpec("nonesuch", getenv)
	missing := new(jupyter.NotInstalledError)
	if !errors.As(err, &missing) || !slices.Contains(missing.Known, "other") {
		t.Errorf("missing kernel: %v", err)
	}
	for name, want := range map[string]string{
		"broken": "unexpected end", "empty": "argv is empty", "mode": `interrupt_mode "shout"`,
	} {
		if _, err := jupyter.FindSpec(name, getenv); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestTemplates: the expected values are the results of jupyter_client 8 for the same kernelspec.
func TestTemplates(t *testing.T) {
	spec := &jupyter.Spec{
		Dir:  "/res",
		Argv: []string{"{resource_dir}/gonb", "--kernel={connection_file}", "{unknown}", "{connection_file"},
		Env: map[string]string{
			"PATH": "/opt/bin:${PATH}", "A": "$HOME!", "B": "$$HOME", "C": "${NONE}/$NONE", "D": "50$",
		},
	}
	args := spec.Args("/run/kernel-1.json")
	want := []string{"/res/gonb", "--kernel=/run/kernel-1.json", "{unknown}", "{connection_file"}
	if !reflect.DeepEqual(args, want) {
		t.Errorf("args %q, want %q", args, want)
	}
	env := spec.Environ([]string{"PATH=/bin", "HOME=/h"})
	for name, want := range map[string]string{
		"PATH": "/opt/bin:/bin", "A": "/h!", "B": "$HOME", "C": "${NONE}/$NONE", "D": "50$", "HOME": "/h",
	} {
		if got, _ := jupyter.LookupEnv(env, name); got != want {
			t.Errorf("%s=%q, want %q", name, got, want)
		}
	}
}

func TestConnectionFile(t *testing.T) {
	dir := t.TempDir()
	path, info, err := jupyter.CreateConnectionFile(dir, "0b5a1d4e", "k")
	if err != nil {
		t.Fatal(err)
	}
	stat, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if stat.Mode().Perm() != 0o600 || filepath.Base(path) != "kernel-0b5a1d4e.json" {
		t.Errorf("%s has mode %v", path, stat.Mode())
	}
	got, err := jupyter.ReadConnectionFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if *got != *info {
		t.Errorf("read %+v, wrote %+v", got, info)
	}
	ports := []int{info.ShellPort, info.IOPubPort, info.StdinPort, info.ControlPort, info.HBPort}
	slices.Sort(ports)
	if len(slices.Compact(ports)) != 5 {
		t.Errorf("ports are not five: %+v", info)
	}
	if _, _, err := jupyter.CreateConnectionFile(dir, "0b5a1d4e", "k"); err == nil {
		t.Error("an existing connection file is overwritten")
	}
}

func TestReadConnectionFileRefuses(t *testing.T) {
	const rest = `"shell_port":1,"iopub_port":2,"stdin_port":3,"control_port":4,"hb_port":5`
	for content, want := range map[string]string{
		`not json`: "invalid character",
		`{"transport":"udp","ip":"127.0.0.1",` + rest + `}`:                              `transport "udp"`,
		`{"transport":"tcp","ip":"",` + rest + `}`:                                       "ip is empty",
		`{"transport":"tcp","ip":"127.0.0.1"}`:                                           "port 0",
		`{"transport":"tcp","ip":"::1","key":"k","signature_scheme":"md5",` + rest + `}`: `scheme "md5"`,
	} {
		path := filepath.Join(t.TempDir(), "c.json")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := jupyter.ReadConnectionFile(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", content, err)
		}
	}
}
