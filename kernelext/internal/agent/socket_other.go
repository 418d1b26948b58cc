//go:build !linux

package agent

import "syscall"

func newSocket() (int, error) {
	return closedOnExec(func() (int, error) { return syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0) })
}

func acceptSocket(listener int) (int, error) {
	return closedOnExec(func() (int, error) {
		fd, _, err := syscall.Accept(listener)
		return fd, err
	})
}

func closedOnExec(open func() (int, error)) (int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fd, err := open()
	if err == nil {
		syscall.CloseOnExec(fd)
	}
	return fd, err
}

// receiveMessage is recvmsg; received descriptors are closed on exec.
func receiveMessage(fd int, data, rights []byte) (n, rightsN int, err error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	n, rightsN, _, _, err = syscall.Recvmsg(fd, data, rights, 0)
	if err != nil || rightsN == 0 {
		return n, rightsN, err
	}
	messages, _ := syscall.ParseSocketControlMessage(rights[:rightsN]) // parseRights reports the error
	for _, m := range messages {
		fds, _ := syscall.ParseUnixRights(&m)
		for _, fd := range fds {
			syscall.CloseOnExec(fd)
		}
	}
	return n, rightsN, nil
}
