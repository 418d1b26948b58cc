package frontends

import (
	"context"
	_ "embed"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"deeplearning.example/internal/peers/venv"
	"deeplearning.example/kernelext/setup"
)

// EnvEnable runs the tests with front ends, as the flag -frontends does.
const EnvEnable = "LECTURE_FRONTENDS"

// Patience limits the time of one front end.
const Patience = 8 * time.Minute

// waitDelay is the time for which output of a program's children is still read after its end.
const waitDelay = 5 * time.Second

// requirements pins the Python packages.
//
//go:embed requirements.txt
var requirements string

var enabled = flag.Bool("frontends", os.Getenv(EnvEnable) != "", "run the tests with Jupyter's own front ends")

// Need skips a test that was not requested.
func Need(t testing.TB) {
	t.Helper()
	if !*enabled {
		t.Skipf("a test with Jupyter's own front ends: run it with -frontends or %s=1", EnvEnable)
	}
}

// Installation is a Python environment and a registered kernel.
type Installation struct {
	// Bin has the programs of the kernel, lecture among them.
	Bin string
	// Env is the environment in which the front ends find the programs and only this kernel.
	Env []string

	venv string
}

// Install prepares the Python environment, once for each list of requirements, and sets the kernel up from the working
// tree in separate folders: the user's set-up stays as it is.
func Install(t testing.TB) *Installation {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	cache = filepath.Join(cache, "lecture11-frontends")
	i := &Installation{}
	if i.venv, err = venv.Make(t.Context(), cache, requirements); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_DATA_HOME", filepath.Join(cache, "data"))
	folders, err := setUp(t.Context(), filepath.Join(cache, "prefix"))
	if err != nil {
		t.Fatal(err)
	}
	i.Bin, i.Env = folders.Bin, i.environment(t, folders.Jupyter)
	return i
}

// setUp puts the kernelspec into PREFIX/share/jupyter and the rest into the usual folders.
func setUp(ctx context.Context, prefix string) (setup.Folders, error) {
	module, err := setup.ModuleRoot(".")
	if err != nil {
		return setup.Folders{}, err
	}
	opts := setup.Options{Module: module, Out: os.Stderr, Quiet: true, Plugin: os.Getenv(setup.EnvPlugin), Prefix: prefix}
	if err := setup.Run(ctx, opts, setup.Steps()); err != nil {
		return setup.Folders{}, err
	}
	return setup.ResolveFolders(prefix)
}

// environment keeps the files of a front end in folders of the test.
func (i *Installation) environment(t testing.TB, jupyter string) []string {
	path := filepath.Join(i.venv, "bin") + string(os.PathListSeparator) + os.Getenv("PATH")
	return append(os.Environ(),
		"PATH="+path, "JUPYTER_PATH="+jupyter, "JUPYTER_DATA_DIR="+t.TempDir(),
		"JUPYTER_CONFIG_DIR="+t.TempDir(), "JUPYTER_RUNTIME_DIR="+t.TempDir(), "IPYTHONDIR="+t.TempDir(),
		"PYTHONWARNINGS=ignore", "PYDEVD_DISABLE_FILE_VALIDATION=1",
	)
}

// Command returns a program of the Python environment, to be run in dir.
func (i *Installation) Command(ctx context.Context, dir, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, venv.Program(i.venv, name), args...)
	cmd.Dir, cmd.Env = dir, i.Env
	cmd.WaitDelay = waitDelay
	return cmd
}
