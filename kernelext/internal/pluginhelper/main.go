// Command pluginhelper does the work of set-up that must not run in set-up's own process.
//
//	pluginhelper prove FILE       load a plugin and run 1+1 on it; a damaged plugin kills only this process
//	pluginhelper cache FILE       the same through the cache of compiled programs: once compiled, once from the cache
//	pluginhelper options FILE     the same with options of XLA for this program
//	pluginhelper cpu DIR          go-xla's own installer of the CPU plugin
//	pluginhelper cuda DIR         go-xla's own installer of the CUDA plugin and its libraries
//	pluginhelper works            does nothing: that it starts shows that it was linked well
//
// The command prove writes JSON lines, each a part of the answer, so that results before a crash are not lost.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/go-xla/compute/xla"
	"github.com/gomlx/go-xla/installer"
	"github.com/gomlx/go-xla/pjrt"

	"deeplearning.example/kernelext/internal/trial"
	"deeplearning.example/kernelext/internal/xlacache"
	"deeplearning.example/kernelext/internal/xlacache/hook"
	"deeplearning.example/kernelext/internal/xlaoptions"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 1 && args[0] == "works" {
		return nil
	}
	if len(args) != 2 {
		return fmt.Errorf("usage: pluginhelper prove FILE | cache FILE | options FILE | cpu DIR | cuda DIR")
	}
	switch args[0] {
	case "prove":
		return prove(args[1])
	case "cache":
		return proveCache(args[1])
	case "options":
		return proveOptions(args[1])
	case "cpu":
		return installCPU(args[1])
	case "cuda":
		limitConnecting()
		return installer.CudaInstall("cuda13", "latest", args[1], false, installer.Quiet)
	}
	return fmt.Errorf("pluginhelper: unknown command %q", args[0])
}

// prove reports the API version, which needs only one call into the plugin, then its devices, then the sum.
func prove(path string) error {
	major, minor, err := hook.APIVersion(path)
	if err != nil {
		return err
	}
	if err := tell("api", fmt.Sprintf("%d.%d", major, minor)); err != nil {
		return err
	}
	if major != hook.APIMajor || minor < hook.APIMinor {
		return fmt.Errorf("it has PJRT API %d.%d, go-xla needs %d.%d or a later one of the same major version",
			major, minor, hook.APIMajor, hook.APIMinor)
	}
	xla.EnableAutoInstall(false)
	backend, err := xla.New(path)
	if err != nil {
		return err
	}
	defer backend.Finalize()
	if err := tell("platform", platform(path)); err != nil {
		return err
	}
	for i := range backend.NumDevices() {
		if err := tell("device", backend.DeviceDescription(compute.DeviceNum(i))); err != nil {
			return err
		}
	}
	sum, err := trial.Double(backend, 1, 1)
	if err != nil {
		return err
	}
	if sum != 2 {
		return fmt.Errorf("it says that 1 + 1 = %g", sum)
	}
	return tell("sum", "2")
}

// proveCache computes 1+1 with a program that the plugin compiles, and with the same program from a cache.
func proveCache(path string) error {
	dir, err := os.MkdirTemp("", "xlacache-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	cache, err := xlacache.Open(dir)
	if err != nil {
		return err
	}
	var events []hook.Event
	err = doubleThrough(hook.Plugin{Path: path, Cache: cache, Notify: func(e hook.Event) { events = append(events, e) }}, 2)
	if err != nil {
		return fmt.Errorf("through the cache: %w", err)
	}
	if len(events) != 2 || events[0].Hit || !events[1].Hit {
		return errors.New("it cannot store its compiled programs")
	}
	return tell("cache", "ok")
}

// proveOptions computes 1+1 with a program that has its own options. XLA refuses a flag that it does not know.
func proveOptions(path string) error {
	changed := false
	err := doubleThrough(hook.Plugin{
		Path: path, Options: func([]byte) xlaoptions.Options { return xlaoptions.WithoutYNNPACK },
		Notify: func(e hook.Event) { changed = e.Options },
	}, 1)
	switch {
	case err != nil:
		return fmt.Errorf("with options of a program: %w", err)
	case !changed:
		return errors.New("a program cannot have its own options")
	}
	return tell("options", "ok")
}

// doubleThrough computes 1+1 some times with programs that the plugin compiles through the hook.
func doubleThrough(p hook.Plugin, times int) error {
	if err := hook.Wrap(p); err != nil {
		return err
	}
	xla.EnableAutoInstall(false)
	backend, err := xla.New(p.Path)
	if err != nil {
		return err
	}
	defer backend.Finalize()
	for range times {
		if sum, err := trial.Double(backend, 1, 1); err != nil || sum != 2 {
			return fmt.Errorf("it says that 1 + 1 = %g (%v)", sum, err)
		}
	}
	return nil
}

func tell(key, value string) error {
	return json.NewEncoder(os.Stdout).Encode(map[string]string{key: value})
}

func platform(path string) string {
	if pjrt.IsCUDAName(path) {
		return "cuda"
	}
	return "cpu"
}

// installCPU runs go-xla's installer for the version that go-xla was tested with.
func installCPU(dir string) error {
	limitConnecting()
	platform := runtime.GOOS + "_" + runtime.GOARCH
	return installer.CPUInstall(platform, pjrt.DefaultCPUVersion, dir, false, installer.Quiet)
}

// limitConnecting limits the time of connecting, so that an unreachable network is detected within seconds. The
// installer uses the default transport and sets no limit itself. The download has no limit.
func limitConnecting() {
	http.DefaultTransport = &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		TLSHandshakeTimeout:   5 * time.Second,
		ResponseHeaderTimeout: 10 * time.Second,
	}
}
