package kernel

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"deeplearning.example/kernelext/internal/agent"
	"deeplearning.example/kernelext/jupyter"
)

// Names of errors, the ename of an error message.
const (
	nameCompile   = "CompileError"
	nameExit      = "ExitError"
	nameInterrupt = "Interrupted"
	nameKernel    = "KernelError"
	nameLimit     = "LimitExceeded"
	nameMagic     = "MagicError"
	namePanic     = "Panic"
	nameShell     = "ShellError"
)

// failure describes why a cell failed: one error message on iopub, and the same in the reply.
type failure struct {
	Ename, Evalue string
	Traceback     []string
}

// content returns the failure as a reply. A traceback is never empty, because front ends show nothing else.
func (f *failure) content() jupyter.ExecuteReply {
	traceback := f.Traceback
	if len(traceback) == 0 {
		traceback = []string{red(strings.TrimSuffix(f.Ename+": "+f.Evalue, ": "))}
	}
	return jupyter.ExecuteReply{Status: "error", Ename: f.Ename, Evalue: f.Evalue, Traceback: traceback}
}

// red is bold too, because front ends then show a darker red, which is readable on their pink.
func red(text string) string { return "\x1b[1;31m" + text + "\x1b[0m" }

// diagnosis is one message of the compiler, or of GoNB's parser.
var diagnosis = regexp.MustCompile(`main(?:_test)?\.go:(\d+):(?:(\d+):)? (.+)`)

// compileFailure reports the compiler's messages by cell and line.
func (r *run) compileFailure(output string) failure {
	mainGo := r.build.source()
	f := failure{Ename: nameCompile}
	for line := range strings.Lines(strings.TrimSpace(output)) {
		line = strings.TrimRight(line, "\n")
		match := diagnosis.FindStringSubmatch(line)
		switch {
		case match != nil:
			match[3] += unknownPackage(mainGo, match)
			f.add(match[3], r.lines.frameOf(mainGo, match))
		case strings.HasPrefix(line, "# ") || line == "":
		case len(f.Traceback) > 0:
			f.Traceback[len(f.Traceback)-1] += "\n" + red(line)
		default:
			f.add(line, red(line))
		}
	}
	return f
}

// undefinedName is the compiler's message about an undefined name.
var undefinedName = regexp.MustCompile(`^undefined: (\w+)$`)

// unknownPackage explains an undefined name before a dot. For a misspelt function of a package, as in fmt.Printn, no
// import is found, and the compiler reports the package.
func unknownPackage(mainGo []byte, match []string) string {
	name := undefinedName.FindStringSubmatch(match[3])
	if name == nil {
		return ""
	}
	line, _ := strconv.Atoi(match[1])
	source, _ := sourceLine(mainGo, line)
	used := regexp.MustCompile(`\b` + name[1] + `\.([A-Z]\w*)`).FindStringSubmatch(source)
	if used == nil {
		return ""
	}
	return fmt.Sprintf(" (neither declared, nor a package with %s)", used[1])
}

// add adds a frame; the first message is the error's value.
func (f *failure) add(message, frame string) {
	if f.Evalue == "" {
		f.Evalue = message
	}
	f.Traceback = append(f.Traceback, frame)
}

// explain returns the failure for GoNB's reply: an error of its parser, or the end of the cell's program.
func (r *run) explain(reply jupyter.ExecuteReply) *failure {
	value := strings.TrimSpace(jupyter.StripANSI(reply.Evalue))
	if f := r.endOf(value); f != nil {
		return f
	}
	if match := diagnosis.FindStringSubmatch(value); match != nil {
		f := r.parseFailure(value)
		return &f
	}
	return &failure{Ename: nameKernel, Evalue: value, Traceback: reply.Traceback}
}

// parseFailure reports an error that GoNB's parser found in the cell before the build.
func (r *run) parseFailure(value string) failure {
	if r.build.source() == nil {
		r.build.readMain(r.k.gonbFolder())
	}
	return r.compileFailure(value)
}

// exitStatus matches the end of a program in the words of package os.
var exitStatus = regexp.MustCompile(`^(exit status (\d+)|signal: ([a-z ]+))( \(core dumped\))?$`)

