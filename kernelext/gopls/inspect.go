package gopls

import (
	"context"
	"encoding/json"
	"strings"
	"unicode"
	"unicode/utf8"
)

// hover is the answer to textDocument/hover.
type hover struct {
	Contents markup `json:"contents"`
}

// markup is text with its kind; gopls may answer with the text alone.
type markup struct{ Value string }

// UnmarshalJSON accepts both forms.
func (m *markup) UnmarshalJSON(raw []byte) error {
	if json.Unmarshal(raw, &m.Value) == nil {
		return nil
	}
	var object struct {
		Value string `json:"value"`
	}
	err := json.Unmarshal(raw, &object)
	m.Value = object.Value
	return err
}

// signatureHelp is the answer to textDocument/signatureHelp.
type signatureHelp struct {
	Signatures []struct {
		Label         string `json:"label"`
		Documentation markup `json:"documentation"`
	} `json:"signatures"`
	Active int `json:"activeSignature"`
}

// Inspect explains the name at the cursor, a byte offset in code; if there is none, the function in whose brackets the
// cursor is. Errors are those of Complete.
func (s *Session) Inspect(ctx context.Context, code string, cursor int) (Doc, error) {
	ctx, finish := s.supersede(ctx, "inspection")
	defer finish()
	cursor = max(0, min(cursor, len(code)))
	if atName(code, cursor) {
		if doc, err := s.hover(ctx, code, cursor); err != nil || doc.Found {
			return doc, err
		}
	}
	return s.signature(ctx, code, cursor)
}

// atName reports whether a letter or digit is beside the cursor. Beside a bracket gopls explains the type of the whole
// expression, which is not what the user asks for.
func atName(code string, cursor int) bool {
	before, _ := utf8.DecodeLastRuneInString(code[:cursor])
	after, _ := utf8.DecodeRuneInString(code[cursor:])
	for _, r := range []rune{before, after} {
		if r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) {
			return true
		}
	}
	return false
}

func (s *Session) hover(ctx context.Context, code string, cursor int) (Doc, error) {
	var h *hover
	v, err := s.request(ctx, code, cursor, "textDocument/hover", &h)
	if err != nil || v == nil || h == nil || strings.TrimSpace(h.Contents.Value) == "" {
		return Doc{}, err
	}
	return newDoc(h.Contents.Value), nil
}

func (s *Session) signature(ctx context.Context, code string, cursor int) (Doc, error) {
	var help *signatureHelp
	v, err := s.request(ctx, code, cursor, "textDocument/signatureHelp", &help)
	if err != nil || v == nil || help == nil {
		return Doc{}, err
	}
	return help.doc(), nil
}

// doc returns the explanation of the signature that fits.
func (h *signatureHelp) doc() Doc {
	if h.Active < 0 || h.Active >= len(h.Signatures) {
		return Doc{}
	}
	signature := h.Signatures[h.Active]
	return newDoc("```go\nfunc " + signature.Label + "\n```\n\n" + signature.Documentation.Value)
}

func newDoc(markdown string) Doc {
	markdown = strings.TrimSpace(markdown)
	return Doc{Found: true, Markdown: markdown, Text: plainText(markdown)}
}
