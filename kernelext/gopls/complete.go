package gopls

import "context"

// maxMatches limits the matches of a completion.
const maxMatches = 200

// completionList is the answer to textDocument/completion.
type completionList struct {
	Items []completionItem `json:"items"`
}

type completionItem struct {
	Kind     int       `json:"kind"`
	Detail   string    `json:"detail"`
	TextEdit *textEdit `json:"textEdit"`
}

// textEdit replaces the text from Range.Start up to the cursor.
type textEdit struct {
	Range struct {
		Start position `json:"start"`
	} `json:"range"`
	NewText string `json:"newText"`
}

// kinds are the protocol's CompletionItemKinds, from 1.
var kinds = []string{
	"text", "method", "function", "constructor", "field", "variable", "class", "interface", "module", "property", "unit",
	"value", "enum", "keyword", "snippet", "color", "file", "reference", "folder", "enumMember", "constant", "struct",
	"event", "operator", "typeParameter",
}

// Complete lists the possible texts at the cursor, a byte offset in code. A cursor in a magic line or in a cell that is
// not Go has no matches. The error is errNotReady, errOutdated, that of ctx, or gopls' answer.
func (s *Session) Complete(ctx context.Context, code string, cursor int) (Completion, error) {
	ctx, finish := s.supersede(ctx, "completion")
	defer finish()
	cursor = max(0, min(cursor, len(code)))
	c := Completion{Start: cursor, End: cursor}
	var list completionList
	v, err := s.request(ctx, code, cursor, "textDocument/completion", &list)
	if err != nil || v == nil {
		return c, err
	}
	c.fill(v, list.Items)
	return c, nil
}

// fill adds the items that replace the text from one place up to the cursor, as all items of gopls do.
func (c *Completion) fill(v *view, items []completionItem) {
	seen := map[string]bool{}
	for _, item := range items {
		if item.TextEdit == nil || len(c.Matches) == maxMatches {
			continue
		}
		start, ok := v.offset(item.TextEdit.Range.Start)
		if !ok || start > c.End || len(c.Matches) > 0 && start != c.Start {
			continue
		}
		text := item.TextEdit.NewText
		if text == "" || seen[text] {
			continue
		}
		seen[text], c.Start = true, start
		c.Matches = append(c.Matches, text)
		c.Types = append(c.Types, kindName(item.Kind))
		c.Details = append(c.Details, item.Detail)
	}
}

func kindName(kind int) string {
	if kind < 1 || kind > len(kinds) {
		return kinds[0]
	}
	return kinds[kind-1]
}
