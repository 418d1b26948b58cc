package conformance

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"deeplearning.example/internal/peers/frontends"
	"deeplearning.example/kernelext/nbformat"
)

// TestSameOutputs: nbclient, papermill, nbconvert and `lecture run` leave the same outputs in a notebook.
func TestSameOutputs(t *testing.T) {
	frontends.Need(t)
	i := frontends.Install(t)
	ctx, cancel := context.WithTimeout(t.Context(), frontends.Patience)
	defer cancel()
	nb, dir := frontends.Notebook(t), t.TempDir()
	want := frontends.Outputs(t, i.Nbclient(ctx, t, nb))
	checkOutputs(t, want)

	input := filepath.Join(dir, "frontends.ipynb")
	if err := nbformat.Write(input, nb); err != nil {
		t.Fatal(err)
	}
	papermill := i.Command(ctx, dir, "papermill", "--no-progress-bar", input, "papermill.ipynb")
	compare(t, "papermill", want, frontends.Outputs(t, execute(t, papermill, "papermill.ipynb", papermillComplains)))

	nbconvert := i.Command(ctx, dir, "jupyter", "nbconvert", "--to", "notebook", "--execute", input, "--output", "nbconvert.ipynb")
	compare(t, "nbconvert", want, frontends.Outputs(t, execute(t, nbconvert, "nbconvert.ipynb", "")))

	lecture := exec.CommandContext(ctx, filepath.Join(i.Bin, "lecture"), "run", "--no-setup", "--out", "own", input)
	lecture.Dir, lecture.Env = dir, i.Env
	compare(t, "lecture run", want, frontends.Outputs(t, execute(t, lecture, filepath.Join("own", "frontends.ipynb"), "")))
}

// papermillComplains matches the end of papermill when it has run all cells of a notebook and one has failed. With the
// tag raises-exception it runs the remaining cells, but ends in the same manner.
const papermillComplains = `Exception encountered at "In [10]"`

// execute runs a program that writes the executed notebook into a file of its folder. It must succeed, or end with the
// given complaint.
func execute(t *testing.T, cmd *exec.Cmd, result, complaint string) *nbformat.Notebook {
	t.Helper()
	out, err := cmd.CombinedOutput()
	if (err != nil) != (complaint != "") || !strings.Contains(string(out), complaint) {
		t.Fatalf("%s: %v, want the complaint %q\n%s", filepath.Base(cmd.Path), err, complaint, out)
	}
	nb, err := nbformat.Read(filepath.Join(cmd.Dir, result))
	if err != nil {
		t.Fatal(err)
	}
	return nb
}

// checkOutputs checks the cells' results, so that equal outputs are not equally wrong.
func checkOutputs(t *testing.T, outputs []string) {
	t.Helper()
	for cell, want := range map[int][]string{
		1:  {"double 42", "line 2999: ä € 𝔾", "no line end"},
		2:  {"to stderr\\ntwice\\n", "to stdout\\nto stdout again\\n"},
		3:  {"before", "<b>bold</b>", "between", "**bold**", "after"},
		4:  {"before", "<i>plain</i>", "three, from a later cell"},
		5:  {"[]"},
		6:  {"image/png"},
		7:  {"step 20 of 20"},
		8:  {"still printed", "as it should"},
		9:  {"noSuchFunction"},
		10: {"to its stderr", "from the shell"},
		11: {"<> EOF"},
		12: {"the end 2"},
	} {
		rest := outputs[cell]
		for _, text := range want {
			at := strings.Index(rest, text)
			if at < 0 {
				t.Errorf("cell %d: no %q, in order, in %.2000s", cell, text, outputs[cell])
				break
			}
			rest = rest[at+len(text):]
		}
	}
}

// compare reports each cell whose outputs differ.
func compare(t *testing.T, name string, want, got []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d code cells, want %d", name, len(got), len(want))
	}
	for cell := range want {
		if got[cell] != want[cell] {
			t.Errorf("%s: cell %d:\n%.2000s\nwith nbclient:\n%.2000s", name, cell, got[cell], want[cell])
		}
	}
}
