package jupyter

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// This file has ZeroMQ's wire protocol ZMTP 3.0, https://rfc.zeromq.org/spec/23/, with its NULL mechanism, as far as
// Jupyter uses it. The package zmq4 is not used, because it allocates any length that a peer announces, even before the
// handshake is done. Every program that reaches a port could thus end the process.

// Flags of a frame.
const (
	flagMore    = 1
	flagLong    = 2
	flagCommand = 4
)

const (
	greetingSize = 64
	// maxCommand limits a command, which is a handshake, a ping or a subscription.
	maxCommand = 64 << 10
	// maxIdentity is the longest routing id that ZMTP allows.
	maxIdentity = 255
)

// Types of sockets on the two sides of Jupyter, by the names used in the handshake.
const (
	dealerSocket = "DEALER"
	routerSocket = "ROUTER"
	pubSocket    = "PUB"
	subSocket    = "SUB"
	reqSocket    = "REQ"
	repSocket    = "REP"
)

// partners returns the types of sockets that may be connected to one of type kind.
func partners(kind string) []string {
	switch kind {
	case routerSocket:
		return []string{dealerSocket, reqSocket, routerSocket}
	case dealerSocket:
		return []string{routerSocket, repSocket, dealerSocket}
	case pubSocket:
		return []string{subSocket, "XSUB"}
	case subSocket:
		return []string{pubSocket, "XPUB"}
	case repSocket:
		return []string{reqSocket, dealerSocket}
	case reqSocket:
		return []string{repSocket, routerSocket}
	}
	return nil
}

// handshake prepares the link for messages and returns the identity that the other end has set, mostly "".
func (l *link) handshake(kind, identity string) (peer string, err error) {
	if err := l.greet(); err != nil {
		return "", err
	}
	if err := l.writeFrame(flagCommand, readyCommand(kind, identity)); err != nil {
		return "", err
	}
	if err := l.out.Flush(); err != nil {
		return "", err
	}
	properties, err := l.readReady()
	if err != nil {
		return "", err
	}
	theirs := properties["socket-type"]
	if want := partners(kind); !slices.Contains(want, theirs) {
		return "", fmt.Errorf("the peer is a socket of type %q, want %s", theirs, strings.Join(want, " or "))
	}
	peer = properties["identity"]
	if len(peer) > maxIdentity || strings.HasPrefix(peer, "\x00") {
		return "", fmt.Errorf("the peer's identity %.20q, want at most %d bytes, the first not 0", peer, maxIdentity)
	}
	return peer, nil
}

// greet exchanges the first 64 bytes: a signature, the version, the security mechanism.
func (l *link) greet() error {
	greeting := make([]byte, greetingSize)
	greeting[0], greeting[9] = 0xFF, 0x7F
	greeting[10] = 3
	copy(greeting[12:], "NULL")
	if _, err := l.out.Write(greeting); err != nil {
		return err
	}
	if err := l.out.Flush(); err != nil {
		return err
	}
	// The first byte is read alone, so that a browser or a scanner that sends less than a greeting is refused at once.
	if first, err := l.in.Peek(1); err != nil {
		return err
	} else if first[0] != 0xFF {
		return fmt.Errorf("the peer does not speak ZeroMQ: its first byte is %#x, want 0xff", first[0])
	}
	if _, err := io.ReadFull(l.in, greeting); err != nil {
		return fmt.Errorf("the peer's greeting: %w", err)
	}
	mechanism := string(bytes.TrimRight(greeting[12:32], "\x00"))
	switch {
	case greeting[9] != 0x7F:
		return errors.New("the peer does not speak ZeroMQ: a greeting without signature")
	case greeting[10] < 3:
		return fmt.Errorf("the peer speaks version %d of ZeroMQ's protocol, want 3", greeting[10])
	case mechanism != "NULL":
		return fmt.Errorf("the peer's security mechanism is %q, want NULL", mechanism)
	}
	return nil
}

func readyCommand(kind, identity string) []byte {
	body := []byte("\x05READY")
	body = appendProperty(body, "Socket-Type", kind)
	if kind == dealerSocket || kind == reqSocket || kind == routerSocket {
		body = appendProperty(body, "Identity", identity)
	}
	return body
}

func appendProperty(body []byte, name, value string) []byte {
	body = append(body, byte(len(name)))
	body = append(body, name...)
	body = binary.BigEndian.AppendUint32(body, uint32(len(value)))
	return append(body, value...)
}

// readReady reads the peer's half of the handshake.
func (l *link) readReady() (map[string]string, error) {
	flags, size, err := l.frameHeader()
	if err != nil {
		return nil, fmt.Errorf("the peer's handshake: %w", err)
	}
	if flags&flagCommand == 0 {
		return nil, errors.New("the peer sends a message before its handshake")
	}
	body, err := l.commandBody(size)
	if err != nil {
		return nil, fmt.Errorf("the peer's handshake: %w", err)
	}
	name, data := splitCommand(body)
	switch name {
	case "READY":
		return parseProperties(data)
	case "ERROR":
		return nil, fmt.Errorf("the peer refuses: %.100q", data)
	}
	return nil, fmt.Errorf("the peer starts with the command %.20q, want READY", name)
}

// splitCommand splits a command into its name and data; a malformed one has an empty name.
func splitCommand(body []byte) (name string, data []byte) {
	if len(body) == 0 || len(body) < 1+int(body[0]) {
		return "", nil
	}
	end := 1 + int(body[0])
	return string(body[1:end]), body[end:]
}

// parseProperties reads the names, in lower case, and the values of a handshake.
func parseProperties(data []byte) (map[string]string, error) {
	properties := map[string]string{}
	for len(data) > 0 {
		name, rest := splitCommand(data) // a name has the same form here
		if name == "" || len(rest) < 4 {
			return nil, errors.New("the peer's handshake is malformed")
		}
		size := binary.BigEndian.Uint32(rest)
		if rest = rest[4:]; uint64(size) > uint64(len(rest)) {
			return nil, errors.New("the peer's handshake is malformed")
		}
		properties[strings.ToLower(name)] = string(rest[:size])
		data = rest[size:]
	}
	return properties, nil
}
