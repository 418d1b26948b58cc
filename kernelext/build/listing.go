package build

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// listed is the part of the output of `go list -json` about a package that is used here.
type listed struct {
	ImportPath, Name, Export, Dir string
	Imports, EmbedPatterns        []string
	ImportMap                     map[string]string
	Module                        *struct {
		Path, Dir, GoMod string
		Main             bool
		Replace          *struct{ Dir string }
	}
}

const listedFields = "ImportPath,Name,Export,Dir,Imports,EmbedPatterns,ImportMap,Module"

// list creates the package set of some imports. It runs the go command in a module like that of the settings, with a
// program that only imports them. Packages that are not compiled yet are compiled.
func (b *Builder) list(ctx context.Context, s *settings, imports []string) (*packageSet, error) {
	probe, err := b.makeProbe(s, imports)
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(probe)
	// The probe is a different program from the compiled one, because the go command would otherwise not print how it
	// compiles.
	planProbe, err := b.makeProbe(s, imports)
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(planProbe)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	start := time.Now()
	type planned struct {
		plan *plan
		err  error
	}
	plans := make(chan planned, 1)
	go func() {
		p, err := b.askPlan(ctx, s, planProbe)
		plans <- planned{p, err}
	}()
	set, err := b.askPackages(ctx, s, probe, imports, start)
	if err != nil {
		cancel()
	}
	answer := <-plans
	if err == nil {
		err = answer.err
	}
	if err != nil {
		return nil, err
	}
	set.Plan = answer.plan
	if err := set.checkPlan(); err != nil {
		return nil, &unfitError{err}
	}
	return set, nil
}

// unfitError reports that the tools alone cannot be used with these settings, for any imports.
type unfitError struct{ error }

func (e *unfitError) Unwrap() error { return e.error }

// makeProbe creates a module with the go.mod and go.work of the settings and a program with the imports.
func (b *Builder) makeProbe(s *settings, imports []string) (string, error) {
	probe, err := os.MkdirTemp(b.opts.Scratch, "probe-")
	if err != nil {
		return "", err
	}
	for _, name := range []string{"go.mod", "go.work", "go.sum", "go.work.sum"} {
		raw, err := os.ReadFile(filepath.Join(s.dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(probe, name), raw, 0o600)
		}
		if err != nil {
			os.RemoveAll(probe)
			return "", err
		}
	}
	var text strings.Builder
	text.WriteString("package main\n\n")
	for _, path := range imports {
		fmt.Fprintf(&text, "import _ %q\n", path)
	}
	// The text is unique, so the build cache does not contain it.
	fmt.Fprintf(&text, "\nfunc main() { println(%d) }\n", time.Now().UnixNano())
	return probe, os.WriteFile(filepath.Join(probe, "main.go"), []byte(text.String()), 0o600)
}

// askPlan finds how the go command would build the program of the probe.
func (b *Builder) askPlan(ctx context.Context, s *settings, probe string) (*plan, error) {
	args := append([]string{"build", "-n", "-o", "probe.out"}, s.flags...)
	code, output, err := run(ctx, command{Path: b.opts.Go, Args: args, Dir: probe, Env: s.env})
	if err != nil {
		return nil, err
	}
	if code != 0 {
		return nil, fmt.Errorf("go build -n: %s", firstLine(output))
	}
	p, err := parsePlan(output, s.path)
	if err != nil {
		return nil, &unfitError{err}
	}
	for _, arg := range slices.Concat(p.Compile, p.Link) {
		if strings.Contains(arg, probe) {
			return nil, &unfitError{fmt.Errorf("a tool gets %s", arg)}
		}
	}
	return p, nil
}

