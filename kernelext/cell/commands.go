package cell

import (
	"cmp"
	"slices"
	"strings"
)

// Command is a command that can be in a cell.
type Command struct {
	Name  string // with its sign
	Usage string // the whole line, arguments in <>, optional ones in []
	Help  string // one sentence
	Own   bool   // belongs to the supervisor, not to GoNB
}

// Commands are all commands that can be in a cell: the supervisor's first, then GoNB's.
var Commands = []Command{
	{"%lecture", "%lecture", "Lists the commands that this kernel adds, with the present settings.", true},
	{"%mode", "%mode [quick|full]", "Sets the mode that kernelext.Mode returns in the cells from now on.", true},
	{"%device", "%device [cpu|cuda:0|go]", "Sets the device that device.Backend uses in the cells from now on.", true},
	{"%limit", "%limit [memory|time|output|file] [<value>|off]", "Shows or sets the limits of a cell.", true},
	{"%models", "%models", "Lists the models in the store.", true},
	{"%timing", "%timing", "Shows how the last cell spent its time: compile, link, start, XLA compile, run.", true},
	{"%output", "%output [save <file>]", "Shows everything that the last cell printed, or writes it to a file.", true},
	{"%%time", "%%time", "First line of a cell: prints its time at the end. Above Go statements it includes %%.", true},

	{"%%", "%% [<args>]", "The following lines are the body of func main; args are passed to the program.", false},
	{"%main", "%main [<args>]", "The same as %%.", false},
	{"%exec", "%exec <func> [<args>]", "Makes a func main that calls the function.", false},
	{"%args", "%args <args>", "Passes arguments to the program of this cell.", false},
	{"%test", "%test [<flags>]", "Runs the tests and benchmarks that the cell defines by go test.", false},
	{"%wasm", "%wasm", "Compiles the cell to WebAssembly, which runs in the browser; it prints to the browser's console.", false},
	{"%capture", "%capture [-a] <file>", "Copies what the cell prints to a file; -a appends.", false},
	{"%env", "%env <name>=<value>", "Sets an environment variable for all cells from now on.", false},
	{"%cd", "%cd [<folder>]", "Changes the folder that cells run in, or prints it.", false},
	{"%goflags", "%goflags [<flags>]", `Sets flags of go build for all cells from now on; "" clears them.`, false},
	{"%autoget", "%autoget", "Gets packages that are missing before each build.", false},
	{"%noautoget", "%noautoget", "Turns %autoget off.", false},
	{"%ls", "%ls", "Lists what the cells so far have defined.", false},
	{"%list", "%list", "The same as %ls.", false},
	{"%rm", "%rm <names>", "Forgets definitions, by the names that %ls prints.", false},
	{"%remove", "%remove <names>", "The same as %rm.", false},
	{"%reset", "%reset [go.mod]", "Forgets all definitions and writes a new go.mod; with go.mod only the latter.", false},
	{"%with_inputs", "%with_inputs", "Lets the next ! line of the cell ask for input.", false},
	{"%with_password", "%with_password", "Lets the next ! line of the cell ask for a password.", false},
	{"%track", "%track [<path>]", "Follows the changes of a Go file or folder for completion.", false},
	{"%untrack", "%untrack <path>", "Ends %track; ... at the end of the path means all with that start.", false},
	{"%goworkfix", "%goworkfix", "Writes the modules of go.work into go.mod, for go get.", false},
	{"%widgets", "%widgets", "Connects the widgets of gonbui to the browser.", false},
	{"%widgets_hb", "%widgets_hb", "Reports whether the browser answers the widgets.", false},
	{"%help", "%help", "Shows the help of GoNB.", false},
	{"%version", "%version", "Shows the version of GoNB.", false},
	{"!", "!<command>", "Runs a command in bash, before the Go of the cell.", false},
	{"!*", "!*<command>", "Runs a command in bash, in the folder where cells are compiled.", false},
	{"%%bash", "%%bash", "First line of a cell: the rest is a script of bash.", false},
	{"%%sh", "%%sh", "First line of a cell: the rest is a script of sh.", false},
	{"%%script", "%%script <program>", "First line of a cell: the rest is the input of the program.", false},
	{"%%writefile", "%%writefile [-a] <file>", "First line of a cell: the rest is written to a file; -a appends.", false},
}

// foreign are the commands whose cell is not Go. GoNB knows %%gx too, and says that it is disabled.
var foreign = []string{"%%writefile", "%%script", "%%bash", "%%sh", "%%gx"}

// Known reports whether name is a command, with its sign, as in Magic.Name.
func Known(name string) bool {
	return slices.ContainsFunc(Commands, func(c Command) bool { return c.Name == name })
}

// maxSuggestions is the largest number of names that Suggest returns.
const maxSuggestions = 3

// Suggest returns the names of commands that are similar to an unknown one, the nearest first.
func Suggest(name string) []string {
	bare := strings.ToLower(strings.TrimLeft(name, "%!"))
	distance := map[string]int{}
	var near []string
	for _, c := range Commands {
		known := strings.TrimLeft(c.Name, "%!*")
		if known == "" {
			continue
		}
		d := edits(bare, known)
		if len(bare) > 1 && strings.HasPrefix(known, bare) {
			d = min(d, 1)
		}
		if d <= 2 && d < len(known) {
			distance[c.Name] = d
			near = append(near, c.Name)
		}
	}
	slices.SortStableFunc(near, func(a, b string) int { return cmp.Compare(distance[a], distance[b]) })
	return near[:min(len(near), maxSuggestions)]
}

// edits returns the number of characters that must be changed, inserted or removed to turn a into b.
func edits(a, b string) int {
	if len(a) > 2*len(b)+2 {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
