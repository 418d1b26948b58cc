package setup

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// stepToolchain checks that Go and a C compiler are installed: GoMLX reaches XLA through cgo.
func stepToolchain(ctx context.Context, in *Installation) error {
	version, err := goVersion(ctx, in.Module)
	if err != nil {
		return err
	}
	compiler, err := cCompiler()
	if err != nil {
		return err
	}
	in.present("toolchain: %s, C compiler %s", version, compiler)
	return nil
}

// goVersion returns the output of `go env GOVERSION` in the module, such as go1.26.8.
func goVersion(ctx context.Context, module string) (string, error) {
	if _, err := exec.LookPath("go"); err != nil {
		return "", fmt.Errorf("no Go toolchain on PATH: %s", installAdvice("go"))
	}
	cmd := exec.CommandContext(ctx, "go", "env", "GOVERSION")
	cmd.Dir = module
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go env: %w: %s", err, oneLine(string(out)))
	}
	return strings.TrimSpace(string(out)), nil
}

// cCompiler returns the path of the C compiler that cgo uses: $CC, else gcc, clang or cc.
func cCompiler() (string, error) {
	if cc := strings.Fields(os.Getenv("CC")); len(cc) > 0 {
		path, err := exec.LookPath(cc[0])
		if err != nil {
			return "", fmt.Errorf("CC=%s is not on PATH: unset CC or install it: %s", cc[0], installAdvice("gcc"))
		}
		return path, nil
	}
	for _, name := range []string{"gcc", "clang", "cc"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("no C compiler on PATH (CC, gcc, clang, cc), which Go needs for XLA: %s", installAdvice("gcc"))
}

// installAdvice returns the command that installs a tool on this system: go, gcc or pip.
func installAdvice(tool string) string {
	if tool == "go" {
		return "install Go 1.26 or later, https://go.dev/doc/install"
	}
	if runtime.GOOS == "darwin" {
		return map[string]string{"gcc": "xcode-select --install", "pip": "brew install python"}[tool]
	}
	commands := map[string]string{"gcc": "gcc libc6-dev", "pip": "python3-pip"}
	family := distribution()
	switch family {
	case "fedora", "rhel", "centos":
		return "sudo dnf install " + map[string]string{"gcc": "gcc glibc-devel", "pip": "python3-pip"}[tool]
	case "arch":
		return "sudo pacman -S " + map[string]string{"gcc": "gcc", "pip": "python-pip"}[tool]
	case "alpine":
		return "sudo apk add " + map[string]string{"gcc": "build-base", "pip": "py3-pip"}[tool]
	case "suse":
		return "sudo zypper install " + map[string]string{"gcc": "gcc glibc-devel", "pip": "python3-pip"}[tool]
	case "debian":
		return "sudo apt-get install -y " + commands[tool]
	}
	return "install " + commands[tool] + " with your system's package manager"
}

// distribution returns the family of this Linux from /etc/os-release, or an empty string.
func distribution() string {
	file, err := os.Open("/etc/os-release")
	if err != nil {
		return ""
	}
	defer file.Close()
	var ids string
	for lines := bufio.NewScanner(file); lines.Scan(); {
		key, value, _ := strings.Cut(lines.Text(), "=")
		if key == "ID" || key == "ID_LIKE" {
			ids += " " + strings.Trim(value, `"'`)
		}
	}
	for _, family := range []string{"debian", "fedora", "rhel", "centos", "arch", "alpine", "suse"} {
		if strings.Contains(ids, family) {
			return family
		}
	}
	return ""
}

// goCommand runs the go command in a folder, outside any workspace of the user, and returns its output. An error
// contains the first line of go's message about it.
func (in *Installation) goCommand(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS="+goFlags())
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if err != nil {
		return "", in.goError(args[0], stderr.String(), err)
	}
	return stdout.String(), nil
}

// goFlags returns the user's flags, with the version stamp off: the stamp runs git, which refuses a clone of another
// owner.
func goFlags() string {
	flags := os.Getenv("GOFLAGS")
	if strings.Contains(flags, "-buildvcs") {
		return flags
	}
	return strings.TrimSpace(flags + " -buildvcs=false")
}

// goError returns, in one line, the message of the go command when it fails.
func (in *Installation) goError(command, stderr string, err error) error {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return fmt.Errorf("go %s: %w", command, err)
	}
	var said []string
	for line := range strings.Lines(stderr) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "go: downloading") && !strings.HasPrefix(line, "#") {
			said = append(said, line)
		}
	}
	if len(said) == 0 {
		return fmt.Errorf("go %s: %w", command, err)
	}
	text := said[0]
	switch {
	case strings.Contains(stderr, "no space left on device"):
		text += ": free some space, or set GOCACHE, GOMODCACHE and TMPDIR to a folder with room"
	case strings.Contains(stderr, "dial tcp") || strings.Contains(stderr, "GOPROXY=off"):
		text += ": the Go modules are not on this machine yet and the network cannot be reached; " +
			"connect once, or set GOPROXY"
	}
	return fmt.Errorf("go %s: %s", command, text)
}
