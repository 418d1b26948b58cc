package build

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// xlaImports are the imports that a cell of a lecture notebook links.
var xlaImports = []string{"deeplearning.example/kernelext", "deeplearning.example/kernelext/device",
	"deeplearning.example/lecture11", "github.com/janpfeifer/must", "fmt", "os"}

const xlaBody = `	if len(os.Args) > 99 {
		fmt.Println(must.M1(lecture11.NewVAE(must.M1(device.Backend()), lecture11.VAEConfig{})))
	}
	kernelext.Assert(true, "%d", `

// kernelFlags are those of the kernelspec.
const kernelFlags = "GOFLAGS=-buildvcs=false '-ldflags=-s -w -linkmode=internal' -gcflags=all=-dwarf=false"

// newProjectBench creates GoNB's module beside this project.
func newProjectBench(t testing.TB) *bench {
	t.Helper()
	x := newBench(t)
	project, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	x.env = cellEnv(kernelFlags)
	if err := os.RemoveAll(x.dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(x.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := x.gonbModule(t.Context(), x.dir, project, x.env); err != nil {
		t.Fatal(err)
	}
	if err := x.Warm(t.Context(), project, CellImports, x.env); err != nil {
		t.Fatal(err)
	}
	return x
}

// BenchmarkCell builds a cell by the tools and by the go command in turn. Each text is new. Compare the medians. On a
// new machine all packages are compiled first.
func BenchmarkCell(b *testing.B) {
	x := newProjectBench(b)
	b.Run("standard-library", func(b *testing.B) {
		x.compare(b, func(i int64) string { return program([]string{"fmt"}, fmt.Sprintf("\tfmt.Println(%d)", i)) })
	})
	b.Run("xla-linked", func(b *testing.B) {
		x.compare(b, func(i int64) string { return program(xlaImports, fmt.Sprintf("%s%d)", xlaBody, i)) })
	})
}

func (x *bench) compare(b *testing.B, text func(i int64) string) {
	var load, compile, link, whole, byGo []time.Duration
	for b.Loop() {
		start := time.Now()
		r := x.build(b, text(start.UnixNano()))
		if r.Code != 0 || !r.Fast || r.Cached {
			b.Fatalf("%+v; log %q", r, x.log)
		}
		load, compile, link = append(load, r.Load), append(compile, r.Compile), append(link, r.Link)
		whole = append(whole, time.Since(start))
		write(b, filepath.Join(x.dir, "main.go"), text(time.Now().UnixNano()))
		start = time.Now()
		if code, output := x.goBuild(b); code != 0 {
			b.Fatal(output)
		}
		byGo = append(byGo, time.Since(start))
	}
	for name, times := range map[string][]time.Duration{
		"load-ms": load, "compile-ms": compile, "link-ms": link, "fast-ms": whole, "go-build-ms": byGo,
	} {
		slices.Sort(times)
		b.ReportMetric(float64(times[(len(times)-1)/2].Microseconds())/1000, name)
	}
	b.ReportMetric(0, "ns/op")
}
