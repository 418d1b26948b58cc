package build

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
)

// setVersion is part of each key: increase it when the format of package sets changes.
const setVersion = "1"

// settings are the conditions of a package set, apart from the sources of packages.
type settings struct {
	dir   string   // GoNB's temporary module
	env   []string // of the job
	flags []string // of go build
	path  string   // module path of dir
	local []string // folders of the modules that go.work and go.mod name
	key   string   // hash of everything except dir and path: it is the same for two kernels of the same project
}

// relevant are the variables, beside those that start with CGO_, that change what the go command builds.
var relevant = []string{
	"AR", "CC", "CXX", "FC", "GCCGO", "GO111MODULE", "GO386", "GOAMD64", "GOARCH", "GOARM", "GOARM64", "GOCACHE",
	"GOCACHEPROG", "GODEBUG", "GOENV", "GOEXPERIMENT", "GOFIPS140", "GOFLAGS", "GOMIPS", "GOMIPS64", "GOMODCACHE", "GOOS",
	"GOPATH", "GOPPC64", "GORISCV64", "GOROOT", "GOTOOLCHAIN", "GOWASM", "GOWORK", "GO_EXTLINK_ENABLED", "HOME",
	"PKG_CONFIG", "XDG_CACHE_HOME", "XDG_CONFIG_HOME",
}

// readSettings reads the settings of a job, or returns the reason why the tools alone cannot do the job.
func readSettings(goTool, dir string, env, flags []string) (*settings, error) {
	s := &settings{dir: dir, env: env, flags: flags}
	if err := knownFlags(flags); err != nil {
		return nil, err
	}
	if err := knownFlags(quotedFields(getenv(env, "GOFLAGS"))); err != nil {
		return nil, err
	}
	if work := getenv(env, "GOWORK"); work != "" && work != "off" {
		return nil, fmt.Errorf("GOWORK is %s", work)
	}
	if err := noOuterWork(dir); err != nil {
		return nil, err
	}
	if goos := getenv(env, "GOOS"); goos != "" && goos != runtime.GOOS {
		return nil, fmt.Errorf("GOOS is %s", goos)
	}
	hash := sha256.New()
	fmt.Fprintf(hash, "%s\x00%q\x00%s\x00", setVersion, flags, goStamp(goTool))
	for _, pair := range relevantEnv(env) {
		fmt.Fprintf(hash, "%s\x00", pair)
	}
	for _, name := range []string{"go.mod", "go.work", "go.sum", "go.work.sum"} {
		text, err := s.moduleFile(name)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(hash, "%s\x00%s\x00", name, text)
	}
	s.key = hex.EncodeToString(hash.Sum(nil))[:32]
	return s, nil
}

// noOuterWork checks that no folder above dir has a go.work, which would take effect if dir has none.
func noOuterWork(dir string) error {
	for at := filepath.Dir(dir); at != filepath.Dir(at); at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "go.work")); err == nil {
			return fmt.Errorf("%s has a go.work", at)
		}
	}
	return nil
}

// goStamp changes when another version of Go is installed in the place of this one.
func goStamp(goTool string) string {
	stamp := fileStamp(goTool)
	if real, err := filepath.EvalSymlinks(goTool); err == nil {
		stamp += fileStamp(filepath.Join(filepath.Dir(filepath.Dir(real)), "VERSION"))
	}
	return stamp
}

// fileStamp identifies a file's state by path, size and time.
func fileStamp(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return path + " absent;"
	}
	return fmt.Sprintf("%s %d %d;", path, info.Size(), info.ModTime().UnixNano())
}

// relevantEnv returns the variables that change what is built, sorted, and the state of the file of `go env -w`.
func relevantEnv(env []string) []string {
	var pairs []string
	last := map[string]string{}
	for _, pair := range env {
		name, value, _ := strings.Cut(pair, "=")
		last[name] = value
	}
	for name, value := range last {
		if slices.Contains(relevant, name) || strings.HasPrefix(name, "CGO_") {
			pairs = append(pairs, name+"="+value)
		}
	}
	for _, config := range []string{last["XDG_CONFIG_HOME"], last["HOME"] + "/.config",
		last["HOME"] + "/Library/Application Support"} {
		pairs = append(pairs, fileStamp(filepath.Join(config, "go", "env")))
	}
	pairs = append(pairs, fileStamp(last["GOENV"]))
	slices.Sort(pairs)
	return pairs
}

