package gopls

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// maxFrame limits a message of gopls. The largest answers, completions with their comments, have about 100 kB.
const maxFrame = 64 << 20

// maxHeaders limits the header lines of a message. Each is limited by the reader's buffer.
const maxHeaders = 16

// readFrame reads one message of the language server protocol: header lines, an empty line, a body of Content-Length
// bytes. It returns io.EOF only between two messages.
func readFrame(r *bufio.Reader) ([]byte, error) {
	length := -1
	for n := 0; ; n++ {
		line, err := r.ReadSlice('\n')
		if err == io.EOF && n == 0 && len(line) == 0 {
			return nil, io.EOF
		}
		if err != nil || n > maxHeaders {
			return nil, fmt.Errorf("gopls: header of a message: %w", cmpErr(err, "too many lines"))
		}
		field := strings.TrimRight(string(line), "\r\n")
		if field == "" {
			break
		}
		if length, err = contentLength(field, length); err != nil {
			return nil, err
		}
	}
	if length < 0 {
		return nil, fmt.Errorf("gopls: a message without Content-Length")
	}
	return readBody(r, length)
}

// cmpErr returns err if it is not nil, else an error with the text otherwise.
func cmpErr(err error, otherwise string) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	if err == nil {
		return fmt.Errorf("%s", otherwise)
	}
	return err
}

// contentLength parses one header line; a line that is not Content-Length leaves length as it is.
func contentLength(field string, length int) (int, error) {
	name, value, found := strings.Cut(field, ":")
	if !found {
		return 0, fmt.Errorf("gopls: header line %q of a message, want NAME: value", field)
	}
	if !strings.EqualFold(name, "Content-Length") {
		return length, nil
	}
	n, err := strconv.Atoi(strings.TrimSpace(value))
	if err != nil || n < 0 || n > maxFrame {
		return 0, fmt.Errorf("gopls: header line %q of a message, want 0 to %d bytes", field, maxFrame)
	}
	return n, nil
}

// readBody allocates memory as the bytes arrive, so that a wrong length costs no memory.
func readBody(r io.Reader, length int) ([]byte, error) {
	var body bytes.Buffer
	if _, err := io.CopyN(&body, r, int64(length)); err != nil {
		return nil, fmt.Errorf("gopls: body of a message, %d of %d bytes: %w", body.Len(), length, cmpErr(err, ""))
	}
	return body.Bytes(), nil
}

// appendFrame appends a message with its header.
func appendFrame(to, body []byte) []byte {
	to = fmt.Appendf(to, "Content-Length: %d\r\n\r\n", len(body))
	return append(to, body...)
}
