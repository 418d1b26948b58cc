package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"deeplearning.example/kernelext/jupyter"
	"deeplearning.example/kernelext/nbformat"
	"deeplearning.example/kernelext/nbformat/page"
	"deeplearning.example/kernelext/run"
)

// runsFolder is a folder in the results' folder. It has a file for each notebook that passed there.
const runsFolder = ".runs"

// passedRun is the content of such a file.
type passedRun struct {
	Inputs string      `json:"inputs"` // hash of everything that the run has read, see inputsOf
	Ended  time.Time   `json:"ended"`
	Report *run.Report `json:"report"`
}

func (b *batch) runFile(book *notebook) string {
	return filepath.Join(b.flags.out, runsFolder, book.name+".json")
}

// unchanged returns the result of an earlier run of the notebook, if its results are complete and a new run would read
// the same: text, parameters, mode, kernel, library, device and the files beside it.
func (b *batch) unchanged(book *notebook, in inputs) (result, bool) {
	if b.flags.fresh || b.flags.save || book.stale != nil || !in.known() {
		return result{}, false
	}
	var last passedRun
	raw, err := os.ReadFile(b.runFile(book))
	if err != nil || json.Unmarshal(raw, &last) != nil || last.Inputs != in.hash() || last.Report == nil {
		return result{}, false
	}
	nb, err := nbformat.Read(filepath.Join(b.flags.out, book.name))
	if err != nil {
		return result{}, false
	}
	if _, err := os.Stat(filepath.Join(b.flags.out, pageName(book.name))); err != nil {
		return result{}, false
	}
	shown := *book
	shown.nb = nb
	b.show.say("%s: unchanged since its run of %s; --fresh runs it again", book.name, last.Ended.Local().Format("2006-01-02 15:04"))
	return result{book: &shown, report: last.Report, unchanged: true, thumbnail: page.Thumbnail(nb)}, true
}

// noteRun records a notebook that passed. before are the inputs as they were when it started. Files that it has written count
// as inputs of the next run; if a file was changed meanwhile, there is no record, and the notebook is run again.
func (b *batch) noteRun(ctx context.Context, r result, before inputs, spec *jupyter.Spec) error {
	after := b.inputsOf(ctx, r.book, spec)
	if r.err != nil || !after.continues(before) {
		err := os.Remove(b.runFile(r.book))
		if os.IsNotExist(err) {
			return nil
		}
		return err
	}
	raw, err := json.Marshal(passedRun{Inputs: after.hash(), Ended: time.Now(), Report: r.report})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(b.runFile(r.book)), 0o755); err != nil {
		return err
	}
	return writeWhole(b.runFile(r.book), func(w io.Writer) error {
		_, err := w.Write(raw)
		return err
	})
}

// readVariables are the environment variables that change what a cell computes.
var readVariables = []string{"GOMLX_BACKEND", "XLA_FLAGS", "GOFLAGS", "LECTURE_DEVICE", "LECTURE_MNIST", "LECTURE_STORE"}

// inputs describes what a run of a notebook reads.
type inputs struct {
	fixed string                       // text, parameters, mode, kernel, library and device; empty: not known
	files map[string][sha256.Size]byte // the files beside the notebook, by their paths
}

// known reports whether all inputs could be read. They cannot if the notebook lies among too many files.
func (in inputs) known() bool { return in.fixed != "" && in.files != nil }

// continues reports whether the inputs are those of before and perhaps more files.
func (in inputs) continues(before inputs) bool {
	if !in.known() || !before.known() || in.fixed != before.fixed {
		return false
	}
	for path, sum := range before.files {
		if in.files[path] != sum {
			return false
		}
	}
	return true
}

// hash returns a hash of all.
func (in inputs) hash() string {
	sum := sha256.New()
	fmt.Fprintln(sum, in.fixed)
	for _, path := range slices.Sorted(maps.Keys(in.files)) {
		fmt.Fprintf(sum, "%q %x\n", path, in.files[path])
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// inputsOf reads the inputs of a notebook.
func (b *batch) inputsOf(ctx context.Context, book *notebook, spec *jupyter.Spec) inputs {
	if b.library == "" || ctx.Err() != nil {
		return inputs{}
	}
	files, err := b.filesBeside(book)
	if err != nil {
		return inputs{}
	}
	text, err := os.ReadFile(book.path)
	if err != nil {
		return inputs{}
	}
	values, err := json.Marshal(book.values)
	if err != nil {
		return inputs{}
	}
	fixed := fmt.Sprintf("%s\n%x\n%s\n%q %q\n%s\n", b.flags.mode, sha256.Sum256(text), values, spec.Argv, spec.Env, b.library)
	for _, name := range readVariables {
		fixed += fmt.Sprintf("%s=%q\n", name, os.Getenv(name))
	}
	return inputs{fixed, files}
}

// Limits of the files beside a notebook that are hashed for each run.
const (
	manyFiles = 200
	manyBytes = 64 << 20
)

// filesBeside hashes the files in the folder of a notebook and below it. Hidden files and folders and the results do not count,
// and other notebooks count only for one that reads them.
func (b *batch) filesBeside(book *notebook) (map[string][sha256.Size]byte, error) {
	files, bytes := map[string][sha256.Size]byte{}, int64(0)
	others := readsNotebooks(book.nb)
	root := filepath.Dir(book.path)
	results, err := filepath.Abs(b.flags.out)
	if err != nil {
		return nil, err
	}
	report, err := filepath.Abs(b.flags.report)
	if err != nil {
		return nil, err
	}
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		switch {
		case path != root && strings.HasPrefix(name, "."), path != root && path == results:
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case entry.IsDir(), path == book.path, path == report, filepath.Ext(name) == ".ipynb" && !others:
			return nil
		}
		info, err := os.Stat(path) // of the file itself, where path is a link
		if err != nil {
			return err
		}
		bytes += info.Size()
		if len(files) >= manyFiles || bytes > manyBytes || !info.Mode().IsRegular() {
			return fmt.Errorf("%s: more than %d files or %d bytes beside %s, or no file", path, manyFiles, int64(manyBytes), book.name)
		}
		content, err := os.ReadFile(path)
		files[path] = sha256.Sum256(content)
		return err
	})
	return files, err
}

// readsNotebooks reports whether a cell mentions notebooks, or reads the checks of others.
func readsNotebooks(nb *nbformat.Notebook) bool {
	for _, cell := range nb.Cells {
		if cell.Type == nbformat.Code && (strings.Contains(cell.Source, "ipynb") || strings.Contains(cell.Source, "kernelext.Checks")) {
			return true
		}
	}
	return false
}
