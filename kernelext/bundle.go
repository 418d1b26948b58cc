package kernelext

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/janpfeifer/gonb/gonbui/protocol"
)

// MIME types of the bundles that this package makes.
const (
	mimeText     = string(protocol.MIMETextPlain)
	mimeHTML     = string(protocol.MIMETextHTML)
	mimeMarkdown = string(protocol.MIMETextMarkdown)
	mimePNG      = string(protocol.MIMEImagePNG)
)

// Bundle holds one value in several forms, MIME type → content. A front end shows the richest form that it knows.
// "text/plain" is required, because terminals, comparisons and saved notebooks read it. A content is a string, a []byte
// (binary, such as "image/png") or any value that encodes to JSON.
type Bundle struct {
	Data map[string]any
	Meta map[string]any // by MIME type, e.g. "image/png" → {"width": 640}; may be nil
}

// Bundler is a value that provides its own forms: [Show] calls Bundle.
type Bundler interface {
	Bundle() (Bundle, error)
}

// text returns the plain form of the bundle.
func (b Bundle) text() string {
	text, _ := b.Data[mimeText].(string)
	return text
}

// wire returns the bundle as the message that GoNB reads. Every value is reduced to the types that its decoder knows.
func (b Bundle) wire(displayID string) (*protocol.DisplayData, error) {
	if b.text() == "" {
		return nil, errors.New("kernelext: Bundle without text/plain, want a text that is useful by itself")
	}
	data := &protocol.DisplayData{Data: map[protocol.MIMEType]any{}, DisplayID: displayID}
	for mime, content := range b.Data {
		plain, err := plainValue(content)
		if err != nil {
			return nil, fmt.Errorf("kernelext: Bundle %q: %w", mime, err)
		}
		data.Data[protocol.MIMEType(mime)] = plain
	}
	if len(b.Meta) == 0 {
		return data, nil
	}
	meta, err := throughJSON(b.Meta)
	if err != nil {
		return nil, fmt.Errorf("kernelext: metadata of a Bundle: %w", err)
	}
	data.Metadata, _ = meta.(map[string]any)
	return data, nil
}

// plainValue returns strings and bytes as they are, and everything else as encoding/json decodes it. A type that gob does
// not know would close GoNB's pipe for the rest of the cell.
func plainValue(v any) (any, error) {
	switch v := v.(type) {
	case string, []byte:
		return v, nil
	default:
		return throughJSON(v)
	}
}

func throughJSON(v any) (any, error) {
	encoded, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var plain any
	if err := json.NewDecoder(bytes.NewReader(encoded)).Decode(&plain); err != nil {
		return nil, err
	}
	return plain, nil
}

// picture returns the bundle's picture as the content of a file, and the file's extension. It returns nil if there is none.
func (b Bundle) picture() ([]byte, string) {
	if png, ok := b.Data[mimePNG].([]byte); ok {
		return png, ".png"
	}
	html, _ := b.Data[mimeHTML].(string)
	start, end := strings.Index(html, "<svg"), strings.LastIndex(html, "</svg>")
	if start >= 0 && end > start {
		return []byte(html[start : end+len("</svg>")]), ".svg"
	}
	return nil, ""
}