// askPackages lists the imports and all their dependencies, which compiles them.
func (b *Builder) askPackages(ctx context.Context, s *settings, probe string, imports []string, start time.Time,
) (*packageSet, error) {
	places, err := b.places(ctx, s, probe)
	if err != nil {
		return nil, err
	}
	args := append([]string{"list", "-export", "-deps", "-json=" + listedFields}, listFlags(s.flags)...)
	args = append(args, ".") // not the imports themselves: -gcflags is for the packages that are named
	out, err := runSplit(ctx, command{Path: b.opts.Go, Args: args, Dir: probe, Env: s.env})
	if err != nil {
		return nil, err
	}
	set := &packageSet{Listed: start, Roots: imports, Packages: map[string]*pkgInfo{}, Workspace: places["GOWORK"] != "",
		ToolEnv: toolEnv(places)}
	watch := map[string]bool{}
	for _, dir := range s.local {
		set.watchModule(watch, dir)
	}
	if err := set.read(out, places, watch); err != nil {
		return nil, err
	}
	delete(set.Packages, s.path) // the program
	var changing bool
	set.Sources, changing = sourceState(set.Watched, start.Add(-settleTime))
	if changing {
		return nil, errors.New("sources are changing")
	}
	return set, nil
}

// settleTime is the coarsest step of file times. A file that was changed later may change again without being noticed.
const settleTime = 10 * time.Millisecond

// listFlags are the flags of go build that go list needs to find the same compiled packages.
func listFlags(flags []string) []string {
	return slices.DeleteFunc(slices.Clone(flags), func(flag string) bool {
		return strings.HasPrefix(strings.TrimLeft(flag, "-"), "ldflags")
	})
}

// places asks the go command for its folders, and checks that it works in the probe as it would in the cell's module.
func (b *Builder) places(ctx context.Context, s *settings, probe string) (map[string]string, error) {
	places, err := goEnvironment(ctx, b.opts.Go, probe, s.env)
	if err != nil {
		return nil, err
	}
	if err := knownFlags(quotedFields(places["GOFLAGS"])); err != nil {
		return nil, &unfitError{err}
	}
	if !within(places["GOMOD"], probe) || (places["GOWORK"] != "" && places["GOWORK"] != "off" &&
		!within(places["GOWORK"], probe)) {
		return nil, &unfitError{fmt.Errorf("go.mod is %s, go.work is %s", places["GOMOD"], places["GOWORK"])}
	}
	if places["GOWORK"] == "off" {
		places["GOWORK"] = ""
	}
	return places, nil
}

// read reads the packages from the output of go list.
func (s *packageSet) read(out string, places map[string]string, watch map[string]bool) error {
	for decoder := json.NewDecoder(strings.NewReader(out)); ; {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("go list: %w", err)
		}
		info := &pkgInfo{Name: p.Name, Export: p.Export}
		for _, path := range p.Imports {
			if real, ok := p.ImportMap[path]; ok {
				path = real
			}
			info.Imports = append(info.Imports, path)
		}
		s.Packages[p.ImportPath] = info
		if p.Module == nil {
			continue
		}
		info.Module, info.Main = p.Module.Path, p.Module.Main
		if p.Name != "main" && !within(p.Dir, places["GOMODCACHE"]) {
			s.watch(watch, p)
		}
	}
}

// watch adds the sources of a package and the files of its module. seen are the watched paths.
func (s *packageSet) watch(seen map[string]bool, p listed) {
	s.watchModule(seen, p.Module.Dir)
	s.watchPath(seen, watched{Path: p.Dir, Deep: len(p.EmbedPatterns) > 0})
}

// watchModule adds the files of a module that determine its packages.
func (s *packageSet) watchModule(seen map[string]bool, dir string) {
	for _, name := range []string{"go.mod", "go.sum", "vendor"} {
		s.watchPath(seen, watched{Path: filepath.Join(dir, name)})
	}
}

func (s *packageSet) watchPath(seen map[string]bool, item watched) {
	if !seen[item.Path] {
		seen[item.Path] = true
		s.Watched = append(s.Watched, item)
	}
}

// firstLine returns the first line of a tool's output that is not a heading.
func firstLine(text string) string {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			return line
		}
	}
	return strings.TrimSpace(text)
}
