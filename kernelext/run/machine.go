package run

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"

	"deeplearning.example/kernelext/jupyter"
)

// Machine describes the kind of machine that a notebook ran on. It does not name the host.
type Machine struct {
	Cores int    `json:"cores"`
	CPU   string `json:"cpu"`
	// GPU is the model, or "none".
	GPU string `json:"gpu"`
}

// ThisMachine describes the current machine.
func ThisMachine(ctx context.Context) Machine {
	return Machine{Cores: runtime.NumCPU(), CPU: cpuModel(ctx), GPU: gpuModel()}
}

// cpuModel returns the processor's model without its clock rate and trade marks, or the architecture.
func cpuModel(ctx context.Context) string {
	name := field("/proc/cpuinfo", "model name")
	if name == "" && runtime.GOOS == "darwin" {
		name = output(ctx, "sysctl", nil, "-n", "machdep.cpu.brand_string")
	}
	if name == "" {
		return runtime.GOARCH
	}
	return shortModel(name)
}

var noise = regexp.MustCompile(`\((?:R|TM|r|tm)\)|@.*|\bCPU\b|\bProcessor\b|\b\d+-Core\b`)

func shortModel(name string) string {
	return strings.Join(strings.Fields(noise.ReplaceAllString(name, " ")), " ")
}

// gpuModel returns the model that NVIDIA's driver writes in a file.
func gpuModel() string {
	files, _ := filepath.Glob("/proc/driver/nvidia/gpus/*/information")
	for _, file := range files {
		if model := field(file, "Model"); model != "" {
			return model
		}
	}
	return "none"
}

// field returns the value of the first line "name : value" of a file, or "".
func field(path, name string) string {
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		key, value, ok := strings.Cut(lines.Text(), ":")
		if ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// goVersion returns the version of Go that a kernel with this environment compiles with, or "".
func goVersion(ctx context.Context, env []string) string {
	return output(ctx, "go", env, "env", "GOVERSION")
}

// output returns the output of a program, or "" if it fails or takes too long.
func output(ctx context.Context, program string, env []string, args ...string) string {
	if env == nil {
		env = os.Environ()
	}
	path, err := jupyter.LookPath(program, env)
	if err != nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = env
	out, err := cmd.Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}
