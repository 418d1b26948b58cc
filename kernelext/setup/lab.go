package setup

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:embed lab/constraints.txt
var labConstraints string

// labRequirement is the version of JupyterLab that is installed if none is on PATH.
const labRequirement = "jupyterlab==4.5.0"

// completeMark is the file that marks a complete private environment.
const completeMark = ".lecture-complete"

// FindLab returns the path of jupyter-lab: the one on PATH, else the private one, else "".
func FindLab() string {
	if path, err := exec.LookPath("jupyter-lab"); err == nil {
		return path
	}
	folders, err := ResolveFolders("")
	if err != nil {
		return ""
	}
	venv := filepath.Join(folders.Data, "venv")
	if mark, err := os.ReadFile(filepath.Join(venv, completeMark)); err != nil || string(mark) != labConstraints {
		return ""
	}
	return filepath.Join(venv, "bin", "jupyter-lab")
}

// StepLab installs JupyterLab in a private environment, with pinned versions, if none is on PATH.
func StepLab() Step { return Step{"lab", stepLab} }

func stepLab(ctx context.Context, in *Installation) error {
	if path := FindLab(); path != "" {
		in.present("lab: %s", path)
		return nil
	}
	python, err := findPip(ctx)
	if err != nil {
		return err
	}
	if err := in.room(in.Data, 600e6); err != nil {
		return err
	}
	venv := filepath.Join(in.Data, "venv")
	in.say("lab: installing %s in %s (about 200 MB)", labRequirement, venv)
	if err := in.recordTree(venv); err != nil {
		return err
	}
	if err := in.makeVenv(ctx, python, venv); err != nil {
		return err
	}
	return in.replace(filepath.Join(venv, completeMark), []byte(labConstraints))
}

// makeVenv creates the environment from scratch; the rest of an interrupted set-up is removed first.
func (in *Installation) makeVenv(ctx context.Context, python, venv string) error {
	if err := os.RemoveAll(venv); err != nil {
		return in.explain(err, venv)
	}
	if out, err := exec.CommandContext(ctx, python, "-m", "venv", venv).CombinedOutput(); err != nil {
		return fmt.Errorf("python -m venv: %s (on Debian and Ubuntu: sudo apt-get install -y python3-venv)",
			oneLine(lastLine(string(out), err)))
	}
	constraints := filepath.Join(venv, "constraints.txt")
	if err := os.WriteFile(constraints, []byte(labConstraints), 0o644); err != nil {
		return in.explain(err, venv)
	}
	pip := exec.CommandContext(ctx, filepath.Join(venv, "bin", "python"), "-m", "pip", "install", "--quiet",
		"--disable-pip-version-check", "--retries", "2", "--timeout", "30", "-c", constraints, labRequirement)
	var stderr strings.Builder
	pip.Stderr = &stderr
	if err := pip.Run(); err != nil {
		return fmt.Errorf("pip: %s", lastError(stderr.String(), err))
	}
	return nil
}
