package jupyter

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// ProtocolVersion is the version of the messaging protocol that this package writes into its messages.
const ProtocolVersion = "5.4"

// Header describes the kind and the sender of a message.
type Header struct {
	MsgID    string `json:"msg_id"`
	Session  string `json:"session"`
	Username string `json:"username"`
	// Date is the time of sending, ISO 8601.
	Date    string `json:"date"`
	MsgType string `json:"msg_type"`
	Version string `json:"version"`
}

// NewHeader returns the header of a new message of the given type: a fresh id, the time now.
func NewHeader(msgType, session string) Header {
	return Header{
		MsgID:    uuid.NewString(),
		Session:  session,
		Username: "lecture",
		Date:     time.Now().UTC().Format(time.RFC3339Nano),
		MsgType:  msgType,
		Version:  ProtocolVersion,
	}
}

// Message is one message of the protocol.
type Message struct {
	// Identities route the message: a kernel's reply carries those of the request.
	Identities [][]byte
	Header     Header
	// Parent is the header of the message that caused this one; zero if there is none.
	Parent Header
	// Metadata and Content are JSON objects; nil is sent as {}.
	Metadata, Content json.RawMessage
	Buffers           [][]byte

	// rawParent is the parent header byte for byte, because a requester may have put fields into it that Header lacks.
	rawHeader, rawParent json.RawMessage
}

// NewMessage returns a message with the given content, which must encode to a JSON object.
func NewMessage(msgType, session string, content any) (*Message, error) {
	data, err := json.Marshal(content)
	if err != nil {
		return nil, fmt.Errorf("jupyter: content of %s: %w", msgType, err)
	}
	return &Message{Header: NewHeader(msgType, session), Content: data}, nil
}

// Reply returns a message that answers m: same session and identities, m's header as parent, unknown fields included.
func (m *Message) Reply(msgType string, content any) (*Message, error) {
	reply, err := NewMessage(msgType, m.Header.Session, content)
	if err != nil {
		return nil, err
	}
	reply.Identities = m.Identities
	reply.Parent, reply.rawParent = m.Header, m.rawHeader
	return reply, nil
}

// Decode decodes the content into value. Numbers in values of type any become json.Number, digit for digit.
func (m *Message) Decode(value any) error {
	decoder := json.NewDecoder(bytes.NewReader(m.Content))
	decoder.UseNumber()
	if err := decoder.Decode(value); err != nil {
		return fmt.Errorf("jupyter: content of %s: %w", m.Header.MsgType, err)
	}
	return nil
}

// Encode signs m and returns its frames.
func (m *Message) Encode(signer Signer) ([][]byte, error) {
	header, err := json.Marshal(m.Header)
	if err != nil {
		return nil, fmt.Errorf("jupyter: header: %w", err)
	}
	parent, err := m.parentFrame()
	if err != nil {
		return nil, err
	}
	e := &Envelope{
		Identities: m.Identities,
		Header:     header,
		Parent:     parent,
		Metadata:   orEmptyObject(m.Metadata),
		Content:    orEmptyObject(m.Content),
		Buffers:    m.Buffers,
	}
	signer.Sign(e)
	return e.Frames(), nil
}

func (m *Message) parentFrame() (json.RawMessage, error) {
	switch {
	case m.rawParent != nil:
		return m.rawParent, nil
	case m.Parent == Header{}:
		return json.RawMessage("{}"), nil
	}
	parent, err := json.Marshal(m.Parent)
	if err != nil {
		return nil, fmt.Errorf("jupyter: parent header: %w", err)
	}
	return parent, nil
}

func orEmptyObject(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 {
		return json.RawMessage("{}")
	}
	return raw
}

// Decode verifies and parses one message. Errors: *FrameError (not a message), *SignatureError (wrong key).
func Decode(signer Signer, frames [][]byte) (*Message, error) {
	m, _, err := decode(signer, frames)
	return m, err
}

// decode is Decode, and also returns the message's parts.
func decode(signer Signer, frames [][]byte) (*Message, *Envelope, error) {
	e, err := Split(frames)
	if err != nil {
		return nil, nil, err
	}
	if err := signer.verify(e); err != nil {
		return nil, nil, err
	}
	m := &Message{
		Identities: e.Identities, Metadata: e.Metadata, Content: e.Content, Buffers: e.Buffers,
		rawHeader: e.Header, rawParent: e.Parent,
	}
	if err := json.Unmarshal(e.Header, &m.Header); err != nil {
		return nil, nil, &FrameError{"header: " + err.Error()}
	}
	if err := json.Unmarshal(e.Parent, &m.Parent); err != nil {
		return nil, nil, &FrameError{"parent header: " + err.Error()}
	}
	if m.Header.MsgType == "" {
		return nil, nil, &FrameError{"header without msg_type"}
	}
	return m, e, nil
}
