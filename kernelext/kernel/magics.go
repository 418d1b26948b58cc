package kernel

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"deeplearning.example/kernelext/cell"
)

// magic executes one of the supervisor's own commands before the cell's code.
type magic func(r *run, m cell.Magic) error

// magics are the supervisor's own commands.
var magics = map[string]magic{
	"%lecture": magicLecture,
	"%mode":    magicMode,
	"%device":  magicDevice,
	"%limit":   magicLimit,
	"%timing":  magicTiming,
	"%output":  magicOutput,
	"%capture": magicCapture,
	"%env":     magicEnv,
	"%wasm":    magicWasm,
}

// prepare executes the supervisor's own magics, warns of GoNB's silent changes, and returns the text for GoNB.
func (r *run) prepare() (code string, failed *failure) {
	for _, m := range r.cell.Magics {
		if f := r.obey(m); f != nil {
			return "", f
		}
	}
	r.k.mu.Lock()
	traps := r.cell.Traps(r.k.defs)
	r.k.mu.Unlock()
	for _, trap := range traps {
		if !trap.Repaired {
			r.out.note("stderr", fmt.Sprintf("[lecture] line %d: %s\n", trap.Line, trap.Text))
		}
	}
	r.limits = r.k.settings.limitsNow()
	r.out.setLimit(r.limits.Output)
	return r.cell.Rewrite(r.rewrite), nil
}

// obey executes a magic if it is one of the supervisor's, and returns an error for an unknown one.
func (r *run) obey(m cell.Magic) *failure {
	if !cell.Known(m.Name) {
		text := m.Name + " is not a command of this kernel"
		if near := cell.Suggest(m.Name); len(near) > 0 {
			text += ", perhaps " + strings.Join(near, " or ")
		}
		return r.magicFailure(m, text+"; `%lecture` and `%help` list them")
	}
	if m.Name == "%%script" && len(m.Args) == 0 {
		return r.magicFailure(m, "%%script: want the program that reads the cell, as in `%%script python3`")
	}
	if own := magics[m.Name]; own != nil {
		if err := own(r, m); err != nil {
			return r.magicFailure(m, m.Name+": "+err.Error())
		}
	}
	return nil
}

func (r *run) magicFailure(m cell.Magic, text string) *failure {
	return &failure{Ename: nameMagic, Evalue: text, Traceback: []string{r.lines.frame(cellLine{r.count, m.Line}, text)}}
}

// rewrite returns GoNB's replacement of a magic.
func (r *run) rewrite(m cell.Magic) (line string, changed bool) {
	switch m.Name {
	case "!", "!*":
		if m.Rest == "" {
			return "", true
		}
		return m.Name + "lecture-helper shell " + quoteShell(m.Rest), true
	case "%models":
		return "!lecture-helper shell " + quoteShell(strings.TrimSpace("lecture models "+modelsCommand(m))), true
	case "%%bash", "%%sh":
		return "%%script lecture-helper script " + strings.TrimPrefix(m.Name, "%%"), true
	case "%%script":
		return "%%script lecture-helper script " + m.Rest, true
	case "%env", "%wasm":
		return "", false // GoNB executes it; the supervisor only records it
	}
	return "", magics[m.Name] != nil
}

// modelsCommand is the command of `lecture models`: its list by default.
func modelsCommand(m cell.Magic) string {
	if m.Rest == "" {
		return "list"
	}
	return m.Rest
}

