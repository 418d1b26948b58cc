package cli

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"deeplearning.example/kernelext/nbformat"
	"deeplearning.example/kernelext/run"
)

// notebook is one notebook of the command line, with its parameters.
type notebook struct {
	path   string // absolute
	name   string // file name, which names its results as well
	nb     *nbformat.Notebook
	params []run.Param
	values map[string]any // the values of -p
	stale  error          // set by --check if the stored outputs do not belong to its code
}

// loadNotebooks reads the given notebooks, or all of the lecture in order.
func loadNotebooks(module string, paths []string) ([]*notebook, error) {
	if len(paths) == 0 {
		var err error
		if paths, err = lectureNotebooks(module); err != nil {
			return nil, err
		}
	}
	var books []*notebook
	for _, path := range paths {
		book, err := loadNotebook(path)
		if err != nil {
			return nil, err
		}
		same := func(other *notebook) bool { return other.name == book.name }
		if slices.ContainsFunc(books, same) {
			return nil, usagef("two notebooks are named %s, and the results of one would replace the other's", book.name)
		}
		books = append(books, book)
	}
	return books, nil
}

// lectureNotebooks returns the paths of the lecture's notebooks.
func lectureNotebooks(module string) ([]string, error) {
	paths, err := filepath.Glob(filepath.Join(module, "notebooks", "*.ipynb"))
	if err == nil && len(paths) == 0 {
		err = usagef("no notebooks in %s", filepath.Join(module, "notebooks"))
	}
	return paths, err
}

func loadNotebook(path string) (*notebook, error) {
	if err := checkNotebookPath(path); err != nil {
		return nil, err
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	nb, err := nbformat.Read(path)
	if err != nil {
		return nil, err
	}
	params, err := run.Params(nb)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &notebook{path: abs, name: filepath.Base(abs), nb: nb, params: params, values: map[string]any{}}, nil
}

func checkNotebookPath(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return usagef("no notebook %s: want the path of an .ipynb file", path)
	case info.IsDir():
		return usagef("%s is a folder: want the path of an .ipynb file", path)
	}
	return nil
}

// applyParams sets the parameters of the notebooks that have them. A parameter that no notebook has is an error.
func applyParams(books []*notebook, settings []string) error {
	var all []run.Param
	for _, book := range books {
		for _, param := range book.params {
			if !slices.ContainsFunc(all, func(p run.Param) bool { return p.Name == param.Name }) {
				all = append(all, param)
			}
		}
	}
	slices.SortFunc(all, func(a, b run.Param) int { return cmp.Compare(a.Name, b.Name) })
	for _, setting := range settings {
		if _, _, err := run.ParseParam(all, setting); err != nil {
			return usageError{err}
		}
		if err := applyParam(books, setting); err != nil {
			return err
		}
	}
	return nil
}

func applyParam(books []*notebook, setting string) error {
	name, _, _ := strings.Cut(setting, "=")
	for _, book := range books {
		if !slices.ContainsFunc(book.params, func(p run.Param) bool { return p.Name == strings.TrimSpace(name) }) {
			continue
		}
		name, value, err := run.ParseParam(book.params, setting)
		if err != nil {
			return usageError{fmt.Errorf("%s: %w", book.name, err)}
		}
		book.values[name] = value
	}
	return nil
}
