package setup

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"deeplearning.example/kernelext/internal/plugin"
)

// proofLimit ends a proof that hangs. A proof takes a quarter of a second on a CPU, and longer on the first use of a
// CUDA device.
const proofLimit = 2 * time.Minute

// helperPackage is built when a plugin has to be loaded or fetched in another process.
const helperPackage = "./kernelext/internal/pluginhelper"

// prove tests whether a plugin works. A known result for the same file is taken from the state file, unless it is a
// refusal and the user asked for a repair.
func (in *Installation) prove(ctx context.Context, path string) (plugin.Record, error) {
	state, err := plugin.LoadState()
	if err != nil {
		return plugin.Record{}, err
	}
	if record, found := state.Lookup(path); found && (record.OK || !in.Repair) {
		return in.completed(ctx, record)
	}
	record, err := in.proveNow(ctx, path)
	if err != nil {
		return record, err
	}
	return record, in.remember(record)
}

// proveNow loads the plugin in a child process, which compiles and runs 1+1 on it. A refusal is not an error: it is
// part of the record.
func (in *Installation) proveNow(ctx context.Context, path string) (plugin.Record, error) {
	record, err := in.identify(path)
	if err != nil || record.Reason != "" {
		return record, err
	}
	out, refusal, err := in.askHelper(ctx, "prove", path)
	if err != nil {
		return record, err
	}
	complete := readProof(&record, out)
	switch {
	case refusal != "":
		record.Reason = refusal
	case !complete:
		record.Reason = noResult
	default:
		record.OK = true
		return in.proveParts(ctx, record)
	}
	return record, nil
}

// noResult is the reason to refuse a plugin that ended the helper without an error.
const noResult = "it ended the process without a result"

// askHelper runs a command of the helper on a plugin. It returns what the helper wrote, and why it failed, if it did.
func (in *Installation) askHelper(ctx context.Context, command, path string) (out *bytes.Buffer, refusal string, err error) {
	helper, err := in.helper(ctx)
	if err != nil {
		return nil, "", err
	}
	limited, cancel := context.WithTimeout(ctx, proofLimit)
	defer cancel()
	var stdout, stderr bytes.Buffer
	child := exec.CommandContext(limited, helper, command, path)
	child.Stdout, child.Stderr = &stdout, &stderr
	err = child.Run()
	switch {
	case ctx.Err() != nil:
		return nil, "", ctx.Err()
	case limited.Err() != nil:
		refusal = fmt.Sprintf("it hung for %v", proofLimit)
	case err != nil:
		refusal = childReason(err, stderr.String())
	}
	return &stdout, refusal, nil
}

// completed completes a record of an earlier version, which tested fewer parts.
func (in *Installation) completed(ctx context.Context, record plugin.Record) (plugin.Record, error) {
	if !record.OK || record.Complete() {
		return record, nil
	}
	record, err := in.proveParts(ctx, record)
	if err != nil {
		return record, err
	}
	return record, in.remember(record)
}

// proveParts tests two things that a plugin may lack, each in a child process: whether its compiled programs can be stored
// and loaded again, and whether a program can have its own options. It is used without what it lacks.
func (in *Installation) proveParts(ctx context.Context, record plugin.Record) (_ plugin.Record, err error) {
	if record.Cache, err = in.provePart(ctx, "cache", record.Path); err != nil {
		return record, err
	}
	if record.Platform != plugin.CPU {
		record.Options = "there are options for the CPU only"
		return record, nil
	}
	record.Options, err = in.provePart(ctx, "options", record.Path)
	return record, err
}

// provePart tests one part by a command of the helper. It returns plugin.Works, or why it does not.
func (in *Installation) provePart(ctx context.Context, command, path string) (string, error) {
	out, refusal, err := in.askHelper(ctx, command, path)
	if err != nil || refusal != "" {
		return refusal, err
	}
	if !bytes.Contains(out.Bytes(), fmt.Appendf(nil, `{"%s":"ok"}`, command)) {
		return noResult, nil
	}
	return plugin.Works, nil
}

