// Package gopls completes and explains the Go code of notebook cells. A Session runs one gopls beside the kernel, in a
// folder of its own, shows it a cell as a file of the program that the cells so far make, and asks.
//
// A request is answered within its context or not at all: while gopls loads, a request waits for it no longer than the
// context allows, and gopls goes on loading behind. A gopls that dies is started anew by a later request.
package gopls

import (
	"errors"
	"io"
)

// errNotReady means that gopls is not running or still loading; a later request may be answered.
var errNotReady = errors.New("gopls: not ready")

// errOutdated means that a newer request of the same kind has taken the place of this one.
var errOutdated = errors.New("gopls: a newer request took its place")

// StartFunc starts a program with pipes. done is closed when it has ended; stop ends it, with all that it started, and
// may be called more than once.
type StartFunc func(argv, env []string, dir string) (
	stdin io.WriteCloser, stdout io.Reader, done <-chan struct{}, stop func(), err error)

// Options says how a Session runs gopls.
type Options struct {
	Program string       // path of gopls
	Start   StartFunc    // how to start it; nil: as a child process that dies with this one
	Dir     string       // folder of the session, made if missing; it is given a small module
	Module  string       // folder of the module that cells may import from; "" for none
	Imports []string     // import paths that cells are likely to use: loaded at the start, so that they answer at once
	Env     []string     // environment of gopls, NAME=value; nil: that of this process
	Log     func(string) // receives one line for each start, end and failure; nil: none
}

// Completion is what may stand at the cursor.
type Completion struct {
	Start, End int      // byte offsets of the text in the cell that a match replaces
	Matches    []string // best first, no two equal, at most 200
	Types      []string // of each match, in the words of the language server protocol: function, struct, variable, …
	Details    []string // of each match: signature or type, may be empty
}

// Doc explains what stands at the cursor.
type Doc struct {
	Found    bool
	Markdown string // declaration as a Go code block, then its comment
	Text     string // the same without Markdown's marks
}
