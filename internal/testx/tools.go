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

// pluginLimit is how long a test waits for the plugin. On a new machine it is downloaded, by one of the test
// processes; the others wait for it.
const pluginLimit = 9 * time.Minute

// Backend returns the backend that the tests of this process compute on: what GOMLX_BACKEND or LECTURE_DEVICE says,
// else XLA, with the plugin got by set-up's code where it is missing, else GoMLX's pure-Go backend. It is made once.
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
