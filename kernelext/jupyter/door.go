package jupyter

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// handshakeTimeout ends connections that send nothing.
	handshakeTimeout = 10 * time.Second
	// maxPeers limits the connections to one port, so that they do not use up the process's descriptors.
	maxPeers = 200
	// acceptPause is the time until the next attempt when no connection can be accepted, mostly because no descriptors
	// are left.
	acceptPause = 100 * time.Millisecond
)

// door is one listening port of a Server.
type door struct {
	channel  Channel
	port     int
	kind     string // kind of the socket
	serve    func(p *peer)
	listener net.Listener
	peers    atomic.Int32
}

// peer is one connection to a Server.
type peer struct {
	*link
	*outbox
	id   string // the identity that the peer has set, or one chosen by a router
	name string // for the log
}

// open binds a door's port.
func (s *Server) open(d *door) error {
	network, address := s.info.listenAddress(d.port)
	listener, err := net.Listen(network, address)
	if errors.Is(err, syscall.EADDRINUSE) && network == "unix" && removeStale(address) {
		listener, err = net.Listen(network, address)
	}
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("jupyter: %s channel: %s is taken by another program: "+
			"restart the kernel, which chooses new ports: %w", d.channel, s.info.Endpoint(d.port), err)
	case err != nil:
		return fmt.Errorf("jupyter: %s channel: cannot listen at %s: %w", d.channel, s.info.Endpoint(d.port), err)
	}
	d.listener = listener
	s.doors = append(s.doors, d)
	return nil
}

// listenAddress returns the address where a kernel listens.
func (info *ConnectionInfo) listenAddress(port int) (network, address string) {
	if info.Transport == "tcp" && info.IP == "*" {
		return "tcp", fmt.Sprintf(":%d", port)
	}
	if info.Transport == "tcp" {
		return "tcp", net.JoinHostPort(info.IP, fmt.Sprint(port))
	}
	return info.dialAddress(port)
}

// removeStale removes the socket file of a program that has ended. It reports whether it did.
func removeStale(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || info.Mode().Type() != os.ModeSocket {
		return false
	}
	if conn, err := net.Dial("unix", path); err == nil {
		conn.Close()
		return false
	} else if !errors.Is(err, syscall.ECONNREFUSED) {
		return false
	}
	return os.Remove(path) == nil
}

// accept accepts connections until Close.
func (s *Server) accept(d *door) {
	for {
		conn, err := d.listener.Accept()
		switch {
		case s.ctx.Err() != nil:
			if err == nil {
				conn.Close()
			}
			return
		case err != nil:
			s.log.printf("%s: no connection can be accepted: %v", d.channel, err)
			select {
			case <-time.After(acceptPause):
			case <-s.ctx.Done():
			}
		case d.peers.Add(1) > maxPeers:
			d.peers.Add(-1)
			conn.Close()
			s.log.printf("%s: a connection is refused: there are %d already", d.channel, maxPeers)
		default:
			s.work.Go(func() {
				defer d.peers.Add(-1)
				s.welcome(d, conn)
			})
		}
	}
}

// welcome performs the handshake with a new peer, and serves it.
func (s *Server) welcome(d *door, conn net.Conn) {
	defer conn.Close()
	defer context.AfterFunc(s.ctx, func() { conn.Close() })()
	p := &peer{link: newLink(d.channel, conn, s.limit(d.channel)), name: peerName(conn)}
	patience, cancel := context.WithTimeoutCause(s.ctx, handshakeTimeout, errors.New("no handshake in time"))
	id, err := p.open(patience, d.kind, "")
	cancel()
	if err != nil {
		// Do not log a program that only checks whether the port is open, or a peer that connected while the server was
		// being closed. A refused peer may close the connection first, so the error of closing is ignored.
		if !errors.Is(err, context.Canceled) && !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
			s.log.printf("%s: a connection from %s is refused: %v", d.channel, p.name, err)
		}
		return
	}
	p.id = id
	p.outbox = newOutbox(s.opts.Queue, func(format string, args ...any) {
		s.log.printf("%s: the front end at %s "+format, append([]any{d.channel, p.name}, args...)...)
	})
	d.serve(p)
}

// limit returns the length of the longest message that is accepted on a channel. Subscriptions and heartbeats are
// short.
func (s *Server) limit(channel Channel) int64 {
	if channel == IOPub || channel == Heartbeat {
		return maxCommand
	}
	return s.opts.MaxMessage
}

// peerName returns a peer's address; those of Unix sockets have none.
func peerName(conn net.Conn) string {
	if addr := conn.RemoteAddr().String(); addr != "" && addr != "@" {
		return addr
	}
	return "this machine"
}

// serveHeartbeat echoes messages.
func (s *Server) serveHeartbeat(p *peer) {
	for {
		frames, err := s.recv(p)
		if err != nil || p.send(frames) != nil {
			return
		}
	}
}