// identify records size, time and hash of a plugin file. A file that set-up installed must be unchanged: a plugin with
// a changed byte may well compute 1+1.
func (in *Installation) identify(path string) (plugin.Record, error) {
	info, err := os.Stat(path)
	if err != nil {
		return plugin.Record{}, err
	}
	sum, err := hashFile(path)
	if err != nil {
		return plugin.Record{}, err
	}
	record := plugin.Record{
		Path: path, Size: info.Size(), ModTime: info.ModTime().UnixNano(), SHA256: sum,
		Platform: plugin.PlatformOf(path),
	}
	if want, ours := in.manifest.Files[path]; ours && want != sum {
		record.Reason = fmt.Sprintf("it is damaged: SHA-256 %.12s…, want %.12s…", sum, want)
	}
	return record, nil
}

// ownTree creates the folder of a cache, unless the user has chosen another one by the variable. Uninstall removes it with its
// whole content.
func (in *Installation) ownTree(variable string, folder func() (string, error)) error {
	dir, err := folder()
	if err != nil || dir == "" || os.Getenv(variable) != "" || in.makeDir(dir) != nil {
		return nil // the lecture works without the cache, and says so
	}
	return in.recordTree(dir)
}

// readProof fills the record from the helper's JSON lines and reports whether it has read the last of them.
func readProof(record *plugin.Record, out *bytes.Buffer) (complete bool) {
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var line struct{ API, Platform, Device, Sum string }
		if json.Unmarshal(lines.Bytes(), &line) != nil {
			continue // a plugin may write to the standard output as well
		}
		switch {
		case line.API != "":
			record.API = line.API
		case line.Platform != "":
			record.Platform = line.Platform
		case line.Device != "":
			record.Devices = append(record.Devices, line.Device)
		case line.Sum != "":
			complete = true
		}
	}
	return complete
}

// childReason returns one line on why the helper failed: its own message, or the signal that killed it.
func childReason(err error, stderr string) string {
	lines := strings.Split(strings.TrimSpace(stderr), "\n")
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 {
		return lines[len(lines)-1]
	}
	for _, line := range lines {
		if strings.HasPrefix(line, "SIG") || strings.HasPrefix(line, "panic:") || strings.HasPrefix(line, "fatal error:") {
			return "it is damaged or does not fit this system: loading it ended in " + line
		}
	}
	return "it is damaged or does not fit this system: " + err.Error()
}

// remember writes the result of a proof to the state file.
func (in *Installation) remember(record plugin.Record) error {
	state, err := plugin.LoadState()
	if err != nil {
		return err
	}
	state.Put(record)
	return in.saveState(state)
}

func (in *Installation) saveState(state plugin.State) error {
	path, raw, err := state.Encode()
	if err != nil {
		return err
	}
	return in.replace(path, raw)
}

// helper builds the helper program, once in a session.
func (in *Installation) helper(ctx context.Context) (string, error) {
	if in.helperDir != "" {
		return filepath.Join(in.helperDir, "pluginhelper"), nil
	}
	in.say("plugin: building the program that tests it (a minute the first time)")
	dir, err := os.MkdirTemp(in.Data, helperPrefix)
	if err != nil {
		return "", in.explain(err, in.Data)
	}
	in.helperDir = dir
	path := filepath.Join(dir, "pluginhelper")
	if _, err := in.goCommand(ctx, in.Module, "build", withoutDWARF, "-o", path, helperPackage); err != nil {
		in.dropHelper()
		return "", err
	}
	return path, nil
}

const helperPrefix = "helper-"

// dropHelper removes the helper program, and the remains of one from a killed set-up.
func (in *Installation) dropHelper() {
	in.helperDir = ""
	left, _ := filepath.Glob(filepath.Join(escapeGlob(in.Data), helperPrefix+"*"))
	for _, dir := range left {
		_ = os.RemoveAll(dir) // the next set-up tries again
	}
}

func escapeGlob(dir string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(dir)
}
