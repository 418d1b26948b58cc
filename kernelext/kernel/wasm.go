package kernel

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"deeplearning.example/kernelext/build"
	"deeplearning.example/kernelext/cell"
)

// GoNB's %wasm reads misc/wasm/wasm_exec.js of the Go installation; since Go 1.24 this file is in lib/wasm. If GoNB
// does not find it, it keeps its flag for the next cell. So GoNB gets the path of an installation that has the file.
// The page loads that file while the script that needs it is already running. So the script waits.

// magicWasm prepares that installation before GoNB sees the magic.
func magicWasm(r *run, m cell.Magic) error {
	if len(m.Args) > 0 {
		return fmt.Errorf("takes no arguments, got %q", m.Rest)
	}
	out, err := exec.CommandContext(r.ctx, realGo(os.Environ()), "env", "GOROOT").Output()
	if err != nil {
		return fmt.Errorf("go env GOROOT: %w", err)
	}
	shadow, err := build.ShadowGoroot(strings.TrimSpace(string(out)), r.k.private.Path())
	if err != nil {
		return err
	}
	r.build.setGoroot(shadow)
	return nil
}

// wasmScript is the script of GoNB that starts a program in the browser, wasmWaits makes it wait.
const (
	wasmScript = "new globalThis.Go()"
	wasmWaits  = "(async () => {\nwhile (!globalThis.Go) await new Promise((done) => setTimeout(done, 20));\n%s})();\n"
)

// awaitGo makes the script that starts the program in the browser wait for that file.
func awaitGo(data map[string]json.RawMessage) (changed bool) {
	for kind, raw := range data {
		var script string
		if json.Unmarshal(raw, &script) != nil || !strings.Contains(script, wasmScript) {
			continue
		}
		if raw, err := json.Marshal(fmt.Sprintf(wasmWaits, script)); err == nil {
			data[kind], changed = raw, true
		}
	}
	return changed
}

// noteWasm records a folder that is to be removed.
func (k *Kernel) noteWasm(dir string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.wasm = dir
}

// removeWasm removes GoNB's files below the notebook server's folder, which are for a page that ends with the kernel.
func (k *Kernel) removeWasm() error {
	k.mu.Lock()
	dir := k.wasm
	k.mu.Unlock()
	if dir == "" {
		return nil
	}
	err := os.RemoveAll(dir)
	_ = os.Remove(filepath.Dir(dir)) // fails if other kernels have files there
	return err
}
