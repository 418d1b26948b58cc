// Package page turns notebooks into HTML pages to read: one file each, with pictures, formulas, fonts and styles
// inside, that looks the same from a web server, from a disk and on paper. A page fetches nothing and runs no script
// of its own: formulas are set when the page is made.
//
//	err := page.Render(w, nb, page.Options{Index: "index.html", Note: "quick mode, 1 min 52 s"})
//	err = page.RenderIndex(w, entries, page.Options{Title: "Lecture 11"})
//
// Markdown is GitHub's dialect with footnotes, heading ids ({#name}) and raw HTML, plus formulas in $…$, $$…$$,
// \(…\), \[…\] and \begin{align}…\end{align} and its like, set by KaTeX (folder katex, with its licence). HTML
// outputs go into the page as they are, scripts included, as Jupyter does: render notebooks that you trust.
package page
