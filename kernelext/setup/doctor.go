package setup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"deeplearning.example/kernelext/internal/plugin"
	"deeplearning.example/kernelext/internal/xlacache"
	"deeplearning.example/kernelext/internal/xlaoptions"
	"deeplearning.example/kernelext/jupyter"
)

// Values of a check's Status.
const (
	StatusOK      = "ok"
	StatusWarning = "warning" // the lecture works, but slower or with less comfort
	StatusMissing = "missing" // the lecture does not work
)

// Check is one row of the doctor's table.
type Check struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	Status  string `json:"status"`
	Detail  string `json:"detail,omitempty"` // its path, or what is wrong
	Fix     string `json:"fix,omitempty"`    // the command that fixes it
}

const fixSetup = "lecture setup"

// Doctor checks what the lecture needs and changes nothing. ok is false if a required part is missing.
func Doctor(ctx context.Context, opts Options) (checks []Check, ok bool, err error) {
	folders, err := ResolveFolders(opts.Prefix)
	if err != nil {
		return nil, false, err
	}
	s := &Installation{Options: opts, Folders: folders}
	checks = append(checks, checkGo(ctx, s), checkCompiler(ctx))
	for _, t := range tools() {
		checks = append(checks, s.checkTool(t))
	}
	for _, p := range programs() {
		checks = append(checks, s.checkProgram(ctx, p))
	}
	checks = append(checks, s.checkKernelspec(), checkPlugin(), checkCache(), checkOptions(), checkDevices())
	checks = append(checks, s.checkDisk(ctx), checkJupyter(ctx))
	ok = true
	for _, c := range checks {
		ok = ok && c.Status != StatusMissing
	}
	return checks, ok, nil
}

func checkGo(ctx context.Context, in *Installation) Check {
	version, err := goVersion(ctx, in.Module)
	if err != nil {
		return Check{Name: "Go", Status: StatusMissing, Detail: "not on PATH", Fix: installAdvice("go")}
	}
	path, _ := exec.LookPath("go") // it exists: goVersion has run it
	return Check{Name: "Go", Version: version, Status: StatusOK, Detail: path}
}

func checkCompiler(ctx context.Context) Check {
	path, err := cCompiler()
	if err != nil {
		return Check{Name: "C compiler", Status: StatusMissing, Detail: "none of CC, gcc, clang, cc",
			Fix: installAdvice("gcc")}
	}
	version := ""
	if out, err := exec.CommandContext(ctx, path, "--version").Output(); err == nil {
		version, _, _ = strings.Cut(string(out), "\n")
	}
	return Check{Name: "C compiler", Version: lastField(version), Status: StatusOK, Detail: path}
}

func lastField(line string) string {
	fields := strings.Fields(line)
	if len(fields) == 0 {
		return ""
	}
	return fields[len(fields)-1]
}

// checkTool compares a tool with the version that its module file requires. Without gopls there is no completion, but
// all cells run.
func (in *Installation) checkTool(t tool) Check {
	path := filepath.Join(in.Bin, t.Name)
	c := Check{Name: t.Name, Status: StatusOK, Detail: path}
	want, err := t.pinned(in.Module)
	version, _ := t.built(path)
	c.Version = version
	switch {
	case err != nil:
		c.Detail = err.Error()
	case version == "":
		c.Detail = "not built"
	case version != want:
		c.Detail = fmt.Sprintf("%s is required", want)
	default:
		return c
	}
	c.Status, c.Fix = StatusMissing, fixSetup
	if t.Name == "gopls" {
		c.Status = StatusWarning
	}
	return c
}

// checkProgram checks that one of this module's programs exists and is built from the present sources. A program built
// from older sources is only a warning.
func (in *Installation) checkProgram(ctx context.Context, p program) Check {
	path := filepath.Join(in.Bin, p.Name)
	if !p.built(path) {
		return Check{Name: p.Name, Status: StatusMissing, Detail: "not built", Fix: fixSetup}
	}
	version, err := goVersion(ctx, in.Module)
	if err != nil {
		return Check{Name: p.Name, Status: StatusWarning, Detail: path + " cannot be rebuilt: no Go", Fix: fixSetup}
	}
	state, err := in.programState(version)
	switch {
	case err != nil:
		return Check{Name: p.Name, Status: StatusWarning, Detail: err.Error(), Fix: fixSetup}
	case !in.stamped(p.Name, state):
		return Check{Name: p.Name, Status: StatusWarning, Detail: path + " is built from other sources", Fix: fixSetup}
	}
	return Check{Name: p.Name, Status: StatusOK, Detail: path}
}

// checkKernelspec checks that the kernelspec belongs to this clone and that its program exists.
func (in *Installation) checkKernelspec() Check {
	c := Check{Name: "kernelspec", Status: StatusMissing, Fix: fixSetup}
	spec, err := jupyter.ReadSpec(in.kernelFolder())
	if err != nil {
		c.Detail = "none in " + in.kernelFolder()
		return c
	}
	program, module := spec.Argv[0], argumentOf(spec.Argv, moduleFlag)
	switch _, err := os.Stat(program); {
	case err != nil:
		c.Detail = "its program is missing: " + program
	case program != filepath.Join(in.Bin, kernelProgram):
		c.Detail = "it starts another program: " + program
	case module != in.Module:
		c.Detail = "it belongs to another clone: " + module
	default:
		return Check{Name: "kernelspec", Version: spec.DisplayName, Status: StatusOK, Detail: in.kernelFolder()}
	}
	return c
}

// argumentOf returns the argument after a flag on a command line, or an empty string.
func argumentOf(argv []string, flag string) string {
	if at := slices.Index(argv, flag); at >= 0 && at+1 < len(argv) {
		return argv[at+1]
	}
	return ""
}

