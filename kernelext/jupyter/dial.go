package jupyter

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"
)

const (
	// dialPause is the time between two attempts while the kernel does not listen yet.
	dialPause = 20 * time.Millisecond
	// sendTimeout limits the time of a send to a kernel that has stopped reading.
	sendTimeout = 10 * time.Second
)

// links are a client's ends of the five channels.
type links struct {
	shell, control, stdin, iopub *link
	heartbeat                    heartbeat
}

// dialer opens links with the same identity and limit.
type dialer struct {
	info     *ConnectionInfo
	identity string
	limit    int64
}

// dialAll opens the five links and subscribes to all of iopub. Shell, control and stdin share one identity: the
// protocol requires it for shell and stdin, and GoNB answers control requests on the shell channel. It waits until the
// kernel listens, until ctx ends or until dead, which may be nil, is closed; in the last case deathCause returns the
// reason.
func (d *dialer) dialAll(ctx context.Context, dead <-chan struct{}, deathCause func() error) (*links, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-dead:
			cancel(deathCause())
		case <-ctx.Done():
		}
	}()
	l := &links{}
	for _, ch := range []struct {
		channel Channel
		port    int
		kind    string
		to      **link
	}{
		{IOPub, d.info.IOPubPort, subSocket, &l.iopub},
		{Shell, d.info.ShellPort, dealerSocket, &l.shell},
		{Control, d.info.ControlPort, dealerSocket, &l.control},
		{Stdin, d.info.StdinPort, dealerSocket, &l.stdin},
		{Heartbeat, d.info.HBPort, reqSocket, &l.heartbeat.link},
	} {
		var err error
		if *ch.to, err = d.dial(ctx, ch.channel, ch.port, ch.kind); err != nil {
			l.close()
			return nil, err
		}
		if ch.channel != IOPub {
			continue
		}
		// Subscribe at once: a subscription takes effect some time later, during the other channels' handshakes.
		subscribeToAll := [][]byte{{1}} // ZMTP 3.0: the byte 1, then the prefix of the topics, here none
		if err := l.iopub.send(subscribeToAll); err != nil {
			l.close()
			return nil, err
		}
	}
	return l, nil
}

func (l *links) close() error {
	var errs []error
	for _, one := range []*link{l.shell, l.control, l.stdin, l.iopub, l.heartbeat.link} {
		if one != nil {
			errs = append(errs, one.close())
		}
	}
	return errors.Join(errs...)
}

// dial connects to an address. It tries again while no program listens there, until ctx ends.
func (d *dialer) dial(ctx context.Context, channel Channel, port int, kind string) (*link, error) {
	network, address := d.info.dialAddress(port)
	for {
		conn, err := dialOther(ctx, network, address)
		if err == nil {
			l := newLink(channel, conn, d.limit)
			l.timeout = sendTimeout
			_, err = l.open(ctx, kind, d.identity)
			return l, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("jupyter: %s channel at %s: %w", channel, address, context.Cause(ctx))
		case <-time.After(dialPause):
		}
	}
}

// dialOther dials and refuses a connection to itself. Such a connection succeeds when no program listens on a local
// port and the system happens to choose that port for this end. The kernel could then not bind it.
func dialOther(ctx context.Context, network, address string) (net.Conn, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if network == "tcp" && conn.LocalAddr().String() == conn.RemoteAddr().String() {
		conn.Close()
		return nil, errors.New("nothing listens there")
	}
	return conn, nil
}
