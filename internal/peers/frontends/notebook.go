package frontends

import (
	"context"
	_ "embed"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"deeplearning.example/kernelext/nbformat"
)

// original is the notebook that all front ends execute.
//
//go:embed frontends.ipynb
var original []byte

// executeScript drives nbclient.
//
//go:embed execute.py
var executeScript string

// TagAsks marks the cell of Notebook that asks for input: a front end with a user would wait.
const TagAsks = "asks"

// Notebook returns the notebook that all front ends execute, without the cells that have one of the tags.
func Notebook(t testing.TB, without ...string) *nbformat.Notebook {
	t.Helper()
	nb, err := nbformat.Decode(original)
	if err != nil {
		t.Fatal(err)
	}
	nb.Cells = slices.DeleteFunc(nb.Cells, func(cell *nbformat.Cell) bool {
		tags, _ := cell.Metadata["tags"].([]any)
		return slices.ContainsFunc(tags, func(tag any) bool {
			name, _ := tag.(string)
			return slices.Contains(without, name)
		})
	})
	return nb
}

// Nbclient executes a notebook with nbclient, in a separate folder, and returns the executed one.
func (i *Installation) Nbclient(ctx context.Context, t testing.TB, nb *nbformat.Notebook) *nbformat.Notebook {
	t.Helper()
	dir := t.TempDir()
	if err := nbformat.Write(filepath.Join(dir, "in.ipynb"), nb); err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(dir, "execute.py")
	if err := os.WriteFile(script, []byte(executeScript), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := i.Command(ctx, dir, "python", script, "in.ipynb", "out.ipynb").CombinedOutput(); err != nil {
		t.Fatalf("nbclient: %v\n%s", err, out)
	}
	executed, err := nbformat.Read(filepath.Join(dir, "out.ipynb"))
	if err != nil {
		t.Fatal(err)
	}
	return executed
}
