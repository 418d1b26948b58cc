package testx

import (
	"context"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/gomlx/compute"

	"deeplearning.example/kernelext/device"
	"deeplearning.example/kernelext/setup"
)

// pluginLimit limits the wait for the plugin. On a new machine it is downloaded, by one of the test processes; the
// others wait for it.
const pluginLimit = 9 * time.Minute

// Backend returns the backend on which the tests of this process compute: the one that GOMLX_BACKEND or LECTURE_DEVICE
// names, else XLA, with the plugin installed by set-up's code if it is missing, else GoMLX's pure-Go backend. It is
// created once.
func Backend(t testing.TB) compute.Backend {
	t.Helper()
	backend, err := sharedBackend()
	if err != nil {
		t.Fatal(err)
	}
	return backend
}

// sharedBackend lives as long as the process: XLA's plugin cannot be loaded twice.
var sharedBackend = sync.OnceValues(func() (compute.Backend, error) {
	if os.Getenv(compute.ConfigEnvVar) == "" {
		if err := ensurePlugin(); err != nil {
			return nil, err
		}
	}
	return device.Backend()
})

func ensurePlugin() error {
	ctx, cancel := context.WithTimeout(context.Background(), pluginLimit)
	defer cancel()
	module, err := setup.ModuleRoot(".")
	if err != nil {
		return err
	}
	return setup.EnsurePlugin(ctx, setup.Options{
		Module: module,
		Out:    os.Stderr,
		Plugin: os.Getenv(setup.EnvPlugin),
	})
}
