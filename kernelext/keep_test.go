package kernelext

import (
	"errors"
	"image"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/dtypes/bfloat16"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/tensors"

	"deeplearning.example/kernelext/store"
)

func TestKeepAndFetch(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "models")
	t.Setenv("LECTURE_STORE", dir)
	type row struct {
		Name  string
		Score float64
	}
	table := []row{{"vae", -98.5}, {"dae", 3}}
	gray := image.NewGray(image.Rect(0, 0, 3, 2))
	if err := errors.Join(Keep("table", table), Keep("digit", gray), Keep("mean", []float32{1, 2})); err != nil {
		t.Fatal(err)
	}
	if got, err := Fetch[[]row]("table"); err != nil || !reflect.DeepEqual(got, table) {
		t.Errorf("table %v, %v", got, err)
	}
	if got, err := Fetch[image.Image]("digit"); err != nil || got.Bounds() != gray.Rect {
		t.Errorf("digit %v, %v", got, err)
	}
	_, err := Fetch[[]float64]("mean")
	if !errors.Is(err, store.ErrType) {
		t.Fatalf("error %v, want ErrType", err)
	}
	expectText(t, err.Error(), "it holds []float32, asked for []float64")
	if _, err = Fetch[int]("men"); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("error %v, want ErrNotFound", err)
	}
	expectText(t, err.Error(), `"mean" ([]float32)`, dir)
}

func TestKeepWithoutAFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	t.Setenv("LECTURE_STORE", filepath.Join(file, "store"))
	_, fetchErr := Fetch[int]("x")
	_, trainErr := Train(t.Context(), newToy(1))
	for _, err := range []error{Keep("x", 1), fetchErr, trainErr} {
		if err == nil {
			t.Fatal("no error")
		}
		expectText(t, err.Error(), file, "LECTURE_STORE")
	}
}

func TestKeepTensors(t *testing.T) {
	t.Setenv("LECTURE_STORE", filepath.Join(t.TempDir(), "store"))
	bf := bfloat16.FromFloat32(1.5)
	for _, want := range []*tensors.Tensor{
		tensors.FromValue([][]float32{{1, 2, 3}, {4, 5, -6}}),
		tensors.FromScalar(0.25),
		tensors.FromValue([]int32{1, -2}),
		tensors.FromValue([]bool{true, false, true}),
		tensors.FromValue([]bfloat16.BFloat16{bf, bf}),
		tensors.FromValue([]complex64{1 + 2i}),
		tensors.FromShape(shapes.Make(dtypes.Float32, 0, 3)),
		tensors.FromShape(shapes.Make(dtypes.Float32, 2_000_000)),
	} {
		if err := Keep("x", want); err != nil {
			t.Fatalf("%s: %v", want.Shape(), err)
		}
		got, err := Fetch[*tensors.Tensor]("x")
		if err != nil {
			t.Fatalf("%s: %v", want.Shape(), err)
		}
		if !got.Shape().Equal(want.Shape()) || want.Size() > 0 && !got.Equal(want) {
			t.Errorf("%s came back as %s", want.Shape(), got.Shape())
		}
	}
	if _, err := Fetch[[]float32]("x"); !errors.Is(err, store.ErrType) ||
		!strings.Contains(err.Error(), "it holds *tensors.Tensor") {
		t.Errorf("error %v, want ErrType with *tensors.Tensor", err)
	}
	gone := tensors.FromScalar(1.0)
	gone.MustFinalizeAll()
	for name, bad := range map[string]*tensors.Tensor{
		"nil": nil, "finalized": gone, "packed": tensors.FromShape(shapes.Make(dtypes.Int4, 4)),
	} {
		if err := Keep("y", bad); err == nil {
			t.Errorf("%s tensor: no error", name)
		}
	}
}

const cellProgram = `package main

import (
	"fmt"
	"math"
	yaml "gopkg.in/yaml.v3"
)

type model struct {
	w float64
}

func (m *model) rate() float64 { return base * 2 }

const (
	base = iota + 1
	other
)

var names = []string{"a"}

func trainStep(m *model) float64 { return math.Sqrt(m.w) + helper() }

func helper() float64 { return 1 }

func plot() { yaml.Marshal(nil) }

func main() {
	fmt.Println("hello")
}
`

// cellCode is CellCode for a program.
func cellCode(t *testing.T, program string, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(program), 0o666); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GONB_TMP_DIR", dir)
	code, err := CellCode(names...)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func TestCellCode(t *testing.T) {
	tests := []struct {
		name, old, new  string
		changes, inStep bool // whether the code changes, of all and of trainStep
	}{
		{"nothing", "hello", "hello", false, false},
		{"main", `fmt.Println("hello")`, `os.Exit(2)`, false, false},
		{"an import that only main needs", "\"fmt\"\n", "\"os\"\n\t\"fmt\"\n", false, false},
		{"order of imports", "\"fmt\"\n\t\"math\"\n", "\"math\"\n\t\"fmt\"\n", false, false},
		{"a comment", "func helper()", "// helper helps\nfunc helper()", false, false},
		{"layout", "{ return 1 }", "{\n\n\treturn 1\n}", false, false},
		{"the function", "math.Sqrt", "math.Cbrt", true, true},
		{"what it calls", "return 1 }", "return 2 }", true, true},
		{"its type", "w float64", "w, b float64", true, true},
		{"a method of its type", "base * 2", "base * 3", true, true},
		{"a constant of that method", "iota + 1", "iota + 2", true, true},
		{"an import that it uses", `"math"`, `"example.com/fast/math"`, true, true},
		{"a function that it does not call", "yaml.Marshal(nil)", "yaml.Marshal(1)", true, false},
		{"a variable that it does not use", `"a"`, `"b"`, true, false},
		{"one more function", "func plot()", "func more() {}\n\nfunc plot()", true, false},
		{"an init", "func plot()", "func init() { println() }\n\nfunc plot()", true, true},
	}
	all, step := cellCode(t, cellProgram), cellCode(t, cellProgram, "trainStep")
	if len(all) != 64 || len(step) != 64 || all == step {
		t.Fatalf("codes %s and %s", all, step)
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if !strings.Contains(cellProgram, test.old) {
				t.Fatalf("%q is not in the program", test.old)
			}
			program := strings.Replace(cellProgram, test.old, test.new, 1)
			if changed := cellCode(t, program) != all; changed != test.changes {
				t.Errorf("of all: changed is %v, want %v", changed, test.changes)
			}
			if changed := cellCode(t, program, "trainStep") != step; changed != test.inStep {
				t.Errorf("of trainStep: changed is %v, want %v", changed, test.inStep)
			}
		})
	}
}

func TestCellCodeRefuses(t *testing.T) {
	cellCode(t, cellProgram)
	_, err := CellCode("trainStep", "trian")
	if err == nil || !strings.Contains(err.Error(), `no cell defines "trian"`) {
		t.Errorf("unknown name: error %v", err)
	}
	t.Setenv("GONB_TMP_DIR", t.TempDir())
	if _, err := CellCode(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no main.go: error %v", err)
	}
	t.Setenv("GONB_TMP_DIR", "")
	if _, err := CellCode(); err == nil || !strings.Contains(err.Error(), "GONB_TMP_DIR") {
		t.Errorf("outside GoNB: error %v", err)
	}
}