// checkPlugin reports which plugin is used. It loads none: it relies on the proof that set-up has made.
func checkPlugin() Check {
	c := Check{Name: "XLA plugin", Status: StatusWarning, Fix: fixSetup}
	state, err := plugin.LoadState()
	if err != nil {
		c.Detail = err.Error()
		return c
	}
	if proved := state.Proved(""); len(proved) > 0 {
		return Check{Name: "XLA plugin", Version: "PJRT " + proved[0].API, Status: StatusOK,
			Detail: "proved: " + proved[0].Path}
	}
	c.Detail = fmt.Sprintf("none: everything is computed in pure Go, about %d times slower", goSlowdown)
	installed, err := plugin.Installed()
	if err == nil && len(installed) > 0 {
		c.Detail = installed[0] + " has not been tested by set-up"
		if record, found := state.Lookup(installed[0]); found {
			c.Detail = installed[0] + " refused: " + record.Reason
		}
	}
	return c
}

// checkCache reports how many compiled programs are stored, or why none can be.
func checkCache() Check {
	c := Check{Name: "XLA cache", Status: StatusWarning}
	dir, err := xlacache.Folder()
	switch {
	case err != nil:
		c.Detail, c.Fix = err.Error(), "unset "+xlacache.Variable
		return c
	case dir == "":
		c.Status, c.Detail = StatusOK, "turned off by "+xlacache.Variable
		return c
	}
	state, err := plugin.LoadState()
	proved := state.Proved("")
	if err != nil || len(proved) == 0 {
		c.Status, c.Detail = StatusOK, "not used without a plugin"
		return c
	}
	if proved[0].Cache != plugin.Works {
		c.Detail = "not used: " + cmp.Or(proved[0].Cache, "the plugin was not tested with it")
		c.Fix = fixSetup
		return c
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		c.Status, c.Version, c.Detail = StatusOK, "empty", dir
		return c
	}
	cache, err := xlacache.Open(dir)
	if err != nil {
		c.Detail, c.Fix = err.Error(), "remove it, or choose another folder with "+xlacache.Variable
		return c
	}
	entries, bytes := cache.Usage()
	c.Version = fmt.Sprintf("%d programs, %.1f MB", entries, float64(bytes)/1e6)
	c.Status, c.Detail = StatusOK, cache.Dir()
	if !cache.Writable() {
		c.Detail += " (read only)"
	}
	return c
}

// checkOptions reports whether small programs on the CPU are compiled with other options than XLA's own.
func checkOptions() Check {
	c := Check{Name: "XLA options", Status: StatusOK}
	state, err := plugin.LoadState()
	proved := state.Proved(plugin.CPU)
	switch {
	case err != nil || len(proved) == 0:
		c.Detail = "XLA's own, without a plugin for the CPU"
	case !xlaoptions.Enabled():
		c.Detail = "XLA's own, as " + xlaoptions.Variable + " or XLA_FLAGS says"
	case proved[0].Options != plugin.Works:
		c.Status, c.Fix = StatusWarning, fixSetup
		c.Detail = "small programs are slower than they could be: " + cmp.Or(proved[0].Options, "the plugin was not tested with other options")
	default:
		c.Detail = "small programs are compiled without YNNPACK"
	}
	return c
}

func checkDevices() Check {
	cores := fmt.Sprintf("%d CPU cores", runtime.NumCPU())
	if !plugin.HasNVIDIA() {
		return Check{Name: "devices", Version: cores, Status: StatusOK, Detail: "no NVIDIA device"}
	}
	state, err := plugin.LoadState()
	if proved := state.Proved(plugin.CUDA); err == nil && len(proved) > 0 {
		return Check{Name: "devices", Version: cores, Status: StatusOK, Detail: strings.Join(proved[0].Devices, ", ")}
	}
	return Check{Name: "devices", Version: cores, Status: StatusWarning,
		Detail: "an NVIDIA device without a CUDA plugin", Fix: fixSetup}
}

// leastFree is the free space, in bytes, below which set-up or a cell may fail. The plugin takes 200 MB, a cell's build
// folder some 10 MB.
const leastFree = 1e9

// checkDisk checks the free space where set-up and cells write: the home folder, Go's build cache and the temporary
// folder.
func (in *Installation) checkDisk(ctx context.Context) Check {
	places := []string{in.Data, os.TempDir()}
	if out, err := exec.CommandContext(ctx, "go", "env", "GOCACHE").Output(); err == nil {
		places = append(places, strings.TrimSpace(string(out)))
	}
	c := Check{Name: "disk", Status: StatusOK}
	least := int64(-1)
	for _, place := range places {
		free, err := freeBytes(existing(place))
		if err == nil && (least < 0 || free < least) {
			least = free
			c.Version, c.Detail = fmt.Sprintf("%.1f GB free", float64(free)/1e9), place
		}
	}
	if least >= 0 && least < leastFree {
		c.Status, c.Fix = StatusWarning, "free some space there (go clean -cache frees Go's build cache)"
	}
	return c
}

func checkJupyter(ctx context.Context) Check {
	path := FindLab()
	if path == "" {
		return Check{Name: "Jupyter", Status: StatusWarning, Detail: "no jupyter-lab; lecture run does not need it",
			Fix: "lecture lab"}
	}
	version := ""
	if out, err := exec.CommandContext(ctx, path, "--version").Output(); err == nil {
		version = "JupyterLab " + strings.TrimSpace(string(out))
	}
	return Check{Name: "Jupyter", Version: version, Status: StatusOK, Detail: path}
}
