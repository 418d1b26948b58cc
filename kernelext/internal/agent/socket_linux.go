package agent

import "syscall"

func newSocket() (int, error) {
	return syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
}

func acceptSocket(listener int) (int, error) {
	fd, _, err := syscall.Accept4(listener, syscall.SOCK_CLOEXEC)
	return fd, err
}

// receiveMessage is recvmsg; received descriptors are closed on exec.
func receiveMessage(fd int, data, rights []byte) (n, rightsN int, err error) {
	n, rightsN, _, _, err = syscall.Recvmsg(fd, data, rights, syscall.MSG_CMSG_CLOEXEC)
	return n, rightsN, err
}
