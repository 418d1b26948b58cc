package run

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"deeplearning.example/kernelext/jupyter"
	"deeplearning.example/kernelext/nbformat"
)

// Status describes how a cell ended.
type Status string

// Values of Status.
const (
	StatusOK          Status = "ok"
	StatusSkipped     Status = "skipped"     // tagged skip-execution, or empty
	StatusAllowed     Status = "allowed"     // failed, but is tagged raises-exception
	StatusError       Status = "error"       // its code failed
	StatusTimeout     Status = "timeout"     // ran longer than a cell may
	StatusDied        Status = "died"        // the kernel died or was lost
	StatusInterrupted Status = "interrupted" // the run was cancelled
	StatusNotRun      Status = "not run"     // an earlier cell ended the run
)

// CellError says which cell of which notebook failed, where and why.
type CellError struct {
	// Notebook is the notebook's name, as given in the options.
	Notebook string
	// Cell counts all cells from 1, CodeCell the code cells. ID is the cell's id.
	Cell, CodeCell int
	ID             string
	Status         Status
	// Line is the line of the error, from 1, in cell LineCell. That may be an earlier cell, if one of its functions
	// failed. Both are 0 if they are not known.
	Line, LineCell int
	// Message is the error in one line.
	Message string
	// Err is the cause if it is not the cell's own code, else nil.
	Err error
}

// Error returns one line: notebook, cell, line, message.
func (e *CellError) Error() string {
	place := fmt.Sprintf("cell %d (code cell %d)", e.Cell, e.CodeCell)
	if e.Line > 0 {
		place += fmt.Sprintf(", line %d", e.Line)
		if e.LineCell != e.Cell {
			place += fmt.Sprintf(" of cell %d", e.LineCell)
		}
	}
	return fmt.Sprintf("%s: %s: %s", e.Notebook, place, e.Message)
}

// Unwrap returns the cause.
func (e *CellError) Unwrap() error { return e.Err }

var (
	// compileMark starts each error in a traceback, panicMark each place of the program in stderr. The number is the
	// execution count of the cell.
	compileMark = regexp.MustCompile(`^Cell\[(\d+)\]: Line (\d+)`)
	panicMark   = regexp.MustCompile(`\[\[ Cell \[(\d+)\] Line (\d+) \]\]`)
	// stackFrame matches a place of the program in a stack, with or without its mark. GoNB looks for places in each
	// piece that it reads, and the runtime writes a place in several pieces.
	stackFrame = regexp.MustCompile(`(?m)^\s+(?:` + panicMark.String() + ` )?(\S.*/gonb_[0-9a-z-]+/main(?:_test)?\.go):(\d+)`)
	// exitStatus matches the whole stderr message by which GoNB reports that a program failed. It is also the error's
	// value.
	exitStatus = regexp.MustCompile(`^(?:\^C\n)?((?:exit status \d+|signal: [a-z ]+)(?: \(core dumped\))?)\n$`)
	// unknownMagic matches GoNB's whole note about a %command that it does not know.
	unknownMagic = regexp.MustCompile(`^"(%.+)" unknown or not implemented yet\.$`)
	goFileLine   = regexp.MustCompile(`^\S*main(?:_test)?\.go:\d+:\d+: `)
)

// diagnosis describes a failure.
type diagnosis struct {
	message string
	// count is the execution count of the cell that has the line; 0 if it is not known.
	count, line int
	// file and fileLine are the place in GoNB's program when the place in a cell is not marked.
	file     string
	fileLine int
}

// notes are GoNB's messages about failures, in a stream of a cell that it reports as successful.
type notes struct {
	magic, exit string
}

// look reads one stderr message. GoNB sends each of its notes as a separate message.
func (n *notes) look(text string) {
	if match := unknownMagic.FindStringSubmatch(text); match != nil && n.magic == "" {
		n.magic = match[1]
	}
	if match := exitStatus.FindStringSubmatch(text); match != nil && n.exit == "" {
		n.exit = match[1]
	}
}

// failure returns the failure of a cell with the reply "ok".
func (n *notes) failure(source string) string {
	switch {
	case n.magic != "":
		return fmt.Sprintf("the kernel does not know the command %s", n.magic)
	case n.exit != "" && hasShellCommand(source):
		return "a shell command of the cell failed: " + n.exit
	}
	return ""
}

