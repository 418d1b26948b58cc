package build

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// assembly is one fast build in progress.
type assembly struct {
	*settings
	cell   *cell
	set    *packageSet
	work   string // folder of intermediate files
	names  programNames
	result Result
}

// buildFast builds with the tools alone. An error is a reason to use the go command instead; the result then has the
// time lost.
func (b *Builder) buildFast(ctx context.Context, j Job) (Result, error) {
	start := time.Now()
	a, err := b.assemble(ctx, j)
	if err != nil {
		return Result{Load: time.Since(start)}, err
	}
	defer os.RemoveAll(a.work)
	a.result = Result{Load: time.Since(start), Fast: true}
	err = b.produce(ctx, a, j.Out)
	if err != nil {
		return Result{Load: time.Since(start)}, err
	}
	return a.result, nil
}

// assemble collects everything that the tools need.
func (b *Builder) assemble(ctx context.Context, j Job) (*assembly, error) {
	if j.Args[0] != "build" {
		return nil, fmt.Errorf("go %s", strings.Join(j.Args, " "))
	}
	a := &assembly{names: b.names}
	var err error
	if a.cell, err = readCell(j.Dir); err != nil {
		return nil, err
	}
	if a.settings, err = readSettings(b.opts.Go, j.Dir, j.Env, j.Args[1:]); err != nil {
		return nil, err
	}
	if a.set, err = b.packages(ctx, a.settings, a.cell.imports); err != nil {
		return nil, err
	}
	a.work, err = os.MkdirTemp(b.opts.Scratch, "work-")
	return a, err
}

// produce compiles and links, or takes the program of an equal cell.
func (b *Builder) produce(ctx context.Context, a *assembly, out string) error {
	linked, err := a.set.closure(a.cell.imports)
	if err != nil {
		return err
	}
	object := filepath.Join(a.work, "_pkg_.a")
	config := a.set.linkConfig(a.names.module, object, linked)
	key := a.programKey(strings.ReplaceAll(config, a.work, workDir))
	if b.programs.take(key, out) {
		a.result.Cached = true
		return nil
	}
	if ok, err := a.compile(ctx, key); !ok || err != nil {
		return err
	}
	program, err := a.link(ctx, key, config, object)
	if err != nil {
		return err
	}
	if err := b.programs.keep(key, program); err != nil {
		b.opts.Log("build: the program is not stored: " + err.Error())
	}
	return move(program, out)
}

// move renames a file, or copies it to another file system.
func move(from, to string) error {
	if os.Rename(from, to) == nil {
		return nil
	}
	return copyFile(from, to)
}

// CellFolder is the folder of a cell's program in stack traces. GoNB's own folder has another name in each kernel, and a cell
// is to have the same program after a restart.
const CellFolder = "/" + cellModule

// cellModule is the module of a cell's program in its build information.
const cellModule = "gonb_cell"

// programNames are the names that a cell's program contains.
type programNames struct {
	folder string // in its stack traces
	module string // in its build information
}

// programKey returns a hash of everything that determines the program.
func (a *assembly) programKey(linkConfig string) string {
	hash := sha256.New()
	plan := a.set.Plan
	fmt.Fprintf(hash, "%q %q %q %q %q\n%s\n", a.names.folder, a.set.ToolEnv, determining(plan.Compile), determining(plan.Link),
		plan.LinkEnv, linkConfig)
	hash.Write(a.cell.text)
	return hex.EncodeToString(hash.Sum(nil))
}

// determining returns the arguments of a tool without two that do not change the program. The build id is that of the
// program that was listed, which is another one each time. The number of threads is that of the kernel's cores.
func determining(args []string) []string {
	var all []string
	for i, arg := range args {
		if i > 0 && args[i-1] == "-buildid" || strings.HasPrefix(arg, "-buildid=") || strings.HasPrefix(arg, "-c=") {
			continue
		}
		all = append(all, arg)
	}
	return all
}

// compile runs the compiler. Errors in the cell's text are a result, in the go command's form.
func (a *assembly) compile(ctx context.Context, key string) (ok bool, err error) {
	start := time.Now()
	config := filepath.Join(a.work, "importcfg")
	if err := os.WriteFile(config, []byte(a.set.compileConfig(a.cell.imports)), 0o600); err != nil {
		return false, err
	}
	args := append(a.arguments(a.set.Plan.Compile, key), "./"+cellFile)
	code, output, err := run(ctx, command{Path: args[0], Args: args[1:], Dir: a.dir, Env: a.toolEnv()})
	a.result.Compile = time.Since(start)
	if err != nil {
		return false, err
	}
	if code == 0 && output == "" {
		return true, nil
	}
	if code == 0 || !isDiagnosis(output) {
		return false, fmt.Errorf("the compiler says: %s", firstLine(output))
	}
	a.result.Code, a.result.Output = 1, "# "+a.path+"\n"+output
	return false, nil
}

// toolEnv returns the environment of the tools.
func (a *assembly) toolEnv() []string { return slices.Concat(a.env, a.set.ToolEnv) }

// link runs the linker and returns the path of the program.
func (a *assembly) link(ctx context.Context, key, config, object string) (string, error) {
	start := time.Now()
	if err := os.WriteFile(filepath.Join(a.work, "importcfg.link"), []byte(config), 0o600); err != nil {
		return "", err
	}
	if err := os.Mkdir(filepath.Join(a.work, "exe"), 0o700); err != nil {
		return "", err
	}
	args := a.arguments(a.set.Plan.Link, key)
	env := append(a.toolEnv(), a.set.Plan.LinkEnv...)
	code, output, err := run(ctx, command{Path: args[0], Args: args[1:], Dir: a.dir, Env: env})
	a.result.Link = time.Since(start)
	if err != nil {
		return "", err
	}
	if code != 0 || output != "" {
		return "", fmt.Errorf("the linker says: %s", firstLine(output))
	}
	program := filepath.Join(a.work, "exe", "a.out")
	if _, err := os.Stat(program); err != nil {
		return "", errors.New("the linker made no program")
	}
	return program, nil
}

// arguments returns the arguments of a tool for this cell: its folder, and a build id that no other program has.
func (a *assembly) arguments(plan []string, key string) []string {
	raw, _ := hex.DecodeString(key)
	id := base64.RawURLEncoding.EncodeToString(raw[:15])
	args := make([]string, len(plan))
	for i, arg := range plan {
		switch {
		case i > 0 && plan[i-1] == "-buildid":
			arg = id + "/" + id
		case strings.HasPrefix(arg, "-buildid="):
			arg = "-buildid=" + strings.Join([]string{id, id, id, id}, "/")
		}
		if i > 0 && plan[i-1] == "-trimpath" {
			arg += ";" + a.dir + "=>" + a.names.folder
		}
		args[i] = strings.ReplaceAll(arg, workDir, a.work)
	}
	return args
}

// diagnosis matches the compiler's messages about the text of a cell.
var diagnosis = regexp.MustCompile(`^(\./main\.go:\d+:\d+: |\t|too many errors$)`)

// isDiagnosis reports whether the output is only about the text of the cell.
func isDiagnosis(output string) bool {
	for line := range strings.Lines(output) {
		if !diagnosis.MatchString(strings.TrimRight(line, "\n")) {
			return false
		}
	}
	return output != ""
}
