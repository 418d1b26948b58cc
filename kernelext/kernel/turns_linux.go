package kernel

import (
	"os"

	"golang.org/x/sys/unix"
)

// turns lets the readers of pipes work one after the other, in the order in which data has arrived in the pipes. The
// system reports that order. The Go runtime's own poller reverses it if several pipes are ready at once: text that a
// program printed to stderr after its stdout would come first, in almost half of all cases.
type turns struct {
	epoll   int
	readers []*turn
}

// turn is one reader's part in it. A nil turn is always the reader's: there is no order then.
type turn struct {
	of    *turns
	index int32
	file  *os.File
	added bool // added to epoll
	armed bool // the next event is requested
	has   bool
	begun chan struct{}
	ended chan bool // true: the pipe is at its end
}

// newTurns returns a turn for the reader of each file.
func newTurns(files ...*os.File) []*turn {
	t := &turns{readers: make([]*turn, len(files))}
	var err error
	if t.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return t.readers
	}
	for i, file := range files {
		t.readers[i] = &turn{of: t, index: int32(i), file: file, begun: make(chan struct{}), ended: make(chan bool)}
	}
	go t.give()
	return t.readers
}

// give hands out the turns until all pipes are at their end.
func (t *turns) give() {
	defer unix.Close(t.epoll)
	events := make([]unix.EpollEvent, len(t.readers))
	for open := len(t.readers); open > 0; {
		n, err := unix.EpollWait(t.epoll, events, -1)
		if err != nil { // EINTR: n is -1
			continue
		}
		for _, event := range events[:n] {
			reader := t.readers[event.Fd]
			reader.begun <- struct{}{}
			if <-reader.ended {
				open--
			}
		}
	}
}

// begin waits until the pipe has something to read, and it is its reader's turn. It reports whether that is known.
func (t *turn) begin() bool {
	if t == nil {
		return false
	}
	if !t.armed {
		t.arm()
	}
	if t.armed {
		<-t.begun
		t.armed, t.has = false, true
	}
	return t.has
}

// arm requests one event. It does so after all earlier data has been read, so that the pipe's place in the order is
// that of its next data. A pipe without events is read without an order.
func (t *turn) arm() {
	operation := unix.EPOLL_CTL_MOD
	if !t.added {
		operation, t.added = unix.EPOLL_CTL_ADD, true
	}
	raw, err := t.file.SyscallConn()
	if err != nil {
		return
	}
	raw.Control(func(fd uintptr) {
		err = unix.EpollCtl(t.of.epoll, operation, int(fd), &unix.EpollEvent{
			Events: unix.EPOLLIN | unix.EPOLLONESHOT, Fd: t.index, // Fd is what the event brings back
		})
	})
	t.armed = err == nil
}

// end returns the turn, if the reader still has it.
func (t *turn) end(atEnd bool) {
	if t == nil || !t.has {
		return
	}
	if !atEnd {
		t.arm()
	}
	t.has = false
	t.ended <- atEnd
}

// pause returns the turn before the data is processed, because the reader has to wait for data of the other pipes.
func (t *turn) pause() {
	if t != nil && t.has {
		t.has = false
		t.ended <- false
	}
}