// diagnose finds the message and the line of an execution that failed. The course's kernel names its errors and their
// places. With GoNB the reason of a program's end must be found in its output.
func diagnose(reply *jupyter.ExecuteReply, outputs []nbformat.Output) diagnosis {
	d, value := firstPlace(reply.Traceback), jupyter.StripANSI(reply.Evalue)
	switch {
	case d.count > 0 && named(reply.Ename):
		d.message = describeError(reply.Ename, value)
		return d
	case d.count > 0:
		return d
	case exitStatus.MatchString(value + "\n"):
		return diagnoseExit(value, outputs)
	}
	return diagnosis{message: describeError(reply.Ename, value)}
}

// firstPlace returns the first place in a cell that a traceback names, with the last line of its message.
func firstPlace(traceback []string) diagnosis {
	for _, frame := range traceback {
		frame = jupyter.StripANSI(frame)
		if mark := compileMark.FindStringSubmatch(frame); mark != nil {
			return diagnosis{message: lastLine(frame), count: number(mark[1]), line: number(mark[2])}
		}
	}
	return diagnosis{}
}

// diagnoseExit looks in a program's output for the reason of its failure.
func diagnoseExit(status string, outputs []nbformat.Output) diagnosis {
	stderr := jupyter.StripANSI(streamText(outputs, "stderr"))
	if at := panicStart(stderr); at >= 0 {
		message, stack := splitPanic(stderr[at:])
		d := diagnosis{message: message}
		switch frame := stackFrame.FindStringSubmatch(stack); {
		case frame == nil:
		case frame[1] != "":
			d.count, d.line = number(frame[1]), number(frame[2])
		default:
			d.file, d.fileLine = frame[3], number(frame[4])
		}
		return d
	}
	if tests := failedTests(streamText(outputs, "stdout")); tests != "" {
		return diagnosis{message: "failed: " + tests}
	}
	return lastWords(status, stderr)
}

// lastWords takes the message from the last line of stderr with some text. If that line only marks a place in a cell,
// as a failed kernelext.Assert writes it below its message, it takes the place from there.
func lastWords(status, stderr string) diagnosis {
	d := diagnosis{message: status}
	for _, line := range slices.Backward(strings.Split(stderr, "\n")) {
		line = strings.TrimSpace(line)
		if mark := panicMark.FindStringSubmatch(line); mark != nil && strings.HasPrefix(line, mark[0]) {
			if d.count == 0 {
				d.count, d.line = number(mark[1]), number(mark[2])
			}
			continue
		}
		if line != "" && line != status && line != "^C" {
			d.message = status + ": " + line
			break
		}
	}
	return d
}

// panicStart returns the offset of a panic's or a fatal error's message, or -1.
func panicStart(stderr string) int {
	for _, start := range []string{"panic: ", "fatal error: "} {
		if strings.HasPrefix(stderr, start) {
			return 0
		}
		if at := strings.LastIndex(stderr, "\n"+start); at >= 0 {
			return at + 1
		}
	}
	return -1
}

// splitPanic returns the message in one line, and the stack of the goroutine that panicked.
func splitPanic(text string) (message, stack string) {
	message, stack, _ = strings.Cut(text, "\ngoroutine ")
	var lines []string
	for line := range strings.Lines(message) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	stack, _, _ = strings.Cut(stack, "\n\n")
	return strings.Join(lines, " "), stack
}

var failedTest = regexp.MustCompile(`(?m)^--- FAIL: (\S+)`)

func failedTests(stdout string) string {
	var names []string
	for _, match := range failedTest.FindAllStringSubmatch(stdout, -1) {
		names = append(names, match[1])
	}
	return strings.Join(names, ", ")
}

func describeError(name, value string) string {
	value = strings.Join(strings.Fields(goFileLine.ReplaceAllString(value, "")), " ")
	if !named(name) {
		return value
	}
	return strings.TrimSuffix(name+": "+value, ": ")
}

// named reports whether an error has its own name; GoNB calls all of them ERROR.
func named(name string) bool { return name != "" && name != "ERROR" }

func streamText(outputs []nbformat.Output, name string) string {
	var text strings.Builder
	for _, output := range outputs {
		if output.Type == nbformat.Stream && output.Name == name {
			text.WriteString(output.Text)
		}
	}
	return text.String()
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}

// number converts digits that a regular expression has found.
func number(digits string) int {
	n, _ := strconv.Atoi(digits)
	return n
}
