package kernel

import (
	"context"
	"io"
	"path/filepath"
	"strings"
	"time"

	"deeplearning.example/kernelext/build"
	"deeplearning.example/kernelext/cell"
	"deeplearning.example/kernelext/gopls"
	"deeplearning.example/kernelext/jupyter"
	"deeplearning.example/kernelext/kernel/process"
)

const (
	// answerLimit is how long a front end waits for a completion or an explanation, before it gets an empty one.
	answerLimit = 300 * time.Millisecond
	// coldLimit is that while gopls loads. Nothing else waits meanwhile.
	coldLimit = 15 * time.Second
)

// goplsPause is how long nothing is executed before gopls is started: somebody is typing then. A program that only
// runs a notebook needs no gopls, which takes 0.5 s of computing and 140 MB.
const goplsPause = time.Second

// warmGopls starts gopls in the first pause. A question starts it too.
func (k *Kernel) warmGopls() {
	for quiet := time.Now(); time.Since(quiet) < goplsPause; {
		select {
		case <-k.ctx.Done():
			return
		case <-time.After(goplsPause / 10):
		}
		if k.running() != nil {
			quiet = time.Now()
		}
	}
	k.gopls.Warm()
}

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

// completeGo asks gopls; what it does not know in time is nothing.
func (k *Kernel) completeGo(ctx context.Context, code string, cursor int) gopls.Completion {
	found, err := k.gopls.Complete(ctx, code, cursor)
	if err != nil {
		return gopls.Completion{Start: cursor, End: cursor}
	}
	k.goplsWarm.Store(true)
	return onlyPrefixed(found, code)
}

// onlyPrefixed keeps the matches that begin with what was typed, if there are any: front ends complete the longest
// common prefix. gopls also finds names that only hold the letters.
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

// typesOf is the metadata by which JupyterLab shows what kind of thing each match is.
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

// completeMagic completes the name of a magic, and answers for all that follows it.
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

func (k *Kernel) answerInspect(ctx context.Context, in jupyter.Incoming) {
	var request jupyter.InspectRequest
	if !k.decodeRequest(in, "inspect_reply", &request) {
		return
	}
	cursor := gopls.ByteOffset(request.Code, request.CursorPos)
	doc, isMagic := explainMagic(request.Code, cursor)
	if !isMagic {
		var err error
		if doc, err = k.gopls.Inspect(ctx, request.Code, cursor); err == nil {
			k.goplsWarm.Store(true)
		}
	}
	data := map[string]any{}
	if doc.Found {
		data = map[string]any{"text/plain": doc.Text, "text/markdown": keepLast(doc.Markdown)}
	}
	k.answer(in, "inspect_reply", jupyter.InspectReply{
		Status: "ok", Found: doc.Found, Data: data, Metadata: map[string]any{},
	})
}

// keepLast puts a space behind each block of code: JupyterLab leaves out the last character of one if it colours none of
// its letters, as a bracket.
func keepLast(markdown string) string {
	return strings.ReplaceAll(markdown+"\n", "\n```\n", " \n```\n")
}

// explainMagic explains the magic of the cursor's line.
func explainMagic(code string, cursor int) (doc gopls.Doc, isMagic bool) {
	start := strings.LastIndexByte(code[:cursor], '\n') + 1
	line, _, _ := strings.Cut(code[start:], "\n")
	if line == "" || line[0] != '%' && line[0] != '!' {
		return doc, false
	}
	name, _, _ := strings.Cut(line, " ")
	if line[0] == '!' {
		name = "!"
	}
	for _, c := range cell.Commands {
		if c.Name == name {
			return gopls.Doc{Found: true, Text: c.Usage + "\n\n" + c.Help, Markdown: "`" + c.Usage + "`\n\n" + c.Help}, true
		}
	}
	return doc, true
}

// goplsOptions run gopls below a guard, so that it ends with the kernel.
func (k *Kernel) goplsOptions() gopls.Options {
	return gopls.Options{
		Program: filepath.Join(k.cfg.Bin, "gopls"), Dir: k.path("gopls"), Module: k.cfg.Module,
		Imports: moduleImports(), Env: k.environ(), Start: k.startChild, Log: k.log.line,
	}
}

// moduleImports are the imports of a cell that gopls knows from the start, beside those of the standard library.
func moduleImports() []string {
	var paths []string
	for _, path := range build.CellImports {
		if first, _, _ := strings.Cut(path, "/"); strings.Contains(first, ".") {
			paths = append(paths, path)
		}
	}
	return paths
}

func (k *Kernel) startChild(argv, env []string, dir string) (
	io.WriteCloser, io.Reader, <-chan struct{}, func(), error,
) {
	stdin, stdout, guarded, err := process.StartChild(process.Config{
		Helper: k.helper, Command: argv, Env: env, Dir: dir, ID: k.id, Stderr: k.log,
	})
	if err != nil {
		return nil, nil, nil, nil, err
	}
	return stdin, stdout, guarded.Done(), func() { guarded.End(0) }, nil
}
