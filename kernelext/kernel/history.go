package kernel

import (
	"path"
	"slices"
	"strings"
	"sync"

	"deeplearning.example/kernelext/jupyter"
)

// maxHistory limits the memory of a long session.
const maxHistory = 10_000

// history is the code of the cells of this session, oldest first.
type history struct {
	mu      sync.Mutex
	entries []historyEntry
}

type historyEntry struct {
	line int // execution count
	code string
}

func (h *history) add(line int, code string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.entries) == maxHistory {
		h.entries = h.entries[1:]
	}
	h.entries = append(h.entries, historyEntry{line, code})
}

// code returns the code of an execution, empty if it is not known.
func (h *history) code(line int) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range slices.Backward(h.entries) {
		if e.line == line {
			return e.code
		}
	}
	return ""
}

// historyRequest is the content of history_request.
type historyRequest struct {
	Output     bool   `json:"output"`
	Raw        bool   `json:"raw"`
	AccessType string `json:"hist_access_type"`
	Session    int    `json:"session"`
	Start      int    `json:"start"`
	Stop       int    `json:"stop"`
	N          int    `json:"n"`
	Pattern    string `json:"pattern"`
	Unique     bool   `json:"unique"`
}

// find returns the entries that a request asks for. Only this session is known: earlier ones are empty.
func (h *history) find(r historyRequest) []historyEntry {
	h.mu.Lock()
	defer h.mu.Unlock()
	var found []historyEntry
	seen := map[string]bool{}
	for i := len(h.entries) - 1; i >= 0; i-- { // start with the newest, because n counts from there
		e := h.entries[i]
		if !r.wants(e) || r.Unique && seen[e.code] {
			continue
		}
		seen[e.code] = true
		found = append([]historyEntry{e}, found...)
		if r.AccessType != "range" && r.N > 0 && len(found) == r.N {
			break
		}
	}
	return found
}

func (r historyRequest) wants(e historyEntry) bool {
	switch r.AccessType {
	case "range":
		return r.Session == 0 && e.line >= r.Start && (r.Stop == 0 || e.line < r.Stop)
	case "search":
		return matches(r.Pattern, e.code)
	default:
		return true
	}
}

// matches matches a glob with the whole text, where * and ? match line breaks and slashes, as history search requires.
func matches(pattern, text string) bool {
	flat := strings.NewReplacer("/", "\x01", "\n", "\x02")
	ok, err := path.Match(flat.Replace(pattern), flat.Replace(text))
	return err == nil && ok
}

func (k *Kernel) answerHistory(in jupyter.Incoming) {
	var request historyRequest
	if !k.decodeRequest(in, "history_reply", &request) {
		return
	}
	entries := [][]any{}
	for _, e := range k.history.find(request) {
		if request.Output {
			entries = append(entries, []any{0, e.line, []any{e.code, nil}})
		} else {
			entries = append(entries, []any{0, e.line, e.code})
		}
	}
	k.answer(in, "history_reply", map[string]any{"status": "ok", "history": entries})
}
