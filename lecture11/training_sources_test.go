package lecture11

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// trainingRoots lists, for each kind of training, the functions and methods that build the model and that prepare and
// run the training.
var trainingRoots = map[string][]string{
	"vae":         {"NewVAE", "NewVAEOf", "VAE.Training", "Training.Run"},
	"vq-vae":      {"NewVQVAE", "VQVAE.Training", "Training.Run"},
	"autoencoder": {"NewAutoencoder", "NewAutoencoderOf", "Autoencoder.Training", "Autoencoder.LabelledTraining", "Training.Run"},
	"classifier":  {"NewClassifier", "NewClassifierOf", "Classifier.Training", "Training.Run"},
	"gan":         {"NewGAN", "NewGANOf", "GAN.Training", "Training.Run"},
	"multi-task":  {"NewMultiTask", "NewMultiTaskOf", "MultiTask.Training", "Training.Run"},
	"meta":        {"NewMeta", "Meta.Training", "Training.Run"},
	"prototypes":  {"NewPrototypeNet", "PrototypeNet.Training", "Training.Run"},
	"som":         {"NewSOM", "SOM.Training", "SOM.StreamTraining", "SOMTraining.Run"},
}

// neverHashed lists files that a training reaches but that cannot change its numbers.
var neverHashed = map[string]string{
	"code.go":       "reads the sources of the others; a change of the list of files changes the hash",
	"graph_hash.go": "identifies custom functions in the key; a change of it changes those hashes",
	"guard.go":      "orders concurrent calls; no number depends on it",
}

// TestTrainingSources: the code version of each kind of training is a hash of exactly the files whose functions the
// training can reach. Every change of the arithmetic changes it, and a change of a test file does not.
func TestTrainingSources(t *testing.T) {
	if testing.Short() {
		t.Skip("type-checks the package and what it imports")
	}
	code := loadModulePackages(t)
	for kind, roots := range trainingRoots {
		want := code.filesReached(t, roots)
		if got := slices.Sorted(slices.Values(trainingSources[kind])); !slices.Equal(got, want) {
			t.Errorf("trainingSources[%q] = %q,\nwant the files that %v reach:\n%s", kind, got, roots, quoted(want))
		}
	}
	for kind := range trainingSources {
		if trainingRoots[kind] == nil {
			t.Errorf("trainingSources has the kind %q, but this test has no training of it", kind)
		}
	}
	checkEmbedded(t)
}

func quoted(files []string) string {
	var b strings.Builder
	for _, f := range files {
		fmt.Fprintf(&b, "%q, ", f)
	}
	return b.String()
}

// checkEmbedded reports an error if a file is embedded that no training depends on.
func checkEmbedded(t *testing.T) {
	t.Helper()
	needed := map[string]bool{}
	for _, files := range trainingSources {
		for _, file := range files {
			needed[file] = true
		}
	}
	text, err := os.ReadFile("code.go")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		names, found := strings.CutPrefix(line, "//go:embed ")
		for _, name := range strings.Fields(names) {
			if found && !needed[name] {
				t.Errorf("code.go embeds %s, on which no training depends", name)
			}
		}
	}
}

// moduleCode is the type-checked source of lecture11 and of the packages below it.
type moduleCode struct {
	fset  *token.FileSet
	decls map[types.Object]declaration
	named map[string][]types.Object // methods by name, which a call through an interface may reach
	root  *types.Package
}

// declaration is the declaration of an object, with the objects that it mentions.
type declaration struct {
	file string // relative to lecture11
	node ast.Node
	info *types.Info
}

// listedPackage is a package as `go list` prints it.
type listedPackage struct {
	ImportPath, Dir, Export string
	GoFiles                 []string
}

const modulePath = "deeplearning.example/lecture11"

// loadModulePackages type-checks lecture11 and the packages below it that it imports from source, and reads all others
// from export data.
func loadModulePackages(t *testing.T) *moduleCode {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-export", "-json=ImportPath,Dir,Export,GoFiles", ".").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	exports := map[string]string{}
	var own []listedPackage
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listedPackage
		if err := decoder.Decode(&p); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		exports[p.ImportPath] = p.Export
		if strings.HasPrefix(p.ImportPath+"/", modulePath+"/") {
			own = append(own, p) // after those that it imports, lecture11 itself last
		}
	}
	code := &moduleCode{fset: token.NewFileSet(), decls: map[types.Object]declaration{}, named: map[string][]types.Object{}}
	imports := &sourceFirst{done: map[string]*types.Package{}, other: importer.ForCompiler(code.fset, "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(exports[path])
	})}
	for _, p := range own {
		imports.done[p.ImportPath] = code.check(t, p, imports)
		code.root = imports.done[p.ImportPath]
	}
	return code
}

