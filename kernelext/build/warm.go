package build

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/mod/modfile"

	"deeplearning.example/kernelext/internal/ownfolder"
)

// CellImports are the packages that cells of the lecture import: the lecture's packages, the packages of GoMLX and
// gonum used with them, and those of the standard library that a cell is likely to use.
var CellImports = []string{
	"deeplearning.example/kernelext",
	"deeplearning.example/kernelext/device",
	"deeplearning.example/lecture11",
	"deeplearning.example/lecture11/data",
	"github.com/gomlx/compute",
	"github.com/gomlx/compute/dtypes",
	"github.com/gomlx/compute/shapes",
	"github.com/gomlx/gomlx/core/graph",
	"github.com/gomlx/gomlx/core/tensors",
	"github.com/gomlx/gomlx/ml/model",
	"github.com/janpfeifer/gonb/gonbui",
	"github.com/janpfeifer/must",
	"gonum.org/v1/gonum/mat",
	"gonum.org/v1/gonum/stat",
	"gonum.org/v1/gonum/stat/distmv",
	"gonum.org/v1/gonum/stat/distuv",
	"gonum.org/v1/plot",
	"gonum.org/v1/plot/plotter",
	"bufio", "bytes", "cmp", "context", "encoding/csv", "encoding/json", "errors", "flag", "fmt", "image", "image/color",
	"image/png", "io", "log", "maps", "math", "math/rand", "math/rand/v2", "os", "os/exec", "os/signal", "path/filepath",
	"reflect", "runtime", "runtime/debug", "slices", "sort", "strconv", "strings", "sync", "sync/atomic", "syscall",
	"testing", "text/tabwriter", "time", "unicode", "unicode/utf8",
}

// UserCache returns the folder of the package sets that set-up prepares and all kernels of a user share: Options.Cache.
func UserCache() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("build: no folder for package sets: %w", err)
	}
	return filepath.Join(dir, "lecture11", "build"), nil
}

// ProgramsVariable is the environment variable with the folder of linked programs (an absolute path), or "off": each kernel
// then keeps its own programs until it ends.
const ProgramsVariable = "LECTURE_PROGRAMS"

// UserPrograms returns the folder of linked programs that all kernels of a user share: Options.Programs. It is empty if
// LECTURE_PROGRAMS is "off".
func UserPrograms() (string, error) {
	dir, err := ownfolder.Choose(ProgramsVariable, "programs")
	if err != nil {
		return "", fmt.Errorf("build: %w", err)
	}
	return dir, nil
}

// Warm compiles the imports and all their dependencies, and leaves the package set for the first cell of each kernel in
// Options.Cache. module is the folder that GoNB's -go_work names, imports is mostly CellImports, and env is the
// environment of the kernel with the kernelspec's variables: a set is found only under the same settings of Go. An
// error names the first import that the go command refuses. If a valid set exists, Warm takes milliseconds.
func (b *Builder) Warm(ctx context.Context, module string, imports, env []string) error {
	dir, err := os.MkdirTemp(b.opts.Scratch, "warm-")
	if err != nil {
		return fmt.Errorf("build: %w", err)
	}
	defer os.RemoveAll(dir)
	if err := b.gonbModule(ctx, dir, module, env); err != nil {
		return err
	}
	s, err := readSettings(b.opts.Go, dir, env, nil)
	if err != nil {
		return fmt.Errorf("build: no package set for cells: %w", err)
	}
	// Sources that were written just now, as by a fresh clone, cannot be the basis of a set yet. Wait until their times
	// are old enough.
	for range 3 {
		if _, err = b.packages(ctx, s, imports); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(2 * settleTime):
		}
	}
	return fmt.Errorf("build: no package set for cells: %w", err)
}

// gonbModule creates the module that GoNB creates when it is started with -go_work=module.
func (b *Builder) gonbModule(ctx context.Context, dir, module string, env []string) error {
	for _, args := range [][]string{
		{"mod", "init", "gonb_warm"}, {"work", "init"}, {"work", "use", module, "."},
	} {
		code, output, err := run(ctx, command{Path: b.opts.Go, Args: args, Dir: dir, Env: env})
		if err != nil {
			return err
		}
		if code != 0 {
			return fmt.Errorf("build: go %v: %s", args, firstLine(output))
		}
	}
	raw, err := os.ReadFile(filepath.Join(module, "go.mod"))
	if err != nil {
		return fmt.Errorf("build: %w", err)
	}
	return addReplace(filepath.Join(dir, "go.mod"), modfile.ModulePath(raw), module)
}

// addReplace replaces a module by a folder in a go.mod, as GoNB's %goworkfix does.
func addReplace(path, modulePath, folder string) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("build: %w", err)
	}
	file, err := modfile.Parse(path, raw, nil)
	if err != nil {
		return fmt.Errorf("build: %w", err)
	}
	if err := file.AddReplace(modulePath, "", folder, ""); err != nil {
		return fmt.Errorf("build: %w", err)
	}
	raw, err = file.Format()
	if err != nil {
		return fmt.Errorf("build: %w", err)
	}
	return os.WriteFile(path, raw, 0o600)
}