// quoteShell quotes a text as one word for bash.
func quoteShell(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// shellLine returns the line of the shell command that runs now: the last that has started. 0 means that there is none.
func (r *run) shellLine() int {
	r.mu.Lock()
	begun := r.shells
	r.mu.Unlock()
	for _, m := range r.cell.Magics {
		switch {
		case strings.HasPrefix(m.Name, "!"), m.Name == "%models", r.cell.Foreign && strings.HasPrefix(m.Name, "%%"):
			if begun--; begun <= 0 {
				return m.Line
			}
		}
	}
	return 0
}

func magicLecture(r *run, m cell.Magic) error {
	if len(m.Args) > 0 {
		return fmt.Errorf("takes no arguments, got %q", m.Rest)
	}
	var text strings.Builder
	text.WriteString("Commands of this kernel beside GoNB's (`%help` lists those):\n\n")
	for _, c := range cell.Commands {
		if c.Own {
			fmt.Fprintf(&text, "  %s\n      %s\n", c.Usage, c.Help) // a line fits into a notebook's page
		}
	}
	text.WriteString("\nNow: " + r.k.state() + "\n")
	r.out.note("stdout", text.String())
	return nil
}

// state describes the present settings.
func (k *Kernel) state() string {
	l := k.settings.limitsNow()
	parts := []string{"mode " + orDefault(k.settings.value(envMode), "quick"),
		"device " + orDefault(k.settings.value(envDevice), "the best there is")}
	for _, name := range limitNames {
		parts = append(parts, name+" "+l.text(name))
	}
	return strings.Join(parts, ", ")
}

func orDefault(value, missing string) string {
	if value == "" {
		return missing
	}
	return value
}

func magicMode(r *run, m cell.Magic) error {
	return r.choose(m, "mode", envMode, "quick", func(value string) error {
		if value != "quick" && value != "full" {
			return fmt.Errorf("%q, want quick or full", value)
		}
		return nil
	})
}

func magicDevice(r *run, m cell.Magic) error {
	if backend := os.Getenv("GOMLX_BACKEND"); backend != "" && len(m.Args) > 0 {
		return fmt.Errorf("GOMLX_BACKEND=%s is set for this kernel and takes precedence: start Jupyter without it", backend)
	}
	return r.choose(m, "device", envDevice, "the best there is", func(value string) error {
		kind, ordinal, numbered := strings.Cut(value, ":")
		if value == "cpu" || value == "go" || kind == "cuda" && (!numbered || isNumber(ordinal)) {
			return nil
		}
		return fmt.Errorf("%q, want cpu, cuda, cuda:0 or go", value)
	})
}

func isNumber(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}

// choose sets a variable of later cells, or prints it.
func (r *run) choose(m cell.Magic, name, variable, missing string, check func(string) error) error {
	switch len(m.Args) {
	case 0:
		r.out.note("stdout", fmt.Sprintf("%s: %s\n", name, orDefault(r.k.settings.value(variable), missing)))
		return nil
	case 1:
		if err := check(m.Args[0]); err != nil {
			return err
		}
		r.k.settings.setenv(variable, m.Args[0])
		r.out.note("stdout", fmt.Sprintf("%s: %s, from this cell on\n", name, m.Args[0]))
		return nil
	}
	return fmt.Errorf("takes one argument, got %q", m.Rest)
}

func magicLimit(r *run, m cell.Magic) error {
	switch len(m.Args) {
	case 0:
		l := r.k.settings.limitsNow()
		for _, name := range limitNames {
			r.out.note("stdout", fmt.Sprintf("%-7s %s\n", name, l.text(name)))
		}
		return nil
	case 2:
		if err := r.k.settings.setLimit(m.Args[0], m.Args[1]); err != nil {
			return err
		}
		l := r.k.settings.limitsNow()
		r.out.note("stdout", fmt.Sprintf("limit of %s: %s, from this cell on\n", m.Args[0], l.text(m.Args[0])))
		return nil
	}
	return fmt.Errorf("want a name (%s) and a value, as in `%%limit memory 8GB`, got %q",
		strings.Join(limitNames, ", "), m.Rest)
}

// errNoCell is returned when no cell has run.
var errNoCell = errors.New("no cell has run yet")

func (k *Kernel) lastRun() (*run, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.last == nil {
		return nil, errNoCell
	}
	return k.last, nil
}

func magicTiming(r *run, m cell.Magic) error {
	last, err := r.k.lastRun()
	if err != nil {
		return err
	}
	if len(m.Args) > 0 {
		return fmt.Errorf("takes no arguments, got %q", m.Rest)
	}
	t := last.clock.timing()
	r.out.note("stdout", fmt.Sprintf("cell [%d]\n%s", last.count, t.table()))
	return nil
}

// magicOutput describes the last cell's output, or saves all of it.
func magicOutput(r *run, m cell.Magic) error {
	last, err := r.k.lastRun()
	if err != nil {
		return err
	}
	switch {
	case len(m.Args) == 0:
		r.out.note("stdout", fmt.Sprintf("cell [%d] printed %s in %d lines; `%%output save FILE` writes them to a file\n",
			last.count, formatBytes(last.out.total), last.out.lines))
		return nil
	case len(m.Args) == 2 && m.Args[0] == "save":
		path := r.k.pathOfUser(m.Args[1])
		kept, err := last.out.spool.save(path)
		if err != nil {
			return err
		}
		r.out.note("stdout", fmt.Sprintf("%s of cell [%d] in %s\n", formatBytes(kept), last.count, path))
		return nil
	}
	return fmt.Errorf("want `save FILE` or nothing, got %q", m.Rest)
}

// magicCapture copies the cell's text to a file, as GoNB does for text that it reads.
func magicCapture(r *run, m cell.Magic) error {
	args := m.Args
	flags := os.O_CREATE | os.O_WRONLY | os.O_TRUNC
	if len(args) == 2 && args[0] == "-a" {
		args, flags = args[1:], os.O_CREATE|os.O_WRONLY|os.O_APPEND
	}
	if len(args) != 1 {
		return fmt.Errorf("want `[-a] FILE`, got %q", m.Rest)
	}
	file, err := os.OpenFile(r.k.pathOfUser(args[0]), flags, 0o644)
	if err != nil {
		return err
	}
	r.out.captureTo(file)
	return nil
}

// magicEnv records the variables that the supervisor's magics set too; GoNB does the rest.
func magicEnv(r *run, m cell.Magic) error {
	name, value, _ := strings.Cut(strings.Join(m.Args, "="), "=")
	if name == envMode || name == envDevice {
		r.k.settings.setenv(name, value)
	}
	return nil
}

// pathOfUser returns a path as GoNB understands it: ~ and $VAR are expanded, and a relative path starts at the folder
// of the cells.
func (k *Kernel) pathOfUser(path string) string {
	if home, err := os.UserHomeDir(); err == nil && (path == "~" || strings.HasPrefix(path, "~/")) {
		path = home + path[1:]
	}
	path = os.ExpandEnv(path)
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(k.cellFolder(), path)
}

// lasting are the magics of GoNB with a lasting effect: a new GoNB gets them again.
var lasting = []string{"%env", "%cd", "%goflags", "%autoget", "%noautoget"}

// keepMagics records the magics for a new GoNB, once the cell has succeeded.
func (k *Kernel) keepMagics(r *run) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !r.remembered {
		k.defs.Apply(r.cell) // %rm and %reset
	}
	for _, m := range r.cell.Magics {
		if slices.Contains(lasting, m.Name) {
			line := strings.TrimSpace(m.Name + " " + m.Rest)
			k.replay = append(slices.DeleteFunc(k.replay, func(old string) bool { return old == line }), line)
		}
	}
}
