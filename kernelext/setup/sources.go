package setup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"deeplearning.example/kernelext/internal/plugin"
)

// installLimit ends go-xla's installer, which fetches up to three gigabytes for CUDA.
const installLimit = 30 * time.Minute

// goxlaPlugin runs go-xla's own installer of the CPU plugin. It gives up within seconds if the network cannot be
// reached.
func (in *Installation) goxlaPlugin(ctx context.Context) (plugin.Record, error) {
	if err := in.room(in.Plugins, 400e6); err != nil {
		return plugin.Record{}, err
	}
	return in.runInstaller(ctx, plugin.CPU)
}

// cudaPlugin uses the plugin of an installed JAX, else go-xla's installer. It does nothing without an NVIDIA device.
func (in *Installation) cudaPlugin(ctx context.Context) (plugin.Record, error) {
	if !plugin.HasNVIDIA() && !nvidiaSMI(ctx) {
		return plugin.Record{}, fmt.Errorf("no NVIDIA device here")
	}
	for _, path := range jaxPlugins(ctx) {
		record, err := in.prove(ctx, path)
		if err != nil || record.OK {
			return record, err
		}
		in.refuse(record)
	}
	if err := in.room(in.Plugins, 8e9); err != nil {
		return plugin.Record{}, errors.New(err.Error()) // not a FolderError: the CPU plugin is still possible
	}
	in.say("plugin: CUDA: go-xla's installer fetches the plugin and NVIDIA's libraries, about 3 GB")
	return in.runInstaller(ctx, plugin.CUDA)
}

// nvidiaSMI runs NVIDIA's own program, for systems whose driver shows nothing in /dev (WSL).
func nvidiaSMI(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "nvidia-smi", "-L").Output()
	return err == nil && bytes.Contains(out, []byte("GPU "))
}

// jaxPlugins asks Python for the CUDA plugins of the wheels jax-cuda13-pjrt and jax-cuda12-pjrt. They are used in
// place, because they look for NVIDIA's libraries beside themselves.
func jaxPlugins(ctx context.Context) []string {
	const ask = `
import importlib.util
for name in ("jax_plugins.xla_cuda13", "jax_plugins.xla_cuda12"):
    try:
        spec = importlib.util.find_spec(name)
    except ImportError:
        spec = None
    for place in (spec.submodule_search_locations or []) if spec else []:
        print(place)
`
	python, err := exec.LookPath("python3")
	if err != nil {
		return nil
	}
	out, err := exec.CommandContext(ctx, python, "-c", ask).Output()
	if err != nil {
		return nil
	}
	var found []string
	for _, place := range strings.Fields(string(out)) {
		path := filepath.Join(place, "xla_cuda_plugin.so")
		if _, err := os.Stat(path); err == nil {
			found = append(found, path)
		}
	}
	return found
}

// runInstaller runs one of go-xla's installers and proves what it installed. It uses a child process, because an
// installer prints without control and has no time limit.
func (in *Installation) runInstaller(ctx context.Context, platform string) (plugin.Record, error) {
	helper, err := in.helper(ctx)
	if err != nil {
		return plugin.Record{}, err
	}
	if err := in.makeDir(in.Plugins); err != nil {
		return plugin.Record{}, err
	}
	before := filesBelow(in.Plugins)
	limited, cancel := context.WithTimeout(ctx, installLimit)
	defer cancel()
	out, err := exec.CommandContext(limited, helper, platform, in.Plugins).CombinedOutput()
	if ctx.Err() != nil {
		return plugin.Record{}, ctx.Err()
	}
	if recordErr := in.recordNew(before); recordErr != nil {
		return plugin.Record{}, recordErr
	}
	if err != nil {
		return plugin.Record{}, errors.New(lastLine(string(out), err))
	}
	return in.newest(ctx, platform)
}

// filesBelow lists the files and links below a folder.
func filesBelow(dir string) map[string]bool {
	found := map[string]bool{}
	_ = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			found[path] = true
		}
		return nil
	})
	return found
}

// recordNew adds the files of an installer to the manifest.
func (in *Installation) recordNew(before map[string]bool) error {
	for path := range filesBelow(in.Plugins) {
		if before[path] {
			continue
		}
		if err := in.record(path); err != nil {
			return err
		}
		for dir := filepath.Dir(path); dir != in.Plugins; dir = filepath.Dir(dir) {
			if err := in.recordDirs([]string{dir}); err != nil {
				return err
			}
		}
	}
	return nil
}

// newest proves the installed plugins of a platform and returns the first that works.
func (in *Installation) newest(ctx context.Context, platform string) (plugin.Record, error) {
	installed, err := plugin.Installed()
	if err != nil {
		return plugin.Record{}, err
	}
	for _, path := range installed {
		if plugin.PlatformOf(path) != platform {
			continue
		}
		record, err := in.prove(ctx, path)
		if err != nil || record.OK {
			return record, err
		}
	}
	return plugin.Record{}, fmt.Errorf("what it installed does not work here")
}

// lastLine returns the last line that a program printed, without the control codes of a terminal.
func lastLine(out string, err error) string {
	last := err.Error()
	for line := range strings.FieldsFuncSeq(out, func(r rune) bool { return r == '\n' || r == '\r' }) {
		line = strings.NewReplacer("\x1b[?25l", "", "\x1b[?25h", "", "\x1b[0K", "", "\x1b[J", "").Replace(line)
		if line = strings.TrimSpace(line); line != "" {
			last = line
		}
	}
	return last
}
