package build

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// plan describes how the go command calls the compiler and the linker for a program, read from `go build -n`. In the
// arguments workDir represents the folder of intermediate files.
type plan struct {
	Compile  []string `json:"compile"` // tool and arguments, without the source file
	Link     []string `json:"link"`    // tool and arguments
	LinkEnv  []string `json:"link_env"`
	Marks    [][]byte `json:"marks"`    // around the build information, not UTF-8
	Settings []string `json:"settings"` // build settings, the last lines of the build information
	Modules  []module `json:"modules"`
	packages []string // all linked packages
}

// module is a module of the build information.
type module struct {
	Path string `json:"path"`
	Text string `json:"text"` // its lines: "dep", path, version, checksum; "=>" for a replacement
}

// workDir is the go command's name for the folder of the main package's intermediate files.
const workDir = "$WORK/b001"

var packageFile = regexp.MustCompile(`(?m)^packagefile ([^=\n]+)=`)

// parsePlan reads the output of `go build -n` of a program whose module has the given path.
func parsePlan(output, modulePath string) (*plan, error) {
	p := &plan{}
	var err error
	for line := range strings.Lines(output) {
		switch {
		case strings.Contains(line, "/compile -o "+workDir+"/_pkg_.a "):
			_, p.Compile, err = commandLine(line)
		case strings.Contains(line, "/link -o "+workDir+"/exe/a.out "):
			p.LinkEnv, p.Link, err = commandLine(line)
		case strings.HasPrefix(line, "modinfo "):
			err = p.parseInfo(strings.TrimSpace(strings.TrimPrefix(line, "modinfo ")), modulePath)
		}
		if err != nil {
			return nil, err
		}
	}
	if p.Compile == nil || p.Link == nil || p.Settings == nil {
		return nil, errors.New("go build -n shows no compiler, linker or build information")
	}
	_, linkConfig, _ := strings.Cut(output, "cat >"+workDir+"/importcfg.link")
	for _, match := range packageFile.FindAllStringSubmatch(linkConfig, -1) {
		if match[1] != modulePath {
			p.packages = append(p.packages, match[1])
		}
	}
	return p, p.checkArguments()
}

// checkArguments checks that the command lines contain nothing that belongs to one cell only.
func (p *plan) checkArguments() error {
	last := len(p.Compile) - 1
	if p.Compile[last] != "./main.go" {
		return fmt.Errorf("the compiler gets %s, want ./main.go", p.Compile[last])
	}
	p.Compile = p.Compile[:last]
	if !slices.Contains(p.Compile, "-trimpath") {
		return errors.New("the compiler gets no -trimpath")
	}
	for _, arg := range append(p.Compile, p.Link...) {
		if strings.Contains(strings.ReplaceAll(arg, workDir, ""), "$WORK") {
			return fmt.Errorf("a tool gets %s", arg)
		}
	}
	return nil
}

// infoMark is the number of bytes around the build information in a program, see runtime/debug.
const infoMark = 16

// parseInfo reads the build information of a program, a quoted string.
func (p *plan) parseInfo(quoted, modulePath string) error {
	text, err := strconv.Unquote(quoted)
	if err != nil || len(text) < 2*infoMark {
		return fmt.Errorf("build information %.40q", quoted)
	}
	body := text[infoMark : len(text)-infoMark]
	p.Marks = [][]byte{[]byte(text[:infoMark]), []byte(text[len(text)-infoMark:])}
	want := "path\t" + modulePath + "\nmod\t" + modulePath + "\t(devel)\t\n"
	body, ok := strings.CutPrefix(body, want)
	if !ok {
		return fmt.Errorf("build information %.80q, want %q", body, want)
	}
	for line := range strings.Lines(body) {
		kind, value, _ := strings.Cut(line, "\t")
		path, _, _ := strings.Cut(value, "\t")
		switch {
		case kind == "dep":
			p.Modules = append(p.Modules, module{Path: path, Text: line})
		case kind == "=>" && len(p.Modules) > 0:
			p.Modules[len(p.Modules)-1].Text += line
		case kind == "build" && !strings.HasPrefix(value, "vcs"):
			p.Settings = append(p.Settings, line)
		default:
			return fmt.Errorf("build information %q", line)
		}
	}
	return nil
}

// whole reports whether a plan that was read from disk has all its parts.
func (p *plan) whole() bool {
	return p != nil && len(p.Compile) > 0 && len(p.Link) > 0 && len(p.Marks) == 2
}

// info returns the build information of a program of the given module that links packages of the modules in used.
func (p *plan) info(modulePath string, used map[string]bool) string {
	var text strings.Builder
	text.WriteString(string(p.Marks[0]) + "path\t" + modulePath + "\nmod\t" + modulePath + "\t(devel)\t\n")
	for _, m := range p.Modules {
		if used[m.Path] {
			text.WriteString(m.Text)
		}
	}
	text.WriteString(strings.Join(p.Settings, "") + string(p.Marks[1]))
	return text.String()
}

// commandLine splits a line of `go build -n` into the variables it sets and the words of the command.
func commandLine(line string) (env, words []string, err error) {
	all, err := shellWords(strings.TrimSpace(line))
	if err != nil {
		return nil, nil, err
	}
	for i, word := range all {
		if !strings.Contains(word, "=") || strings.HasPrefix(word, "/") {
			return all[:i], all[i:], nil
		}
	}
	return nil, nil, fmt.Errorf("no command in %q", line)
}

// shellWords splits a command line. A word or the value after NAME= may be in single quotes, or in double quotes with
// Go's escapes.
func shellWords(line string) ([]string, error) {
	var words []string
	for line != "" {
		var word strings.Builder
		for line != "" && line[0] != ' ' {
			part, rest, err := shellPart(line)
			if err != nil {
				return nil, err
			}
			word.WriteString(part)
			line = rest
		}
		words = append(words, word.String())
		line = strings.TrimLeft(line, " ")
	}
	return words, nil
}

// shellPart reads a quoted or an unquoted part of a word from a line.
func shellPart(line string) (part, rest string, err error) {
	switch line[0] {
	case '\'':
		part, rest, ok := strings.Cut(line[1:], "'")
		if !ok {
			return "", "", fmt.Errorf("no closing quote in %q", line)
		}
		return part, rest, nil
	case '"':
		quoted, err := strconv.QuotedPrefix(line)
		if err != nil {
			return "", "", fmt.Errorf("%w in %q", err, line)
		}
		part, err := strconv.Unquote(quoted)
		return part, line[len(quoted):], err
	}
	end := strings.IndexAny(line, ` '"`)
	if end < 0 {
		end = len(line)
	}
	return line[:end], line[end:], nil
}
