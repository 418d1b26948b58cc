package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"deeplearning.example/kernelext/nbformat"
	"deeplearning.example/kernelext/nbformat/page"
	"deeplearning.example/kernelext/run"
)

// writeResult writes the executed notebook and its page to the results' folder.
func (b *batch) writeResult(r result) error {
	path := filepath.Join(b.flags.out, r.book.name)
	if err := nbformat.Write(path, r.book.nb); err != nil {
		return err
	}
	return writeWhole(filepath.Join(b.flags.out, pageName(r.book.name)), func(w io.Writer) error {
		return page.Render(w, r.book.nb, page.Options{
			Index:  "index.html",
			Source: r.book.name,
			Note:   noteText(b.flags.mode, r.report),
			Files:  os.DirFS(filepath.Dir(r.book.path)),
		})
	})
}

// noteText describes a run at the foot of its page: mode, time, machine and where the time went.
func noteText(mode string, r *run.Report) string {
	text := fmt.Sprintf("%s mode, %s, %s", mode, humanTime(seconds(r.Seconds)), machineText(r))
	if r.Times != nil {
		text += "; " + r.Times.String()
	}
	return text
}

func machineText(r *run.Report) string {
	text := fmt.Sprintf("%d cores", r.Machine.Cores)
	if r.Machine.GPU != "" && r.Machine.GPU != "none" {
		text += ", " + r.Machine.GPU
	}
	return text
}

func pageName(notebook string) string { return strings.TrimSuffix(notebook, ".ipynb") + ".html" }

// indexRefresh is the time after which a browser loads the index again while notebooks are running.
const indexRefresh = 5 * time.Second

// writeIndex writes the page that lists the notebooks of this run, those that wait too. The caller holds the lock.
func (b *batch) writeIndex() error {
	var entries []page.Entry
	opts := page.Options{Title: "Lecture 11", Note: b.flags.mode + " mode"}
	for _, e := range b.entries {
		entries = append(entries, e.shown(b.over))
	}
	if !b.over {
		opts.Refresh = indexRefresh
	}
	return writeWhole(filepath.Join(b.flags.out, "index.html"), func(w io.Writer) error {
		return page.RenderIndex(w, entries, opts)
	})
}

// shown returns a notebook's line of the index.
func (e *entry) shown(over bool) page.Entry {
	switch r := e.result; {
	case r != nil:
		return page.Entry{
			Title:     page.Title(r.book.nb),
			Page:      pageName(r.book.name),
			Status:    r.status(),
			Failed:    r.err != nil,
			Took:      seconds(r.report.Seconds),
			Thumbnail: r.thumbnail,
		}
	case e.running:
		return page.Entry{Title: e.title, Status: "running"}
	}
	if over {
		return page.Entry{Title: e.title, Status: "not run"}
	}
	return page.Entry{Title: e.title, Status: "waiting"}
}

// results returns the outcomes of the notebooks that have ended, in their order.
func (b *batch) results() []result {
	var all []result
	for _, e := range b.entries {
		if e.result != nil {
			all = append(all, *e.result)
		}
	}
	return all
}

func (r result) status() string {
	switch {
	case r.unchanged:
		return "passed, unchanged"
	case r.err == nil:
		return "passed"
	}
	return flat(r.err)
}

// writeReport writes the report file, if one was requested.
func (b *batch) writeReport() error {
	if b.flags.report == "" {
		return nil
	}
	var reports []*run.Report
	for _, r := range b.results() {
		reports = append(reports, r.report)
	}
	raw, err := run.JSON(reports)
	if err != nil {
		return err
	}
	return writeWhole(b.flags.report, func(w io.Writer) error {
		_, err := w.Write(raw)
		return err
	})
}

// writeWhole writes a file under a temporary name and renames it, so that it is never incomplete.
func writeWhole(path string, fill func(io.Writer) error) error {
	temp, err := os.CreateTemp(filepath.Dir(path), ".lecture-*")
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	defer os.Remove(temp.Name()) // fails after the rename, as it should
	err = fill(temp)
	if err == nil {
		err = temp.Chmod(0o644)
	}
	if closeErr := temp.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	return nil
}

// summary prints the table of the notebooks and the closing line, and returns how many failed.
func (b *batch) summary() (failed int) {
	same, results := 0, b.results()
	table := tabwriter.NewWriter(b.ios.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\nNOTEBOOK\tRESULT\tCELLS\tTIME\tPEAK MEMORY")
	for _, r := range results {
		word := "passed"
		switch {
		case r.err != nil:
			word = "FAILED"
			failed++
		case r.unchanged:
			word = "unchanged"
			same++
		}
		fmt.Fprintf(table, "%s\t%s\t%d\t%s\t%s\n", r.book.name, word, len(r.report.Cells),
			humanTime(seconds(r.report.Seconds)), humanBytes(r.report.PeakBytes))
	}
	_ = table.Flush() // a broken pipe is not worth a message
	for _, r := range results {
		if r.report.Times != nil && !r.unchanged {
			fmt.Fprintf(b.ios.out, "%s: %s\n", r.book.name, r.report.Times)
		}
	}
	for _, r := range results {
		if r.err != nil {
			fmt.Fprintf(b.ios.out, "FAILED %s\n", flat(r.err))
		}
	}
	fmt.Fprintf(b.ios.out, "results: %s\n", filepath.Join(b.flags.out, "index.html"))
	unchanged := ""
	if same > 0 {
		unchanged = fmt.Sprintf(" (%d unchanged)", same)
	}
	fmt.Fprintf(b.ios.out, "%d passed%s, %d failed\n", len(results)-failed, unchanged, failed)
	return failed
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// humanTime formats a duration for reading: 1.2 s, 48 s, 1 min 52 s.
func humanTime(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	}
	d = d.Round(time.Second)
	if d < time.Hour {
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
}