// sourceFirst imports packages that have been type-checked from source in preference to others.
type sourceFirst struct {
	done  map[string]*types.Package
	other types.Importer
}

func (s *sourceFirst) Import(path string) (*types.Package, error) {
	if p := s.done[path]; p != nil {
		return p, nil
	}
	return s.other.Import(path)
}

// check type-checks a package and records its declarations.
func (c *moduleCode) check(t *testing.T, p listedPackage, imports types.Importer) *types.Package {
	t.Helper()
	var files []*ast.File
	for _, name := range p.GoFiles {
		file, err := parser.ParseFile(c.fset, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	info := &types.Info{Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{}}
	checked, err := (&types.Config{Importer: imports}).Check(p.ImportPath, c.fset, files, info)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		name := strings.TrimPrefix(p.ImportPath+"/"+filepath.Base(c.fset.Position(file.Package).Filename), modulePath+"/")
		for _, decl := range file.Decls {
			c.note(decl, name, info)
		}
	}
	return checked
}

// note records the objects of a top-level declaration of a file.
func (c *moduleCode) note(decl ast.Decl, file string, info *types.Info) {
	add := func(id *ast.Ident, node ast.Node) {
		if object := info.Defs[id]; object != nil {
			c.decls[object] = declaration{file, node, info}
		}
	}
	switch d := decl.(type) {
	case *ast.FuncDecl:
		add(d.Name, d)
		if d.Recv != nil {
			c.named[d.Name.Name] = append(c.named[d.Name.Name], info.Defs[d.Name])
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.ValueSpec:
				for _, id := range s.Names {
					add(id, s)
				}
			case *ast.TypeSpec:
				add(s.Name, s)
			}
		}
	}
}

// filesReached returns the files of all functions, values and types that the roots mention, directly or through others.
func (c *moduleCode) filesReached(t *testing.T, roots []string) []string {
	t.Helper()
	var todo []types.Object
	for _, root := range roots {
		object := c.find(root)
		if object == nil {
			t.Fatalf("lecture11 has no %s", root)
		}
		todo = append(todo, object)
	}
	seen, files := map[types.Object]bool{}, map[string]bool{}
	for len(todo) > 0 {
		object := todo[0]
		todo = todo[1:]
		d, declared := c.decls[object]
		if seen[object] || !declared {
			continue
		}
		seen[object] = true
		if neverHashed[d.file] == "" {
			files[d.file] = true
		}
		todo = append(todo, c.mentioned(d)...)
	}
	return slices.Sorted(maps.Keys(files))
}

// ours reports whether a package is lecture11 or below it; built-in interfaces have no package.
func ours(p *types.Package) bool { return p != nil && strings.HasPrefix(p.Path()+"/", modulePath+"/") }

// mentioned returns the objects that a declaration mentions. For a method that is called through an interface of
// lecture11, it includes all methods with the same name.
func (c *moduleCode) mentioned(d declaration) []types.Object {
	var all []types.Object
	ast.Inspect(d.node, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		if !ok {
			return true
		}
		object := d.info.Uses[id]
		f, isFunc := object.(*types.Func)
		if isFunc {
			object = f.Origin()
			if recv := f.Signature().Recv(); recv != nil && types.IsInterface(recv.Type()) && ours(f.Pkg()) {
				all = append(all, c.named[f.Name()]...)
			}
		}
		all = append(all, object)
		return true
	})
	return all
}

// find returns the function with the given name, or a method given as "Type.Method".
func (c *moduleCode) find(name string) types.Object {
	receiver, method, isMethod := strings.Cut(name, ".")
	if !isMethod {
		return c.root.Scope().Lookup(name)
	}
	for _, object := range c.named[method] {
		t := object.(*types.Func).Signature().Recv().Type()
		if pointer, ok := t.(*types.Pointer); ok {
			t = pointer.Elem()
		}
		if named, ok := t.(*types.Named); ok && named.Obj().Name() == receiver && object.Pkg().Path() == modulePath {
			return object
		}
	}
	return nil
}
