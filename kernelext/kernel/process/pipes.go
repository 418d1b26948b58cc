package process

import (
	"errors"
	"os"
)

// pipes creates the pipes of a start and records which ends to close.
type pipes struct {
	ours, theirs []*os.File
	err          error
}

func (p *pipes) make() (reader, writer *os.File) {
	reader, writer, err := os.Pipe()
	p.err = errors.Join(p.err, err)
	return reader, writer
}

func (p *pipes) toChild() (theirs, ours *os.File) {
	theirs, ours = p.make()
	p.ours, p.theirs = append(p.ours, ours), append(p.theirs, theirs)
	return theirs, ours
}

func (p *pipes) fromChild() (ours, theirs *os.File) {
	ours, theirs = p.make()
	p.ours, p.theirs = append(p.ours, ours), append(p.theirs, theirs)
	return ours, theirs
}

func (p *pipes) closeOurs()   { closeAll(p.ours) }
func (p *pipes) closeTheirs() { closeAll(p.theirs) }

// closeAll closes files and skips those that are nil or closed already.
func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}
