package setup

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"

	"deeplearning.example/kernelext/jupyter"
)

// withoutDWARF compiles packages without debugging information. Cells and the helper program share packages compiled
// with it.
const withoutDWARF = "-gcflags=all=-dwarf=false"

// kernelFlags are the go command's flags for a cell. A cell that links XLA, without symbols and linked by Go itself,
// takes a third of the time that it takes without these flags. Such a program has no DWARF, and packages compiled
// without DWARF make the linker another 13 % faster. The version stamp would run git for each cell. docs/benchmarks.md
// has the figures, and the flags that had no effect.
func kernelFlags(internalLink bool) string {
	link := "-s -w"
	if internalLink {
		link += " -linkmode=internal"
	}
	return "-buildvcs=false '-ldflags=" + link + "' " + withoutDWARF
}

// linksInternally reports whether Go's own linker can link a program with XLA, so that cells do not need the C linker.
// This depends on the C compiler, so it is tried once for each pair of them.
func (in *Installation) linksInternally(ctx context.Context) (bool, error) {
	version, err := goVersion(ctx, in.Module)
	if err != nil {
		return false, err
	}
	compiler, err := cCompiler()
	if err != nil {
		return false, err
	}
	key := "internal link: " + version + " " + compiler + " "
	for answer, value := range map[string]bool{"yes": true, "no": false} {
		if in.stamped("link", key+answer) {
			return value, nil
		}
	}
	dir, err := os.MkdirTemp(in.Data, helperPrefix)
	if err != nil {
		return false, in.explain(err, in.Data)
	}
	defer os.RemoveAll(dir)
	in.say("kernelspec: trying Go's own linker")
	program := filepath.Join(dir, "pluginhelper")
	_, err = in.goCommand(ctx, in.Module, "build", "-ldflags=-s -w -linkmode=internal", withoutDWARF, "-o", program,
		helperPackage)
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	works := err == nil && exec.CommandContext(ctx, program, "works").Run() == nil
	answer := map[bool]string{true: "yes", false: "no"}[works]
	return works, in.setStamp("link", key+answer)
}

// moduleFlag is the flag of `lecture kernel` before the root of this module.
const moduleFlag = "--module"

// spec returns the kernelspec for this machine.
func (in *Installation) spec(ctx context.Context) (jupyter.Spec, error) {
	goTool, err := exec.LookPath("go")
	if err != nil {
		return jupyter.Spec{}, err
	}
	internalLink, err := in.linksInternally(ctx)
	if err != nil {
		return jupyter.Spec{}, err
	}
	path := in.Bin + string(os.PathListSeparator) + filepath.Dir(goTool) + string(os.PathListSeparator) + "${PATH}"
	env := map[string]string{
		"PATH":    path,
		"GOFLAGS": kernelFlags(internalLink),
		// All modules are on the machine. GoNB runs `go get` for imports that the kernel does not know, and a proxy
		// that cannot be reached would make such a cell fail.
		"GOPROXY": "off",
		// A cell never downloads a plugin without the student's knowledge: set-up downloaded it, or said why not.
		"GOMLX_NO_AUTO_INSTALL": "1",
	}
	// A cell has to find the state of set-up even if Jupyter is started from a desktop without this variable.
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		env["XDG_DATA_HOME"] = dir
	}
	return jupyter.Spec{
		Argv: []string{filepath.Join(in.Bin, kernelProgram), "kernel", "--connection-file", "{connection_file}",
			moduleFlag, in.Module},
		DisplayName:   "Go · Lecture 11",
		Language:      "go",
		InterruptMode: jupyter.InterruptMessage, // an interrupt on the control channel works whatever a cell does
		Env:           env,
		Metadata:      map[string]any{"debugger": false},
	}, nil
}

// stepKernelspec writes the kernelspec with its logos where every Jupyter front end finds it.
func stepKernelspec(ctx context.Context, in *Installation) error {
	spec, err := in.spec(ctx)
	if err != nil {
		return err
	}
	raw, err := encodeSpec(spec)
	if err != nil {
		return err
	}
	files, err := logoFiles()
	if err != nil {
		return err
	}
	files["kernel.json"] = raw
	changed := false
	for name, content := range files {
		path := filepath.Join(in.kernelFolder(), name)
		if have, err := os.ReadFile(path); err == nil && bytes.Equal(have, content) {
			continue
		}
		changed = true
		if err := in.writeFile(path, content, 0o644); err != nil {
			return err
		}
	}
	if changed {
		in.say("kernelspec: %s", in.kernelFolder())
	} else {
		in.present("kernelspec: %s", in.kernelFolder())
	}
	return nil
}

// encodeSpec writes the kernelspec without escaping characters, because people read this file.
func encodeSpec(spec jupyter.Spec) ([]byte, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(spec)
	return buffer.Bytes(), err
}
