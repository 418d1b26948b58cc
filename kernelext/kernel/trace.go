package kernel

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

var (
	// stackFrame is the program's file in a stack trace or in what log and fmt print of a caller.
	stackFrame = regexp.MustCompile(`/gonb_[0-9a-z-]+/main(?:_test)?\.go:(\d+)`)
	frameMark  = []byte("/gonb_")
	// stackMark is the mark before it, in GoNB's words.
	stackMark = regexp.MustCompile(`\[\[ Cell \[(\d+)\] Line (\d+) \]\]`)
)

// maxFrame limits the text that is held back because it may be the start of a file's name.
const maxFrame = 512

// annotate inserts cell and line before each place of the program in the text on stderr. Only the file's name of the
// path is kept: its folder is the kernel's own and has another name each time.
func (l locator) annotate(mainGo, text []byte) []byte {
	if !bytes.Contains(text, frameMark) {
		return text
	}
	var out bytes.Buffer
	for len(text) > 0 {
		at := stackFrame.FindSubmatchIndex(text)
		if at == nil {
			break
		}
		path := 1 + bytes.LastIndexAny(text[:at[0]], " \t\n(\"")
		out.Write(text[:path])
		line, _ := strconv.Atoi(string(text[at[2]:at[3]]))
		if where, ok := l.find(mainGo, line); ok {
			fmt.Fprintf(&out, "\x1b[7m[[ Cell [%d] Line %d ]]\x1b[0m ", where.count, where.line)
		}
		file := at[0] + bytes.LastIndexByte(text[at[0]:at[1]], '/') + 1
		out.Write(text[file:at[1]])
		text = text[at[1]:]
	}
	out.Write(text)
	return out.Bytes()
}

// partialFrame returns the number of bytes at the end that may be the start of a place in the program: a path, as in a
// stack trace, whose line number is not complete. The path starts with one of the folders.
func partialFrame(data []byte, folders ...string) int {
	line := data[bytes.LastIndexByte(data, '\n')+1:]
	at := bytes.LastIndexByte(line, '/')
	if at < 0 || len(line) > maxFrame {
		return 0
	}
	begin := 1 + bytes.LastIndexAny(line, " \t(\"")
	path := string(line[begin:])
	if begin > bytes.IndexByte(line, '/') {
		return 0
	}
	for _, folder := range folders {
		if strings.HasPrefix(path, folder[:min(len(folder), len(path))]) {
			return len(path)
		}
	}
	return 0
}
