// Package nbformat holds Jupyter notebooks as data: it reads, checks, changes and writes .ipynb files of format 4.5.
//
// A file that Jupyter wrote is written back byte for byte. The layout is that of Python's nbformat: keys sorted, indent
// of one space, text as lists of lines, non-ASCII letters kept. Numbers keep their digits, and fields that this package
// does not know are kept.
//
//	nb, err := nbformat.Read("vae.ipynb")
//	…
//	for _, cell := range nb.CodeCells() { … cell.Source … cell.Outputs = append(cell.Outputs, …) }
//	err = nb.Validate()               // cell 3 output 1: display_data without data
//	err = nbformat.Write("out/vae.ipynb", nb)
//
// Files of format 4.0 to 4.4 become 4.5 when read. Each cell gets an id that depends on its place and text only, so
// that reading twice returns the same notebook. Format 3 and older, and 5 and newer, are errors that say what to do.
// Reading is lenient about missing fields, as Jupyter is; Validate and Check are as strict as Jupyter's schema.
//
// Cells and outputs are counted from 1 in messages.
package nbformat
