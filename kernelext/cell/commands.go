package cell

import (
	"cmp"
	"slices"
	"strings"
)

// Command is a command that a cell may hold.
type Command struct {
	Name  string // with its sign
	Usage string // the whole line, arguments in <>, those that may be missing in []
	Help  string // one sentence
	Own   bool   // of the supervisor, not of GoNB
}

// Commands are all commands that a cell may hold: the supervisor's first, then GoNB's.
var Commands = []Command{
	{"%lecture", "%lecture", "Lists what this kernel adds, with the settings as they are.", true},
	{"%mode", "%mode [quick|full]", "Sets the mode that kernelext.Mode tells to the cells from now on.", true},
	{"%device", "%device [cpu|cuda:0|go]", "Sets the device that device.Backend takes in the cells from now on.", true},
	{"%limit", "%limit [memory|time|output|file] [<value>|off]", "Shows or sets what one cell may use.", true},
	{"%models", "%models", "Lists the models that the store holds.", true},
	{"%timing", "%timing", "Shows what the last cell's time went to: compile, link, start, XLA compile, run.", true},
	{"%output", "%output [save <file>]", "Shows all that the last cell printed, or writes it to a file.", true},
	{"%%time", "%%time", "First line of a cell: tells its time at the end. Above Go statements it is %% as well.", true},

	{"%%", "%% [<args>]", "What follows is the body of func main; args are given to the program.", false},
	{"%main", "%main [<args>]", "The same as %%.", false},
	{"%exec", "%exec <func> [<args>]", "Makes a func main that calls the function.", false},
	{"%args", "%args <args>", "Gives arguments to the program of this cell.", false},
	{"%test", "%test [<flags>]", "Runs the tests and benchmarks that the cell defines by go test.", false},
	{"%wasm", "%wasm", "Compiles the cell to WebAssembly, which runs in the browser; it prints to the browser's console.", false},
	{"%capture", "%capture [-a] <file>", "Copies what the cell prints to a file; -a appends.", false},
	{"%env", "%env <name>=<value>", "Sets an environment variable for all cells from now on.", false},
	{"%cd", "%cd [<folder>]", "Changes the folder that cells run in, or tells it.", false},
	{"%goflags", "%goflags [<flags>]", `Sets flags of go build for all cells from now on; "" clears them.`, false},
	{"%autoget", "%autoget", "Gets packages that are missing before each build.", false},
	{"%noautoget", "%noautoget", "Gets no packages.", false},
	{"%ls", "%ls", "Lists what the cells so far have defined.", false},
	{"%list", "%list", "The same as %ls.", false},
	{"%rm", "%rm <names>", "Forgets definitions, by the names that %ls tells.", false},
	{"%remove", "%remove <names>", "The same as %rm.", false},
	{"%reset", "%reset [go.mod]", "Forgets all definitions and writes go.mod anew; with go.mod only the latter.", false},
	{"%with_inputs", "%with_inputs", "Lets the next ! line of the cell ask for input.", false},
	{"%with_password", "%with_password", "Lets the next ! line of the cell ask for a password.", false},
	{"%track", "%track [<path>]", "Follows the changes of a Go file or folder for completion.", false},
	{"%untrack", "%untrack <path>", "Ends %track; ... at the end of the path takes all that begin so.", false},
	{"%goworkfix", "%goworkfix", "Writes the modules of go.work into go.mod, for go get.", false},
	{"%widgets", "%widgets", "Connects the widgets of gonbui to the browser.", false},
	{"%widgets_hb", "%widgets_hb", "Tells whether the browser answers the widgets.", false},
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

// Known tells whether name is a command, with its sign, as Magic.Name.
func Known(name string) bool {
	return slices.ContainsFunc(Commands, func(c Command) bool { return c.Name == name })
}

// maxSuggestions is how many names Suggest gives at most.
const maxSuggestions = 3

// Suggest gives the names of commands that an unknown one may be a slip of, the nearest first.
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

// edits is how many characters must be changed, put in or taken out to make b of a.
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
