package jupyter

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// delimiter separates the routing identities of a message from its signature.
const delimiter = "<IDS|MSG>"

// Scheme is the only signature scheme that this package knows; all current kernels use it.
const Scheme = "hmac-sha256"

// Envelope is one message as ZeroMQ carries it, before any part is parsed. A proxy passes envelopes on and changes only
// identities and signature.
type Envelope struct {
	// Identities route a message; on iopub they are the topic.
	Identities [][]byte
	// Signature is the hexadecimal HMAC of the four parts; it is empty if messages are not signed.
	Signature []byte
	// Header, Parent, Metadata and Content are JSON objects.
	Header, Parent, Metadata, Content json.RawMessage
	// Buffers are raw bytes after the JSON; the signature does not cover them.
	Buffers [][]byte
}

// FrameError reports that the frames are not those of a Jupyter message.
type FrameError struct {
	// Reason describes the fault in the frames.
	Reason string
}

// Error returns the reason.
func (e *FrameError) Error() string { return "jupyter: not a Jupyter message: " + e.Reason }

// Split splits the frames of one ZeroMQ message into its parts. It copies nothing and checks no signature. The error is
// a *FrameError.
func Split(frames [][]byte) (*Envelope, error) {
	at := -1
	for i, frame := range frames {
		if bytes.Equal(frame, []byte(delimiter)) {
			at = i
			break
		}
	}
	if at < 0 {
		return nil, &FrameError{fmt.Sprintf("no %s frame among %d", delimiter, len(frames))}
	}
	rest := frames[at+1:]
	if len(rest) < 5 {
		return nil, &FrameError{fmt.Sprintf("%d frames after %s, want a signature and four parts", len(rest), delimiter)}
	}
	return &Envelope{
		Identities: frames[:at],
		Signature:  rest[0],
		Header:     rest[1],
		Parent:     rest[2],
		Metadata:   rest[3],
		Content:    rest[4],
		Buffers:    rest[5:],
	}, nil
}

// Frames is the inverse of Split.
func (e *Envelope) Frames() [][]byte {
	frames := make([][]byte, 0, len(e.Identities)+6+len(e.Buffers))
	frames = append(frames, e.Identities...)
	frames = append(frames, []byte(delimiter), e.Signature, e.Header, e.Parent, e.Metadata, e.Content)
	return append(frames, e.Buffers...)
}

// SignatureError reports that a message was not signed with the key of the connection.
type SignatureError struct {
	// Got is the signature of the message.
	Got string
}

// Error returns the refused signature.
func (e *SignatureError) Error() string {
	return fmt.Sprintf("jupyter: message refused: signature %.80q is not one by the key of this connection", e.Got)
}

// Signer signs and verifies with the key of one connection. Its zero value does not sign and accepts every message, as
// the protocol requires for an empty key.
type Signer struct {
	key []byte
}

// NewSigner returns a Signer. A scheme other than hmac-sha256 is an error, unless the key is empty.
func NewSigner(scheme, key string) (Signer, error) {
	if key != "" && scheme != Scheme {
		return Signer{}, fmt.Errorf("jupyter: signature scheme %q, want %q", scheme, Scheme)
	}
	return Signer{key: []byte(key)}, nil
}

// Sign sets the signature of e.
func (s Signer) Sign(e *Envelope) {
	e.Signature = s.signature(e)
}

// verify compares the signature of e in constant time; a wrong one is a *SignatureError.
func (s Signer) verify(e *Envelope) error {
	if len(s.key) == 0 {
		return nil
	}
	if !hmac.Equal(e.Signature, s.signature(e)) {
		return &SignatureError{Got: string(e.Signature)}
	}
	return nil
}

func (s Signer) signature(e *Envelope) []byte {
	if len(s.key) == 0 {
		return nil
	}
	mac := hmac.New(sha256.New, s.key)
	for _, part := range [][]byte{e.Header, e.Parent, e.Metadata, e.Content} {
		mac.Write(part)
	}
	return hex.AppendEncode(nil, mac.Sum(nil))
}
