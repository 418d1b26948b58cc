package gopls

import (
	"bufio"
	"bytes"
	"io"
	"strings"
	"testing"
)

func TestFrames(t *testing.T) {
	text := "Content-Length: 2\r\n\r\n{}" +
		"content-length:3\nContent-Type: application/vscode-jsonrpc; charset=utf-8\n\nabc" +
		"X: y\r\nContent-Length: 0\r\n\r\n"
	r := bufio.NewReader(strings.NewReader(text))
	for _, want := range []string{"{}", "abc", ""} {
		if body, err := readFrame(r); err != nil || string(body) != want {
			t.Errorf("%q, %v, want %q", body, err, want)
		}
	}
	if body, err := readFrame(r); err != io.EOF {
		t.Errorf("%q, %v at the end, want EOF", body, err)
	}
}

func TestBadFrames(t *testing.T) {
	for text, want := range map[string]string{
		"\r\n":                                "without Content-Length",
		"X: y\r\n\r\nabc":                     "without Content-Length",
		"Content-Length\r\n\r\n":              `"Content-Length" of a message, want NAME: value`,
		"Content-Length: -1\r\n\r\n":          "want 0 to",
		"Content-Length: 1e3\r\n\r\n":         "want 0 to",
		"Content-Length: 99999999999\r\n\r\n": "want 0 to",
		"Content-Length: 67108864\r\n\r\nab":  "2 of 67108864 bytes: unexpected EOF",
		"Content-Length: 2\r\n":               "unexpected EOF",
		"Content-Le":                          "unexpected EOF",
		"panic: runtime error\n\ngoroutine":   "without Content-Length",
		strings.Repeat("X: y\r\n", 20):        "too many lines",
		strings.Repeat("x", 10_000):           "buffer full",
	} {
		_, err := readFrame(bufio.NewReader(strings.NewReader(text)))
		if err == nil || err == io.EOF || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %q", text, err, want)
		}
	}
}

// FuzzReadFrame checks that any bytes end in frames and an error, and that what is read is what was there.
func FuzzReadFrame(f *testing.F) {
	for _, text := range []string{
		"Content-Length: 2\r\n\r\n{}", "Content-Length: 5\n\nabc", "Content-Length: 0\r\n\r\nContent-Length: 1\r\n\r\nx",
		"X: y\r\n\r\n", "Content-Length: 67108864\r\n\r\n", ":\n\n", "Content-Length: 3\r\nContent-Length: 1\r\n\r\nabc",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r := bufio.NewReader(bytes.NewReader(data))
		total := 0
		for {
			body, err := readFrame(r)
			if err != nil {
				break
			}
			if total += len(body); total > len(data) || !bytes.Contains(data, body) {
				t.Fatalf("%q is not in %q", body, data)
			}
			again, err := readFrame(bufio.NewReader(bytes.NewReader(appendFrame(nil, body))))
			if err != nil || !bytes.Equal(again, body) {
				t.Fatalf("%q written and read is %q, %v", body, again, err)
			}
		}
	})
}
