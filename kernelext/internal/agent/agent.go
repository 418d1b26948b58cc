// Package agent is the small protocol between the supervised kernel and the programs below it: the helper that replaces
// the go command and starts cells and shell lines, and a cell's own program.
//
// The kernel listens on a unix socket in a folder that only its user can enter; its path is in LECTURE_KERNEL_SOCKET.
// One connection carries any number of requests, one JSON line each. A request with an answer gets one JSON line back,
// in order. The answers to "launch", "shell" and "script" also bring two descriptors, stdout and stderr of the program
// to be started.
//
// The package imports only the standard library, because every cell that uses kernelext links it.
package agent

import "errors"

// SocketVariable is the environment variable with the path of the kernel's socket.
const SocketVariable = "LECTURE_KERNEL_SOCKET"

// Kinds of requests.
const (
	// OpGo asks for "go build", "go test -c" or "go get": Args after "go", Dir, Env. Reply: Code, Output; Code
	// DoItYourself sends the caller to the real go command.
	OpGo = "go"
	// OpGoimports asks for goimports: Args after the program, Dir, Env. Reply as for OpGo.
	OpGoimports = "goimports"
	// OpLaunch asks for permission to start a cell's program: Args is its argv. Reply: Refuse, or Env, FileSize and
	// files.
	OpLaunch = "launch"
	// OpShell asks for permission to start a shell line: Args is the line alone. Reply as for OpLaunch.
	OpShell = "shell"
	// OpScript asks for permission to start a program that reads the cell's text: Args is its argv. Reply as for
	// OpLaunch.
	OpScript = "script"
	// OpExit reports that a shell line or a script has ended: Code. The helper waits for the empty reply, so that the
	// kernel knows of the end before the next line starts.
	OpExit = "exit"
	// OpProgress reports the progress of a training: Name, Step, Steps.
	OpProgress = "progress"
	// OpSaved reports that a training has saved its state: Name, Step, Steps.
	OpSaved = "saved"
	// OpTiming reports the time of a phase: Name, Seconds.
	OpTiming = "timing"
	// OpNote reports a line for the user: Name. The kernel shows equal lines of its cells once.
	OpNote = "note"
)

// AskGoroot are the arguments of a go command that prints Go's folder: the reply's Output is for its stdout.
var AskGoroot = []string{"env", "GOROOT"}

// DoItYourself as Code of a Reply means that the caller must run the real program, as without a kernel.
const DoItYourself = -1

// ErrAbsent reports that there is no supervised kernel: LECTURE_KERNEL_SOCKET is not set.
var ErrAbsent = errors.New("agent: no supervised kernel: " + SocketVariable + " is not set")

// Request is one line to the kernel. Op determines which fields are used.
type Request struct {
	Op      string   `json:"op"`
	PID     int      `json:"pid"`            // process id of the sender; 0 is filled in when it is sent
	Args    []string `json:"args,omitempty"` // go, goimports: after the program; launch, script: argv; shell: the line
	Dir     string   `json:"dir,omitempty"`  // working folder of the sender
	Env     []string `json:"env,omitempty"`  // go, goimports: NAME=value
	Code    int      `json:"code,omitempty"` // exit: exit code, 128+n for signal n
	Name    string   `json:"name,omitempty"` // progress, saved: name of the training; timing: the phase; note: the line
	Step    int64    `json:"step,omitempty"`
	Steps   int64    `json:"steps,omitempty"`
	Seconds float64  `json:"seconds,omitempty"` // timing
}

// Reply is the kernel's answer.
type Reply struct {
	Refuse   string   `json:"refuse,omitempty"`    // not empty: do not start, print nothing, exit with 130
	Code     int      `json:"code,omitempty"`      // go, goimports: exit code, or DoItYourself
	Output   string   `json:"output,omitempty"`    // go, goimports: what the program printed, for stderr
	Env      []string `json:"env,omitempty"`       // launch, shell, script: NAME=value, added to the environment
	FileSize uint64   `json:"file_size,omitempty"` // limit of a written file in bytes, 0 for none
	NoInput  bool     `json:"no_input,omitempty"`  // launch, shell: no user can be asked, the standard input is at its end
}
