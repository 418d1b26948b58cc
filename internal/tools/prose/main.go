// Command prose looks for turns of phrase that slow a reader down. It reads the comments and the texts of Go files and
// the paragraphs of Markdown files, and prints each place with the advice of the habit that it found:
//
//	go run ./internal/tools/prose                     # all files of the module
//	go run ./internal/tools/prose README.md docs      # these files and folders
//	go run ./internal/tools/prose -words 25 docs      # another limit for sentences
//	go run ./internal/tools/prose -notebooks          # Markdown cells of notebooks too
//
// The exit status is 1 when it found something. Files that match a line of baseline.txt are skipped unless they are
// named as arguments; a line that skips no finding is reported, so that the list can only shrink.
package main

import (
	_ "embed"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

//go:embed baseline.txt
var baselineText string

// finding is a place in a text and what to write there instead.
type finding struct {
	file   string
	place  string // "12" for a line, "cell 3" in a notebook
	found  string
	advice string
}

func main() {
	words := flag.Int("words", 40, "report sentences of more than `N` words")
	notebooks := flag.Bool("notebooks", false, "read the Markdown cells of notebooks too")
	flag.Parse()
	found, err := check(flag.Args(), options{words: *words, notebooks: *notebooks})
	if err != nil {
		fmt.Fprintln(os.Stderr, "prose:", err)
		os.Exit(2)
	}
	if report(os.Stdout, found); len(found) > 0 {
		os.Exit(1)
	}
}

type options struct {
	words     int  // the limit of a sentence
	notebooks bool // whether notebooks are read
}

// check returns the findings in the named files and folders. Without names it reads the working folder and applies
// the baseline.
func check(names []string, o options) ([]finding, error) {
	if len(names) > 0 {
		return checkAll(names, o)
	}
	found, err := checkAll([]string{"."}, o)
	if err != nil {
		return nil, err
	}
	return applyBaseline(found, baselineText)
}

func checkAll(names []string, o options) ([]finding, error) {
	var found []finding
	for _, name := range names {
		err := filepath.WalkDir(name, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return skipFolder(path, d, err)
			}
			more, err := checkFile(path, o)
			found = append(found, more...)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// ownExamples are the files of this command that quote what it looks for.
var ownExamples = regexp.MustCompile(`internal/tools/prose/(habits|prose_test)\.go$`)

// skipFolder leaves out hidden folders and test data.
func skipFolder(path string, d fs.DirEntry, err error) error {
	if err == nil && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
		return filepath.SkipDir
	}
	return err
}

// checkFile returns the findings in one file. Files of other kinds have none.
func checkFile(path string, o options) ([]finding, error) {
	read := map[string]func([]byte) ([]passage, error){".go": goPassages, ".md": markdownPassages}[filepath.Ext(path)]
	if o.notebooks && filepath.Ext(path) == ".ipynb" {
		read = notebookPassages
	}
	if read == nil || ownExamples.MatchString(filepath.ToSlash(path)) {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	passages, err := read(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var found []finding
	for _, p := range passages {
		for _, f := range p.findings(o.words) {
			f.file = filepath.ToSlash(path)
			found = append(found, f)
		}
	}
	return found, nil
}

func report(w io.Writer, found []finding) {
	for _, f := range found {
		fmt.Fprintf(w, "%s:%s: %q → %s\n", f.file, f.place, f.found, f.advice)
	}
}
