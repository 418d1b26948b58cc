package kernel

import (
	"context"
	"strings"

	"deeplearning.example/kernelext/cell"
	"deeplearning.example/kernelext/gopls"
	"deeplearning.example/kernelext/jupyter"
)

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

// keepLast appends a space to each block of code: JupyterLab drops the last character of a block in which it colours
// none of its letters, such as a bracket.
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
