package agent

import (
	"fmt"
	"io"
	"os"
	"syscall"
)

// Package net is not used here: it takes about 1 ms to initialise in each new process, and every cell starts the helper
// several times.

// backlog is the number of peers that may wait to be accepted.
const backlog = 512

// dialSocket connects to a unix socket.
func dialSocket(path string) (*os.File, error) {
	fd, err := newSocket()
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	err = retry(func() error { return syscall.Connect(fd, &syscall.SockaddrUnix{Name: path}) })
	if err != nil {
		syscall.Close(fd)
		return nil, &os.PathError{Op: "connect", Path: path, Err: err}
	}
	return pollable(fd, path)
}

// listenSocket creates a unix socket.
func listenSocket(path string) (*os.File, error) {
	fd, err := newSocket()
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	if err = syscall.Bind(fd, &syscall.SockaddrUnix{Name: path}); err == nil {
		err = syscall.Listen(fd, backlog)
	}
	if err != nil {
		syscall.Close(fd)
		return nil, &os.PathError{Op: "listen", Path: path, Err: err}
	}
	return pollable(fd, path)
}

// accept waits for a peer.
func accept(listener *os.File) (*os.File, error) {
	fd := -1
	if err := poll(listener, false, func(l int) (err error) { fd, err = acceptSocket(l); return err }); err != nil {
		return nil, err
	}
	return pollable(fd, listener.Name())
}

// pollable returns a file for a socket that can be closed while another goroutine waits for it.
func pollable(fd int, name string) (*os.File, error) {
	if err := syscall.SetNonblock(fd, true); err != nil {
		syscall.Close(fd)
		return nil, os.NewSyscallError("setnonblock", err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// send writes data; files go with its first byte.
func send(socket *os.File, data []byte, files []*os.File) error {
	if len(files) > 0 {
		fds := make([]int, len(files))
		for i, f := range files {
			fds[i] = int(f.Fd())
		}
		n := 0
		err := poll(socket, true, func(fd int) (err error) {
			n, err = syscall.SendmsgN(fd, data, syscall.UnixRights(fds...), nil, 0)
			return err
		})
		if err != nil {
			return err
		}
		data = data[n:] // a part may have been taken
	}
	_, err := socket.Write(data)
	return err
}

// receive reads some data and the files that came with it. The end of the peer is io.EOF.
func receive(socket *os.File, data []byte) (n int, files []*os.File, err error) {
	rights := make([]byte, syscall.CmsgSpace(4*filesLimit))
	rightsN := 0
	err = poll(socket, false, func(fd int) (err error) {
		n, rightsN, err = receiveMessage(fd, data, rights)
		return err
	})
	if err != nil {
		return 0, nil, err
	}
	if rightsN > 0 {
		files, err = parseRights(rights[:rightsN])
	}
	if n == 0 && err == nil {
		err = io.EOF
	}
	return n, files, err
}

func parseRights(data []byte) (files []*os.File, err error) {
	messages, err := syscall.ParseSocketControlMessage(data)
	if err != nil {
		return nil, fmt.Errorf("descriptors: %w", err)
	}
	for _, m := range messages {
		fds, err := syscall.ParseUnixRights(&m)
		if err != nil {
			return files, fmt.Errorf("descriptors: %w", err)
		}
		for _, fd := range fds {
			files = append(files, os.NewFile(uintptr(fd), "from the kernel"))
		}
	}
	return files, nil
}

// poll calls f, and calls it again each time the socket is ready, until f need not wait any more.
func poll(socket *os.File, write bool, f func(fd int) error) error {
	raw, err := socket.SyscallConn()
	if err != nil {
		return err
	}
	wait := raw.Read
	if write {
		wait = raw.Write
	}
	var result error
	err = wait(func(fd uintptr) bool {
		result = retry(func() error { return f(int(fd)) })
		return result != syscall.EAGAIN
	})
	if err != nil {
		return err
	}
	return result
}

// retry calls f again when a signal interrupted it.
func retry(f func() error) error {
	for {
		if err := f(); err != syscall.EINTR {
			return err
		}
	}
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}
