// Package device chooses the device on which a cell computes: CUDA, XLA on the CPU or GoMLX's pure-Go backend.
//
// It loads only a plugin that set-up proved (`lecture setup`), by its path, so that a cell neither searches folders,
// nor downloads anything, nor loads a damaged file. It reports to the supervised kernel (`lecture kernel`) how long the
// plugin took to load and XLA to compile.
package device

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/go-xla/compute/xla"
	"github.com/gomlx/go-xla/pjrt"

	"deeplearning.example/kernelext/internal/plugin"
	"deeplearning.example/kernelext/internal/supervisor"
)

// envDevice names the requested device: cuda, cuda:N, cpu or go.
const envDevice = "LECTURE_DEVICE"

// Backend returns a new backend: GoMLX's own choice if GOMLX_BACKEND is set, else the device that LECTURE_DEVICE names,
// else the best available one. Without a proved plugin it is the pure-Go one, with one line on the standard error. The
// caller finalises it, or leaves that to the end of the process.
func Backend() (compute.Backend, error) {
	return Open(os.Getenv(envDevice), os.Stderr)
}

// Open is Backend with the requested device as an argument (empty: the best) and a writer for the warning.
// GOMLX_BACKEND takes precedence.
func Open(want string, warn io.Writer) (compute.Backend, error) {
	begin := time.Now()
	backend, err := open(want, warn)
	x, isXLA := backend.(*xla.Backend)
	if err != nil || !isXLA || !supervisor.Present() {
		return backend, err
	}
	return newTimed(x, time.Since(begin), supervisor.Tell), nil
}

func open(want string, warn io.Writer) (compute.Backend, error) {
	disableAutoInstall()
	if config, set := os.LookupEnv(compute.ConfigEnvVar); set {
		return fromConfig(config)
	}
	kind, ordinal, err := parse(want)
	if err != nil {
		return nil, err
	}
	state, err := plugin.LoadState()
	if err != nil {
		return nil, fmt.Errorf("device: %w", err)
	}
	switch kind {
	case "go":
		return gobackend.New("")
	case plugin.CUDA, plugin.CPU:
		return openXLA(state, kind, ordinal, warn)
	}
	return best(state, warn)
}

// disableAutoInstall keeps go-xla from downloading a plugin whenever a backend is made.
var disableAutoInstall = sync.OnceFunc(func() { xla.EnableAutoInstall(false) })

// fromConfig creates a backend by GoMLX's own rules, which panic if the name is unknown.
func fromConfig(config string) (backend compute.Backend, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("device: %s=%q: %v", compute.ConfigEnvVar, config, r)
		}
	}()
	backend, err = compute.NewWithConfig(config)
	if err != nil {
		err = fmt.Errorf("device: %s=%q: %w", compute.ConfigEnvVar, config, err)
	}
	return backend, err
}

// parse splits the name of a device into its kind and its number; -1 means all.
func parse(want string) (kind string, ordinal int, err error) {
	kind, number, numbered := strings.Cut(want, ":")
	ordinal = -1
	if numbered {
		ordinal, err = strconv.Atoi(number)
	}
	switch {
	case err != nil, numbered && (kind != plugin.CUDA || ordinal < 0):
	case kind == "", kind == plugin.CUDA, kind == plugin.CPU, kind == "go":
		return kind, ordinal, nil
	}
	return "", 0, fmt.Errorf("device: %s=%q, want cuda, cuda:N, cpu or go (here: %s)",
		envDevice, want, strings.Join(known(), ", "))
}

// known lists the devices of this machine by their names in LECTURE_DEVICE.
func known() []string {
	var names []string
	if state, err := plugin.LoadState(); err == nil {
		if proved := state.Proved(plugin.CUDA); len(proved) > 0 {
			for i := range proved[0].Devices {
				names = append(names, fmt.Sprintf("cuda:%d", i))
			}
		}
		if len(state.Proved(plugin.CPU)) > 0 {
			names = append(names, plugin.CPU)
		}
	}
	return append(names, "go")
}

// clientOptions returns options for XLA's plugins. Without an option the plugin for the CPU assumes 4 devices, and
// starts a thread for each. On fewer cores these threads slow each other down.
var clientOptions = map[string]pjrt.NamedValuesMap{plugin.CPU: {"cpu_device_count": int64(1)}}

// opening lets one goroutine at a time search for plugins, because go-xla registers them without a lock.
var opening sync.Mutex

// openXLA creates a backend of a platform with the first proved plugin.
func openXLA(state plugin.State, platform string, ordinal int, warn io.Writer) (compute.Backend, error) {
	opening.Lock()
	defer opening.Unlock()
	proved := state.Proved(platform)
	if len(proved) == 0 {
		return nil, fmt.Errorf("device: no proved plugin for %q, want one of %s; `lecture setup` installs and tests plugins",
			platform, strings.Join(known(), ", "))
	}
	config := proved[0].Path
	if ordinal >= 0 {
		if ordinal >= len(proved[0].Devices) {
			return nil, fmt.Errorf("device: no cuda:%d, want one of %s", ordinal, strings.Join(known(), ", "))
		}
		config += ",visible_devices=" + strconv.Itoa(ordinal)
	}
	wrap(proved[0], warn)
	backend, err := xla.NewWithOptions(config, clientOptions[platform])
	if err != nil {
		return nil, fmt.Errorf("device: %s: %w", platform, err)
	}
	return backend, nil
}

// best tries CUDA if its device is present, then the CPU, then pure Go.
func best(state plugin.State, warn io.Writer) (compute.Backend, error) {
	var failures error
	if plugin.HasNVIDIA() && len(state.Proved(plugin.CUDA)) > 0 {
		backend, err := openXLA(state, plugin.CUDA, -1, warn)
		if err == nil {
			return backend, nil
		}
		failures = err
	}
	backend, err := openXLA(state, plugin.CPU, -1, warn)
	if err == nil {
		if failures != nil {
			fmt.Fprintf(warn, "%s; computing on the CPU\n", firstLine(failures))
		}
		return backend, nil
	}
	fmt.Fprintf(warn, "%s; computing in pure Go, about 14 times slower\n", firstLine(errors.Join(failures, err)))
	return gobackend.New("")
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// Describe describes a backend's device in a few words: "XLA on the CPU (2 cores), PJRT 0.115".
func Describe(backend compute.Backend) string {
	if t, isTimed := backend.(*timed); isTimed {
		backend = t.Backend
	}
	x, isXLA := backend.(*xla.Backend)
	switch {
	case !isXLA:
		return fmt.Sprintf("GoMLX's pure-Go backend (%d cores)", runtime.NumCPU())
	case x.IsCUDA():
		return fmt.Sprintf("XLA on CUDA (%d devices)%s", x.NumDevices(), api(x))
	case x.IsCPU():
		return fmt.Sprintf("XLA on the CPU (%d cores)%s", runtime.NumCPU(), api(x))
	}
	return fmt.Sprintf("XLA on %s%s", x.PluginName(), api(x))
}

// api returns the PJRT version of a backend's plugin, from its proof.
func api(x *xla.Backend) string {
	state, err := plugin.LoadState()
	if err != nil {
		return ""
	}
	path, _, _ := strings.Cut(x.PluginName(), ",")
	if record, found := state.Lookup(path); found {
		return ", PJRT " + record.API
	}
	return ""
}
