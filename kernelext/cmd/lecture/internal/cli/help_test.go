package cli

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"deeplearning.example/kernelext/setup"
)

// TestExamples: each command line of the help texts and of README.md is understood, its notebooks exist, and they have
// the parameters that it sets. Paths that start with ~ are the reader's.
func TestExamples(t *testing.T) {
	module, err := setup.ModuleRoot(".")
	if err != nil {
		t.Fatal(err)
	}
	examples := helpExamples(newRoot(silent()))
	inHelp := len(examples)
	examples = append(examples, readmeExamples(t, filepath.Join(module, "README.md"))...)
	if inHelp < 10 || len(examples) < inHelp+5 {
		t.Errorf("%d examples in help texts and %d in all: the test does not find them", inHelp, len(examples))
	}
	for _, example := range examples {
		if err := checkExample(module, example); err != nil {
			t.Errorf("lecture %s: %v", strings.Join(example, " "), err)
		}
	}
}

// TestExamplesRefused: the check finds what it looks for.
func TestExamplesRefused(t *testing.T) {
	module, err := setup.ModuleRoot(".")
	if err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"rum notebooks/12_vae.ipynb":                "unknown command",
		"run --fool":                                "unknown flag",
		"params notebooks/vae.ipynb":                "no notebook",
		"lint notebooks/*.txt":                      "no notebook",
		"run -p no_such=1 notebooks/12_vae.ipynb":   "no_such",
		"run -p epochs=many notebooks/12_vae.ipynb": "epochs",
	} {
		if err := checkExample(module, strings.Fields(line)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("lecture %s: %v, want an error with %q", line, err, want)
		}
	}
}

func silent() *streams { return &streams{in: strings.NewReader(""), out: io.Discard, err: io.Discard} }

// helpExamples returns the words behind "lecture" of the examples of a command and its sub-commands.
func helpExamples(cmd *cobra.Command) [][]string {
	examples := exampleLines(cmd.Example, "lecture")
	for _, sub := range cmd.Commands() {
		examples = append(examples, helpExamples(sub)...)
	}
	return examples
}

// readmeExamples returns the words behind "go run ./kernelext/cmd/lecture".
func readmeExamples(t *testing.T, path string) [][]string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return exampleLines(string(text), "go run ./kernelext/cmd/lecture")
}

// comment is the remark behind an example, or the program that reads its output.
var comment = regexp.MustCompile(`\s(#|\|) .*`)

func exampleLines(text, command string) [][]string {
	var examples [][]string
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), command+" "); ok {
			examples = append(examples, strings.Fields(comment.ReplaceAllString(" "+rest, "")))
		}
	}
	return examples
}

// checkExample parses an example, and looks for its notebooks and parameters.
func checkExample(module string, words []string) error {
	cmd, rest, err := newRoot(silent()).Find(words)
	if err != nil {
		return err
	}
	if err := cmd.ParseFlags(rest); err != nil {
		return err
	}
	if err := cmd.ValidateArgs(cmd.Flags().Args()); err != nil {
		return err
	}
	paths, err := examplePaths(module, cmd.Flags().Args())
	if err != nil {
		return err
	}
	params, err := cmd.Flags().GetStringArray("param")
	if err != nil {
		return nil // the command has no parameters
	}
	if len(paths) == 0 && len(params) == 0 {
		return nil
	}
	books, err := loadNotebooks(module, paths)
	if err != nil {
		return err
	}
	return applyParams(books, params)
}

// examplePaths returns the notebooks of the tree that an example names.
func examplePaths(module string, args []string) ([]string, error) {
	var paths []string
	for _, arg := range args {
		if !strings.HasPrefix(arg, "notebooks/") {
			continue
		}
		found, err := filepath.Glob(filepath.Join(module, arg))
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, usagef("no notebook %s", arg)
		}
		paths = append(paths, found...)
	}
	return paths, nil
}
