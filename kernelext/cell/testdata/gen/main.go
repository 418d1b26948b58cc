// Command gen makes testdata/gonb.json: what GoNB itself makes of the cells in testdata/sessions.json. Run it in the
// folder kernelext/cell by
//
//	go run ./testdata/gen
//
// It was last run with github.com/janpfeifer/gonb v0.11.4 and Go 1.26.8. GoNB's packages are internal, so the program
// copies the module to a temporary folder, puts two files into it that open what it needs, and runs them there.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"deeplearning.example/kernelext/cell"
)

// opened is put into package goexec.
const opened = `package goexec

import (
	"os"
	"github.com/janpfeifer/gonb/common"
)

func (s *State) Alone(id int, lines []string, skip common.Set[int]) (string, error) {
	_, _, err := s.createGoFileFromLines(s.CodePath(), id, lines, skip, NoCursor)
	text, _ := os.ReadFile(s.CodePath())
	return string(text), err
}

func (s *State) Composed(id int, lines []string, skip common.Set[int]) (string, []CellIdAndLine, error) {
	decls, _, _, places, err := s.parseLinesAndComposeMain(nil, id, lines, skip, NoCursor)
	if err != nil {
		return "", nil, err
	}
	s.Definitions = decls
	text, err := os.ReadFile(s.CodePath())
	return string(text), places, err
}
`

// program is put into the module as a command. It reads sessions, lists of cells, and tells what GoNB makes of each.
const program = `package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"slices"
	"strings"

	"github.com/janpfeifer/gonb/common"
	"github.com/janpfeifer/gonb/internal/goexec"
	"github.com/janpfeifer/gonb/internal/specialcmd"
)

type made struct {
	Text  string
	Used  []int    // lines that are commands, from 1
	Panic string   ` + "`json:\",omitempty\"`" + `
	Alone string   // the file of the cell alone
	Error string   ` + "`json:\",omitempty\"`" + `
	Main  string   // main.go
	Where [][2]int // for each line of main.go the cell and the line, from 1; 0: none
}

func main() {
	var sessions [][]string
	if err := json.NewDecoder(os.Stdin).Decode(&sessions); err != nil {
		log.Fatal(err)
	}
	var out [][]made
	for i, cells := range sessions {
		s, err := goexec.New(nil, fmt.Sprint("gen", os.Getpid(), "x", i), false, true)
		if err != nil {
			log.Fatal(err)
		}
		var session []made
		for j, text := range cells {
			session = append(session, run(s, j+1, text))
		}
		out = append(out, session)
		s.Stop()
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	encoder.Encode(out)
}

func run(s *goexec.State, id int, text string) (m made) {
	m.Text = text
	lines, used := strings.Split(text, "\n"), common.MakeSet[int]()
	defer func() {
		if r := recover(); r != nil {
			m.Panic = fmt.Sprint(r)
		}
		for line := range used {
			m.Used = append(m.Used, line+1)
		}
		slices.Sort(m.Used)
	}()
	if !specialcmd.IsGoCell(lines[0]) {
		return m
	}
	if err := specialcmd.Parse(nil, s, false, lines, used); err != nil {
		m.Error = err.Error()
		return m
	}
	m.Alone, _ = s.Alone(id, lines, used)
	main, where, err := s.Composed(id, lines, used)
	if err != nil {
		m.Error = "does not parse"
		return m
	}
	m.Main = main
	for _, w := range where {
		if w.Id < 0 || w.Line < 0 {
			w = goexec.CellIdAndLine{Id: 0, Line: -1}
		}
		m.Where = append(m.Where, [2]int{w.Id, w.Line + 1})
	}
	return m
}
`

func main() {
	log.SetFlags(0)
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	dir, err := os.MkdirTemp("", "gonb-copy-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	module, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/janpfeifer/gonb").Output()
	if err != nil {
		return err
	}
	if err := os.CopyFS(dir, os.DirFS(strings.TrimSpace(string(module)))); err != nil {
		return err
	}
	command := filepath.Join(dir, "cmd", "opened")
	files := map[string]string{
		filepath.Join(dir, "internal", "goexec", "opened.go"): opened,
		filepath.Join(command, "main.go"):                     program,
	}
	if err := os.MkdirAll(command, 0o755); err != nil {
		return err
	}
	for path, text := range files {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	sessions, err := readSessions()
	if err != nil {
		return err
	}
	var out bytes.Buffer
	cmd := exec.Command("go", "run", "./cmd/opened")
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = dir, bytes.NewReader(sessions), &out, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("in the copy of GoNB: %w", err)
	}
	return os.WriteFile("testdata/gonb.json", out.Bytes(), 0o644)
}

// readSessions adds a session of its own to the two in the file: the second, as Rewrite gives it to GoNB.
func readSessions() ([]byte, error) {
	data, err := os.ReadFile("testdata/sessions.json")
	if err != nil {
		return nil, err
	}
	var sessions [][]string
	if err := json.Unmarshal(data, &sessions); err != nil {
		return nil, err
	}
	var rewritten []string
	for _, text := range sessions[1] {
		rewritten = append(rewritten, cell.Parse(text).Rewrite(nil))
	}
	return json.Marshal(append(sessions[:2], rewritten))
}
