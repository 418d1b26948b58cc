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

// tool is an external program that the kernel calls, built from a module file that pins it.
type tool struct {
	Name    string
	Package string
	Module  string // the module of Package
	Dir     string // the folder of the module file, relative to the root of this module
}

// tools lists the external programs that the kernel needs. gonb composes and runs the cells, goimports completes the
// imports of a cell if the kernel cannot, and gopls answers completion and inspection. gopls has its own module file,
// because its requirements conflict with those of this module.
func tools() []tool {
	return []tool{
		{"gonb", "github.com/janpfeifer/gonb", "github.com/janpfeifer/gonb", "."},
		{"goimports", "golang.org/x/tools/cmd/goimports", "golang.org/x/tools", "."},
		{"gopls", "golang.org/x/tools/gopls", "golang.org/x/tools/gopls", "internal/tools/gopls"},
	}
}

// stepTools builds the tools that are missing or have another version than the pinned one, and this module's programs
// if their sources have changed.
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

// build writes a program under a temporary name and renames it, so that a running kernel keeps the old one. dir is the
// folder of the module file, relative to the root of this module.
func (in *Installation) build(ctx context.Context, name, pkg, dir string) error {
	if err := in.makeDir(in.Bin); err != nil {
		return err
	}
	if err := in.room(in.Bin, 100e6); err != nil {
		return err
	}
	temp := filepath.Join(in.Bin, ".lecture-"+name)
	defer os.Remove(temp) // fails after the rename, as intended
	dir = filepath.Join(in.Module, filepath.FromSlash(dir))
	if _, err := in.goCommand(ctx, dir, "build", "-ldflags=-s -w", "-o", temp, pkg); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return in.adopt(temp, filepath.Join(in.Bin, name))
}

// pinned returns the version that the module file requires.
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

// built reads from a program its version of the tool and the Go version that built it. Both are empty if the file is
// not a Go program of that package.
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

// stepModules downloads all modules, because cells are built with GOPROXY=off.
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
