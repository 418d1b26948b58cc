package kernel

import (
	"context"
	"strings"
	"time"

	"deeplearning.example/kernelext/cell"
	"deeplearning.example/kernelext/gopls"
	"deeplearning.example/kernelext/jupyter"
)

const (
	// answerLimit is the time after which a front end gets an empty completion or explanation.
	answerLimit = 300 * time.Millisecond
	// coldLimit is the same limit while gopls loads. No other request waits meanwhile.
	coldLimit = 15 * time.Second
)

// answerCode answers a question about the text of a cell.
func (k *Kernel) answerCode(in jupyter.Incoming) {
	limit := coldLimit
	if k.goplsWarm.Load() {
		limit = answerLimit
	}
	ctx, cancel := context.WithTimeout(k.ctx, limit)
	defer cancel()
	if in.Header.MsgType == "inspect_request" {
		k.answerInspect(ctx, in)
	} else {
		k.answerCompletion(ctx, in)
	}
}

func (k *Kernel) answerCompletion(ctx context.Context, in jupyter.Incoming) {
	var request jupyter.CompleteRequest
	if !k.decodeRequest(in, "complete_reply", &request) {
		return
	}
	cursor := gopls.ByteOffset(request.Code, request.CursorPos)
	found, ours := completeMagic(request.Code, cursor)
	if !ours {
		found = k.completeGo(ctx, request.Code, cursor)
	}
	k.answer(in, "complete_reply", jupyter.CompleteReply{
		Status: "ok", Matches: append([]string{}, found.Matches...), Metadata: typesOf(found, request.Code),
		CursorStart: gopls.CodePoints(request.Code, found.Start),
		CursorEnd:   gopls.CodePoints(request.Code, found.End),
	})
}

// completeGo asks gopls; an answer that does not come in time is empty.
func (k *Kernel) completeGo(ctx context.Context, code string, cursor int) gopls.Completion {
	found, err := k.gopls.Complete(ctx, code, cursor)
	if err != nil {
		return gopls.Completion{Start: cursor, End: cursor}
	}
	k.goplsWarm.Store(true)
	return onlyPrefixed(found, code)
}

// onlyPrefixed keeps the matches that start with the typed text, if there are any: front ends complete the longest
// common prefix. gopls also finds names that only contain the letters.
func onlyPrefixed(found gopls.Completion, code string) gopls.Completion {
	typed := strings.ToLower(code[found.Start:found.End])
	kept := found
	kept.Matches, kept.Types, kept.Details = nil, nil, nil
	for i, match := range found.Matches {
		if strings.HasPrefix(strings.ToLower(match), typed) {
			kept.Matches = append(kept.Matches, match)
			kept.Types = append(kept.Types, found.Types[i])
			kept.Details = append(kept.Details, found.Details[i])
		}
	}
	if len(kept.Matches) == 0 {
		return found
	}
	return kept
}

// typesOf returns the metadata from which JupyterLab shows the kind of each match.
func typesOf(found gopls.Completion, code string) map[string]any {
	types := []map[string]any{}
	for i, match := range found.Matches {
		if i >= len(found.Types) {
			break
		}
		types = append(types, map[string]any{
			"text": match, "type": found.Types[i], "signature": found.Details[i],
			"start": gopls.CodePoints(code, found.Start), "end": gopls.CodePoints(code, found.End),
		})
	}
	if len(types) == 0 {
		return map[string]any{}
	}
	return map[string]any{"_jupyter_types_experimental": types}
}

// completeMagic completes the name of a magic. It returns an empty answer for the text after the name.
func completeMagic(code string, cursor int) (found gopls.Completion, isMagic bool) {
	start := strings.LastIndexByte(code[:cursor], '\n') + 1
	typed := code[start:cursor]
	found.Start, found.End = start, cursor
	if typed == "" || typed[0] != '%' && typed[0] != '!' {
		return found, false
	}
	for _, c := range cell.Commands {
		if strings.HasPrefix(c.Name, typed) && typed[0] == '%' {
			found.Matches = append(found.Matches, c.Name)
			found.Types = append(found.Types, "magic")
			found.Details = append(found.Details, c.Usage)
		}
	}
	return found, true
}