// endOf explains the end of the cell's program; it returns nil if value does not describe one.
func (r *run) endOf(value string) *failure {
	match := exitStatus.FindStringSubmatch(value)
	if match == nil {
		return nil
	}
	stderr := jupyter.StripANSI(r.out.lastErrors())
	switch {
	case strings.Contains(stderr, "SIGXFSZ: file size limit exceeded"), match[3] == "file size limit exceeded":
		return &failure{Ename: nameLimit, Evalue: fmt.Sprintf("the cell wrote a file of more than %s; `%%limit file 20GB` allows more",
			formatBytes(int64(r.limits.File)))}
	case match[3] == "killed":
		return &failure{Ename: nameExit, Evalue: "signal: killed, but not by this kernel: mostly the system does this when memory runs out"}
	}
	if at := panicStart(stderr); at >= 0 {
		return r.panicFailure(stderr[at:])
	}
	return r.exitFailure(value, stderr)
}

// panicStart returns the offset of the message of a panic or of a fatal error of the runtime, or -1.
func panicStart(stderr string) int {
	last := -1
	for _, start := range []string{"panic: ", "fatal error: "} {
		if strings.HasPrefix(stderr, start) {
			last = max(last, 0)
		}
		if at := strings.LastIndex(stderr, "\n"+start); at >= 0 {
			last = max(last, at+1)
		}
	}
	return last
}

// panicFailure reports a panic with the lines of cells in the stack.
func (r *run) panicFailure(text string) *failure {
	message, stack, _ := strings.Cut(text, "\ngoroutine ")
	message = strings.TrimSpace(message)
	f := &failure{Ename: namePanic, Evalue: strings.TrimPrefix(message, "panic: ")}
	if strings.HasPrefix(message, "fatal error: ") {
		f.Ename = "FatalError"
	}
	stack, _, _ = strings.Cut(stack, "\n\n") // of the goroutine that panicked
	for _, match := range stackMark.FindAllStringSubmatch(stack, -1) {
		count, _ := strconv.Atoi(match[1])
		line, _ := strconv.Atoi(match[2])
		f.Traceback = append(f.Traceback, r.lines.frame(cellLine{count, line}, "called here"))
	}
	if len(f.Traceback) == 0 {
		f.Traceback = []string{red(message)}
		return f
	}
	f.Traceback[0] = strings.TrimSuffix(f.Traceback[0], red("called here")) + red(message)
	return f
}

// exitFailure reports a program that ended by itself, with its last words.
func (r *run) exitFailure(status, stderr string) *failure {
	f := &failure{Ename: nameExit, Evalue: status}
	lines := strings.Split(strings.TrimSpace(stderr), "\n")
	last := strings.TrimSpace(lines[len(lines)-1])
	if match := stackMark.FindStringSubmatch(last); match != nil && len(lines) > 1 { // as a failed Assert writes
		count, _ := strconv.Atoi(match[1])
		line, _ := strconv.Atoi(match[2])
		last = strings.TrimSpace(lines[len(lines)-2])
		f.Traceback = []string{r.lines.frame(cellLine{count, line}, status+": "+last)}
	}
	if last != "" && last != status {
		f.Evalue = status + ": " + last
	}
	return f
}

// shellFailure reports a shell line or a script that failed.
func (r *run) shellFailure(request agent.Request) failure {
	what := "a shell line"
	if r.cell.Foreign {
		what = "the script"
	}
	value := fmt.Sprintf("%s ended with exit code %d", what, request.Code)
	if request.Code > 128 && request.Code < 160 {
		value = fmt.Sprintf("%s ended by signal %d", what, request.Code-128)
	}
	f := failure{Ename: nameShell, Evalue: value}
	if line := r.shellLine(); line > 0 {
		f.Traceback = []string{r.lines.frame(cellLine{r.count, line}, value)}
	}
	return f
}

// gonbDied reports what is known of GoNB's end while it ran the cell.
func (r *run) gonbDied() *failure {
	if failed := r.failure(); failed != nil {
		return failed
	}
	if r.k.ctx.Err() != nil {
		return &failure{Ename: nameKernel, Evalue: "the kernel was shut down while the cell was " + r.stageNow().String()}
	}
	f := &failure{Ename: nameKernel}
	f.Evalue = fmt.Sprintf("GoNB died (%v) while the cell was %v; a new one is started with the definitions so far",
		r.gonb.proc.Err(), r.stageNow())
	f.Traceback = []string{red(nameKernel + ": " + f.Evalue)}
	if last := r.gonb.tail.last(); last != "" {
		f.Traceback = append(f.Traceback, "GoNB's last words: "+last)
	}
	return f
}

func (r *run) stageNow() stage {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stage
}