// moduleFile reads go.mod or go.work without the name of the module, which differs between kernels. Paths relative to
// this folder are an error, because a set must not depend on the folder.
func (s *settings) moduleFile(name string) (string, error) {
	raw, err := os.ReadFile(filepath.Join(s.dir, name))
	if errors.Is(err, fs.ErrNotExist) && name != "go.mod" {
		return "absent", nil
	}
	if err != nil {
		return "", err
	}
	switch name {
	case "go.mod":
		return s.goMod(raw)
	case "go.work":
		return string(raw), s.goWork(raw)
	}
	return string(raw), nil
}

func (s *settings) goMod(raw []byte) (string, error) {
	file, err := modfile.Parse("go.mod", raw, nil)
	if err != nil {
		return "", err
	}
	if file.Module == nil || strings.ContainsAny(file.Module.Mod.Path, " \t\n\"'`\\") {
		return "", errors.New("go.mod names no module")
	}
	s.path = file.Module.Mod.Path
	if err := s.replacements(file.Replace); err != nil {
		return "", err
	}
	start, end := file.Module.Syntax.Start.Byte, file.Module.Syntax.End.Byte
	return string(raw[:start]) + "module M" + string(raw[end:]), nil
}

func (s *settings) goWork(raw []byte) error {
	file, err := modfile.ParseWork("go.work", raw, nil)
	if err != nil {
		return err
	}
	for _, use := range file.Use {
		if use.Path == "." {
			continue
		}
		if !filepath.IsAbs(use.Path) {
			return fmt.Errorf("go.work uses the relative path %s", use.Path)
		}
		s.local = append(s.local, use.Path)
	}
	return s.replacements(file.Replace)
}

// replacements records the folders that replace modules.
func (s *settings) replacements(replacements []*modfile.Replace) error {
	for _, replace := range replacements {
		if replace.New.Version != "" {
			continue
		}
		if !filepath.IsAbs(replace.New.Path) {
			return fmt.Errorf("a module is replaced by the relative path %s", replace.New.Path)
		}
		s.local = append(s.local, replace.New.Path)
	}
	return nil
}

// knownFlags refuses flags of go build that change more than the command lines of the tools.
func knownFlags(flags []string) error {
	for _, flag := range flags {
		name, _, valued := strings.Cut(strings.TrimLeft(flag, "-"), "=")
		switch name {
		case "ldflags", "gcflags", "tags":
			if valued {
				continue
			}
		case "buildvcs":
			continue
		}
		return fmt.Errorf("flag %q", flag)
	}
	return nil
}

// quotedFields splits the value of GOFLAGS as the go command does: a field may be quoted as a whole.
func quotedFields(text string) []string {
	var fields []string
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimSpace(text) {
		end := strings.IndexAny(text, " \t\n\r")
		if text[0] == '\'' || text[0] == '"' {
			if end = strings.IndexByte(text[1:], text[0]); end >= 0 {
				fields, text = append(fields, text[1:end+1]), text[end+2:]
				continue
			}
		}
		if end < 0 {
			end = len(text)
		}
		fields, text = append(fields, text[:end]), text[end:]
	}
	return fields
}

// getenv returns the value of a variable in env, where a later pair takes precedence.
func getenv(env []string, name string) string {
	for _, pair := range slices.Backward(env) {
		if value, ok := strings.CutPrefix(pair, name+"="); ok {
			return value
		}
	}
	return ""
}

// toolVariables are the variables that the compiler and the linker read. The go command sets them from all its sources.
var toolVariables = []string{
	"CC", "CGO_ENABLED", "CXX", "GO386", "GOAMD64", "GOARCH", "GOARM", "GOARM64", "GOEXPERIMENT", "GOFIPS140",
	"GOMIPS", "GOMIPS64", "GOOS", "GOPPC64", "GORISCV64", "GOROOT",
}

// goEnvironment returns the values of some variables in a folder from `go env`; variables for other machines are
// absent.
func goEnvironment(ctx context.Context, goTool, dir string, env []string) (map[string]string, error) {
	args := append([]string{"env", "-json", "GOMODCACHE", "GOMOD", "GOWORK", "GOFLAGS"}, toolVariables...)
	out, err := runSplit(ctx, command{Path: goTool, Dir: dir, Env: env, Args: args})
	if err != nil {
		return nil, err
	}
	values := map[string]string{}
	return values, json.Unmarshal([]byte(out), &values)
}

// toolEnv returns the pairs of toolVariables that are not empty.
func toolEnv(values map[string]string) []string {
	var pairs []string
	for _, name := range toolVariables {
		if values[name] != "" {
			pairs = append(pairs, name+"="+values[name])
		}
	}
	return pairs
}
