package setup

import (
	"context"
	"debug/buildinfo"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/mod/modfile"
)

// tool is a program of others that the kernel calls, built from a module file that pins it.
type tool struct {
	Name    string
	Package string
	Module  string // the module that holds Package
	Dir     string // of the module file, relative to the root of this module
}

// tools lists what the kernel needs of others: gonb composes and runs the cells, goimports completes the imports of a
// cell where the kernel cannot, gopls answers completion and inspection. gopls has a module file of its own, for its
// requirements do not mix with ours.
func tools() []tool {
	return []tool{
		{"gonb", "github.com/janpfeifer/gonb", "github.com/janpfeifer/gonb", "."},
		{"goimports", "golang.org/x/tools/cmd/goimports", "golang.org/x/tools", "."},
		{"gopls", "golang.org/x/tools/gopls", "golang.org/x/tools/gopls", "internal/tools/gopls"},
	}
}

// stepTools builds the tools that are missing or of another version than pinned, and our own programs where their
// sources have changed.
func stepTools(ctx context.Context, in *Installation) error {
	goVersion, err := goVersion(ctx, in.Module)
	if err != nil {
		return err
	}
	for _, t := range tools() {
		if slices.Contains(in.Without, t.Name) {
			continue
		}
		if err := in.buildTool(ctx, t, goVersion); err != nil {
			return err
		}
	}
	for _, p := range programs() {
		if err := in.buildProgram(ctx, p, goVersion); err != nil {
			return err
		}
	}
	return nil
}

func (in *Installation) buildTool(ctx context.Context, t tool, goVersion string) error {
	want, err := t.pinned(in.Module)
	if err != nil {
		return err
	}
	if version, builtBy := t.built(filepath.Join(in.Bin, t.Name)); version == want && builtBy == goVersion {
		in.present("tools: %s %s", t.Name, version)
		return nil
	}
	in.say("tools: building %s %s", t.Name, want)
	return in.build(ctx, t.Name, t.Package, t.Dir)
}

// build makes a program under a temporary name and renames it, so that a running kernel keeps the old one. dir is the
// folder of the module file, relative to the root of this module.
func (in *Installation) build(ctx context.Context, name, pkg, dir string) error {
	if err := in.makeDir(in.Bin); err != nil {
		return err
	}
	if err := in.room(in.Bin, 100e6); err != nil {
		return err
	}
	temp := filepath.Join(in.Bin, ".lecture-"+name)
	defer os.Remove(temp) // fails after the rename, as it should
	dir = filepath.Join(in.Module, filepath.FromSlash(dir))
	if _, err := in.goCommand(ctx, dir, "build", "-ldflags=-s -w", "-o", temp, pkg); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return in.adopt(temp, filepath.Join(in.Bin, name))
}

// pinned reads the version that the module file wants.
func (t tool) pinned(module string) (string, error) {
	path := filepath.Join(module, filepath.FromSlash(t.Dir), "go.mod")
	raw, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	file, err := modfile.Parse(path, raw, nil)
	if err != nil {
		return "", err
	}
	for _, require := range file.Require {
		if require.Mod.Path == t.Module {
			return require.Mod.Version, nil
		}
	}
	return "", fmt.Errorf("%s does not require %s", path, t.Module)
}

// built reads from a program which version of the tool it is and which Go built it. A file that is no Go program of
// that package has neither.
func (t tool) built(path string) (version, goVersion string) {
	info, err := buildinfo.ReadFile(path)
	if err != nil || info.Path != t.Package {
		return "", ""
	}
	if info.Main.Path == t.Module {
		return info.Main.Version, info.GoVersion
	}
	for _, dep := range info.Deps {
		if dep.Path == t.Module {
			return dep.Version, info.GoVersion
		}
	}
	return "", ""
}

// stepModules brings all modules onto the machine: cells are built with GOPROXY=off.
func stepModules(ctx context.Context, in *Installation) error {
	stamp, err := in.moduleStamp()
	if err != nil {
		return err
	}
	if in.stamped("modules", stamp) {
		in.present("modules: all here")
		return nil
	}
	in.say("modules: downloading what go.mod requires")
	if _, err := in.goCommand(ctx, in.Module, "mod", "download"); err != nil {
		return err
	}
	return in.setStamp("modules", stamp)
}
