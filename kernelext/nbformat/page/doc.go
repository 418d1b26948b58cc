// Package page converts notebooks to HTML pages for reading. Each page is one file that contains its pictures,
// formulas, fonts and styles, and that looks the same from a web server, from a disk and on paper. A page fetches
// nothing and runs no script itself: formulas are typeset when the page is made.
//
//	err := page.Render(w, nb, page.Options{Index: "index.html", Note: "quick mode, 1 min 52 s"})
//	err = page.RenderIndex(w, entries, page.Options{Title: "Lecture 11"})
//
// Markdown is GitHub's dialect with footnotes, heading ids ({#name}) and raw HTML. Formulas in $…$, $$…$$, \(…\),
// \[…\], \begin{align}…\end{align} and similar environments are typeset by KaTeX (folder katex, with its licence). HTML
// outputs are copied into the page, including scripts, as Jupyter does: render only notebooks that you trust.
package page
