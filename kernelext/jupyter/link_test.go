package jupyter

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"slices"
	"testing"
)

// discard is a connection that accepts and drops everything that is sent.
type discard struct{ net.Conn }

func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) Close() error                { return nil }

// reading is a link that reads data, and appends the bytes sent to sent.
func reading(data []byte, limit int64, sent io.Writer) *link {
	return &link{
		channel: "test", net: discard{}, limit: limit,
		in: bufio.NewReader(bytes.NewReader(data)), out: bufio.NewWriter(sent),
	}
}

func TestRecv(t *testing.T) {
	long := bytes.Repeat([]byte("x"), 300)
	longFrame := append([]byte{flagLong, 0, 0, 0, 0, 0, 0, 1, 44}, long...)
	tests := []struct {
		name, data string
		want       []string // frames; nil means an error
	}{
		{"one frame", "\x00\x02hi", []string{"hi"}},
		{"frames", "\x01\x01a\x01\x00\x00\x01b", []string{"a", "", "b"}},
		{"long frame", string(longFrame), []string{string(long)}},
		{"ping first", "\x04\x08\x04PING\x00\x00x\x00\x01a", []string{"a"}},
		{"command between", "\x01\x01a\x04\x05\x04PONG\x00\x01b", []string{"a", "b"}},
		{"subscribe", "\x04\x0D\x09SUBSCRIBEabc", []string{"\x01abc"}},
		{"cancel", "\x04\x0A\x06CANCELabc", []string{"\x00abc"}},
		{"unknown command", "\x04\x03\x01XY\x00\x01a", []string{"a"}},
		{"malformed command", "\x04\x02\x09X\x00\x01a", []string{"a"}},
		{"cut in the header", "\x02\x00\x00", nil},
		{"cut in the body", "\x00\x05ab", nil},
		{"cut between frames", "\x01\x01a", nil},
		{"nothing", "", nil},
		{"more after a command", "\x05\x01\x00", nil},
	}
	for _, test := range tests {
		frames, err := reading([]byte(test.data), 1000, io.Discard).recv()
		if (err != nil) != (test.want == nil) {
			t.Errorf("%s: %v", test.name, err)
		}
		got := []string{}
		for _, frame := range frames {
			got = append(got, string(frame))
		}
		if err == nil && !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

func TestPong(t *testing.T) {
	var sent bytes.Buffer
	reading([]byte("\x04\x0A\x04PING\x00\x00abc"), 1000, &sent).recv()
	if want := "\x04\x08\x04PONGabc"; sent.String() != want {
		t.Errorf("%q, want %q", sent.String(), want)
	}
}

// TestRecvLimits: a message that is too long, or of too many frames, is skipped and the next one is read.
func TestRecvLimits(t *testing.T) {
	next := []byte("\x00\x04next")
	frame := append([]byte{flagMore, 100}, make([]byte, 100)...)
	for name, data := range map[string][]byte{
		"long": append(bytes.Repeat(frame, 20), 0, 0),
		"many": append(bytes.Repeat([]byte{flagMore, 0}, maxFrames), 0, 0),
	} {
		l := reading(append(data, next...), 1000, io.Discard)
		_, err := l.recv()
		tooLarge := new(tooLargeError)
		if !errors.As(err, &tooLarge) {
			t.Errorf("%s: %v", name, err)
		}
		if frames, err := l.recv(); err != nil || string(frames[0]) != "next" {
			t.Errorf("%s: then %q %v", name, frames, err)
		}
	}
}

// FuzzRecv: messages stay within the limits for any input, and a message that is read and written again is the same.
func FuzzRecv(f *testing.F) {
	for _, seed := range []string{
		"\x01\x01a\x01\x00\x00\x01b", "\x04\x08\x04PING\x00\x00x\x00\x01a", "\x04\x0D\x09SUBSCRIBEabc",
		"\x02\x00\x00\x00\x00\x00\x00\x01\x00", "\x02\x7f\xff\xff\xff\xff\xff\xff\xff",
		"\x03\x00\x00\x00\x00\x00\x00\x00\x01x",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		const limit = 500
		l := reading(data, limit, io.Discard)
		for {
			frames, err := l.recv()
			tooLarge := new(tooLargeError)
			if errors.As(err, &tooLarge) {
				continue
			} else if err != nil {
				return
			}
			checkFrames(t, frames, limit)
		}
	})
}

func checkFrames(t *testing.T, frames [][]byte, limit int) {
	total := 0
	for _, frame := range frames {
		total += len(frame)
	}
	subscription := len(frames) == 1 && len(frames[0]) > 0 && frames[0][0] <= 1
	if total > limit && !subscription || len(frames) == 0 {
		t.Fatalf("%d frames of %d bytes", len(frames), total)
	}
	var wire bytes.Buffer
	if err := reading(nil, 0, &wire).send(frames); err != nil {
		t.Fatal(err)
	}
	again, err := reading(wire.Bytes(), 1<<20, io.Discard).recv()
	if err != nil || !slices.EqualFunc(again, frames, bytes.Equal) {
		t.Fatalf("%q becomes %q, %v", frames, again, err)
	}
}

// FuzzHandshake: a peer's first bytes never end the process, and a router can use every accepted identity.
func FuzzHandshake(f *testing.F) {
	greeting := make([]byte, greetingSize)
	greeting[0], greeting[9], greeting[10] = 0xFF, 0x7F, 3
	copy(greeting[12:], "NULL")
	ready := readyCommand(dealerSocket, "front")
	f.Add(slices.Concat(greeting, []byte{flagCommand, byte(len(ready))}, ready))
	f.Add(slices.Concat(greeting, []byte("\x04\x0C\x05READY\x01a\xFF\xFF\xFF\xFF")))
	f.Add([]byte("GET / HTTP/1.1\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		id, err := reading(data, 1000, io.Discard).handshake(routerSocket, "")
		if err == nil && (len(id) > maxIdentity || id != "" && id[0] == 0) {
			t.Fatalf("identity %q", id)
		}
	})
}

// FuzzDecode: frames cut at the zero bytes of data are a message or an error; a message is the same after Encode.
func FuzzDecode(f *testing.F) {
	f.Add([]byte("id\x00<IDS|MSG>\x00\x00{\"msg_type\":\"x\"}\x00{}\x00{}\x00{}\x00buffer"))
	f.Add([]byte("<IDS|MSG>\x00sig\x00{\"msg_type\":1}\x00null\x00\x00"))
	f.Add([]byte("\x00\x00<IDS|MSG>"))
	unsigned, signed := Signer{}, Signer{key: []byte("key")}
	f.Fuzz(func(t *testing.T, data []byte) {
		frames := bytes.Split(data, []byte{0})
		if e, err := Split(frames); err == nil && !slices.EqualFunc(e.Frames(), frames, bytes.Equal) {
			t.Fatalf("%q becomes %q", frames, e.Frames())
		}
		if _, err := Decode(signed, frames); err == nil {
			t.Fatalf("%q is signed", frames)
		}
		m, err := Decode(unsigned, frames)
		if err != nil {
			return
		}
		wire, err := m.Encode(signed)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Decode(signed, wire)
		if err != nil || again.Header != m.Header || again.Parent != m.Parent {
			t.Fatalf("%+v becomes %+v, %v", m, again, err)
		}
	})
}
