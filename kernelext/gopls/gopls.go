// Package gopls completes and explains the Go code of notebook cells. A Session runs one gopls beside the kernel, in a
// separate folder. It shows gopls a cell as a file of the program that consists of the cells so far, and asks about it.
//
// A request is answered within its context or not at all. While gopls loads, a request waits for it no longer than the
// context allows, and gopls continues to load in the background. After gopls has died, a later request starts it again.
package gopls

import (
	"errors"
	"io"
)

// errNotReady reports that gopls is not running or still loading; a later request may be answered.
var errNotReady = errors.New("gopls: not ready")

// errOutdated reports that a newer request of the same kind has replaced this one.
var errOutdated = errors.New("gopls: a newer request took its place")

// StartFunc starts a program with pipes. done is closed when it has ended. stop ends it with all its descendants, and
// may be called more than once.
type StartFunc func(argv, env []string, dir string) (
	stdin io.WriteCloser, stdout io.Reader, done <-chan struct{}, stop func(), err error)

// Options configures how a Session runs gopls.
type Options struct {
	Program string       // path of gopls
	Start   StartFunc    // how to start it; nil: as a child process that dies with this one
	Dir     string       // folder of the session, created if missing; a small module is written to it
	Module  string       // folder of the module that cells may import from; "" for none
	Imports []string     // import paths that cells are likely to use: loaded at the start, so that they are completed at once
	Env     []string     // environment of gopls, NAME=value; nil: that of this process
	Log     func(string) // receives one line for each start, end and failure; nil: none
}

// Completion lists the possible texts at the cursor.
type Completion struct {
	Start, End int      // byte offsets of the text in the cell that a match replaces
	Matches    []string // best first, no two equal, at most 200
	Types      []string // for each match its kind in the protocol's words: function, struct, variable, …
	Details    []string // for each match its signature or type; may be empty
}

// Doc explains the name at the cursor.
type Doc struct {
	Found    bool
	Markdown string // declaration as a Go code block, then its comment
	Text     string // the same without Markdown syntax
}
