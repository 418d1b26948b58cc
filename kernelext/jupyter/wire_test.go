package jupyter_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"deeplearning.example/kernelext/jupyter"
)

func mustSigner(t testing.TB, key string) jupyter.Signer {
	t.Helper()
	signer, err := jupyter.NewSigner(jupyter.Scheme, key)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

func TestMessageRoundTrip(t *testing.T) {
	for _, key := range []string{"", "a0436f6c-1916-498b-8eb9-e81ab9368e84"} {
		signer := mustSigner(t, key)
		m, err := jupyter.NewMessage("execute_request", "session", jupyter.ExecuteRequest{Code: "1 < 2 && \"ä\""})
		if err != nil {
			t.Fatal(err)
		}
		m.Identities = [][]byte{[]byte("a"), {0, 1, 2}}
		m.Parent = jupyter.NewHeader("comm_msg", "other")
		m.Metadata = json.RawMessage(`{"deep":[1,{"x":null}]}`)
		m.Buffers = [][]byte{[]byte("raw"), {}}
		frames, err := m.Encode(signer)
		if err != nil {
			t.Fatal(err)
		}
		got, err := jupyter.Decode(signer, frames)
		if err != nil {
			t.Fatal(err)
		}
		if got.Header != m.Header || got.Parent != m.Parent {
			t.Errorf("headers %+v %+v, want %+v %+v", got.Header, got.Parent, m.Header, m.Parent)
		}
		if !bytes.Equal(got.Content, m.Content) || !bytes.Equal(got.Metadata, m.Metadata) {
			t.Errorf("content %s metadata %s", got.Content, got.Metadata)
		}
		if !slices.EqualFunc(got.Identities, m.Identities, bytes.Equal) ||
			!slices.EqualFunc(got.Buffers, m.Buffers, bytes.Equal) {
			t.Errorf("identities %q buffers %q", got.Identities, got.Buffers)
		}
	}
}

// TestSignature is checked against Python's hmac:
// hmac.new(b"key", b'{"msg_type":"x"}' + b"{}" + b"{}" + b"{}", "sha256").hexdigest().
func TestSignature(t *testing.T) {
	e := &jupyter.Envelope{
		Header: []byte(`{"msg_type":"x"}`), Parent: []byte("{}"), Metadata: []byte("{}"), Content: []byte("{}"),
	}
	mustSigner(t, "key").Sign(e)
	const want = "2282ffffd6e72182b2147b922df4101295f0e2d918c7acf0eeda19c870533a00"
	if string(e.Signature) != want {
		t.Errorf("signature %s, want %s", e.Signature, want)
	}
}

func TestDecodeRefuses(t *testing.T) {
	signer := mustSigner(t, "key")
	m, err := jupyter.NewMessage("status", "s", jupyter.Status{ExecutionState: "idle"})
	if err != nil {
		t.Fatal(err)
	}
	good, err := m.Encode(signer)
	if err != nil {
		t.Fatal(err)
	}
	change := func(at int, text string) [][]byte {
		frames := slices.Clone(good)
		frames[at] = []byte(text)
		return frames
	}
	tests := []struct {
		name      string
		frames    [][]byte
		signature bool
	}{
		{"content changed", change(5, `{"execution_state":"busy"}`), true},
		{"parent changed", change(3, `{"msg_id":"x"}`), true},
		{"no signature", change(1, ""), true},
		{"upper case", change(1, strings.ToUpper(string(good[1]))), true},
		{"truncated signature", change(1, string(good[1][:63])), true},
		{"no delimiter", good[1:], false},
		{"no frames", nil, false},
		{"too few", good[:5], false},
	}
	for _, test := range tests {
		_, err := jupyter.Decode(signer, test.frames)
		signature, frame := new(jupyter.SignatureError), new(jupyter.FrameError)
		if test.signature && !errors.As(err, &signature) || !test.signature && !errors.As(err, &frame) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
	if _, err := jupyter.Decode(mustSigner(t, "other"), good); err == nil {
		t.Error("another key's message is taken")
	}
	if _, err := jupyter.NewSigner("hmac-md5", "key"); err == nil {
		t.Error("an unknown scheme is taken")
	}
}

func TestDecodeBadJSON(t *testing.T) {
	unsigned := jupyter.Signer{}
	for _, header := range []string{"", "[]", `{"msg_type":""}`, `{"msg_type":5}`} {
		e := &jupyter.Envelope{Header: []byte(header), Parent: []byte("{}"), Metadata: []byte("{}"), Content: []byte("{}")}
		frame := new(jupyter.FrameError)
		if _, err := jupyter.Decode(unsigned, e.Frames()); !errors.As(err, &frame) {
			t.Errorf("header %s: %v", header, err)
		}
	}
}

// TestReplyKeepsUnknownFields: a requester may put its own fields into a header and look for them in the reply.
func TestReplyKeepsUnknownFields(t *testing.T) {
	unsigned := jupyter.Signer{}
	header := `{"msg_id":"1","msg_type":"execute_request","session":"s","subshell_id":"7","zz":[1]}`
	e := &jupyter.Envelope{
		Identities: [][]byte{[]byte("id")},
		Header:     []byte(header), Parent: []byte("{}"), Metadata: []byte("{}"), Content: []byte("{}"),
	}
	request, err := jupyter.Decode(unsigned, e.Frames())
	if err != nil {
		t.Fatal(err)
	}
	reply, err := request.Reply("execute_reply", jupyter.ExecuteReply{Status: "ok"})
	if err != nil {
		t.Fatal(err)
	}
	frames, err := reply.Encode(unsigned)
	if err != nil {
		t.Fatal(err)
	}
	got, err := jupyter.Split(frames)
	if err != nil {
		t.Fatal(err)
	}
	if string(got.Parent) != header || string(got.Identities[0]) != "id" {
		t.Errorf("parent %s identities %q", got.Parent, got.Identities)
	}
}

func FuzzSplit(f *testing.F) {
	f.Add([]byte("id|<IDS|MSG>|sig|{}|{}|{}|{}|buffer"))
	f.Add([]byte("<IDS|MSG>"))
	f.Fuzz(func(t *testing.T, data []byte) {
		frames := bytes.Split(data, []byte("|"))
		e, err := jupyter.Split(frames)
		if err != nil {
			return
		}
		if !slices.EqualFunc(e.Frames(), frames, bytes.Equal) {
			t.Errorf("%q became %q", frames, e.Frames())
		}
		jupyter.Decode(jupyter.Signer{}, frames)
	})
}
