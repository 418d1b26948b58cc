package setup

import (
	"context"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"deeplearning.example/kernelext/internal/plugin"
)

// kernelProgram is the program that Jupyter starts, with the command "kernel".
const kernelProgram = "lecture"

// sourceFolder holds the sources of this module's programs, relative to its root.
const sourceFolder = "kernelext"

// program is a program of this module that the kernel needs. It is built from the working tree.
type program struct{ Name, Package string }

// programs lists them: lecture is the kernel, lecture-helper is the program that GoNB and the kernel start.
func programs() []program {
	return []program{
		{kernelProgram, modulePath + "/kernelext/cmd/lecture"},
		{"lecture-helper", modulePath + "/kernelext/internal/lecturehelper"},
	}
}

// buildProgram builds a program if it is missing or not built from the present sources.
func (in *Installation) buildProgram(ctx context.Context, p program, goVersion string) error {
	state, err := in.programState(goVersion)
	if err != nil {
		return err
	}
	if p.built(filepath.Join(in.Bin, p.Name)) && in.stamped(p.Name, state) {
		in.present("tools: %s", p.Name)
		return nil
	}
	in.say("tools: building %s", p.Name)
	if err := in.build(ctx, p.Name, p.Package, "."); err != nil {
		return err
	}
	return in.setStamp(p.Name, state)
}

// built reports whether a file is this program, in any version.
func (p program) built(path string) bool {
	info, err := buildinfo.ReadFile(path)
	return err == nil && info.Path == p.Package
}

// programState identifies the sources of the programs. Their versions cannot, because they belong to this module.
func (in *Installation) programState(goVersion string) (string, error) {
	required, err := in.moduleStamp()
	if err != nil {
		return "", err
	}
	module, err := os.ReadFile(filepath.Join(in.Module, "go.mod"))
	if err != nil {
		return "", err
	}
	sources, err := sourceHash(filepath.Join(in.Module, sourceFolder))
	if err != nil {
		return "", err
	}
	return strings.Join([]string{goVersion, goFlags(), in.Module, string(module), required, sources}, "\n"), nil
}

// LibraryHash identifies what the cells of the module's notebooks compute with: the sources of its packages, the versions of
// the others, Go, and the XLA plugins.
func LibraryHash(module string) (string, error) {
	sum := sha256.New()
	for _, folder := range []string{"kernelext", "lecture11"} {
		sources, err := sourceHash(filepath.Join(module, folder))
		if err != nil {
			return "", err
		}
		fmt.Fprintln(sum, folder, sources)
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(module, name))
		if err != nil {
			return "", err
		}
		fmt.Fprintf(sum, "%s %q\n", name, text)
	}
	state, err := plugin.LoadState()
	if err != nil {
		return "", err
	}
	version, err := goVersion(context.Background(), module)
	if err != nil {
		return "", err
	}
	fmt.Fprintf(sum, "%s\n%+v\n", version, state)
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// sourceHash returns a hash of the files below a folder that can be part of a program. The go command ignores tests,
// testdata, and files whose names start with a dot or an underscore.
func sourceHash(root string) (string, error) {
	sum := sha256.New()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		switch {
		case entry.IsDir() && (name == "testdata" || hidden(name)):
			return fs.SkipDir
		case entry.IsDir() || strings.HasSuffix(name, "_test.go") || hidden(name):
			return nil
		}
		raw, err := os.ReadFile(path)
		fmt.Fprintf(sum, "%q %d\n", path, len(raw))
		sum.Write(raw)
		return err
	})
	return hex.EncodeToString(sum.Sum(nil)), err
}

func hidden(name string) bool { return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") }
