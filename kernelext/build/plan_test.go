package build

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	compileLine = `/go/tool/compile -o $WORK/b001/_pkg_.a -trimpath "$WORK/b001=>" -p main -pack ./main.go`
	linkLine    = `GOROOT='/a go' /go/tool/link -o $WORK/b001/exe/a.out -X 'a.b=c "d"' $WORK/b001/_pkg_.a`
	goodInfo    = "path\tcell\nmod\tcell\t(devel)\t\ndep\tb.c/d\tv1\th1:x\n=>\tb.c/e\tv2\th1:y\nbuild\t-compiler=gc\n"
)

// planText is output of go build -n.
func planText(compile, link, info string) string {
	mark := "\x01\xff3456789012345\x02"
	return compile + "\ncat >$WORK/b001/importcfg.link << 'EOF'\npackagefile cell=$WORK/b001/_pkg_.a\n" +
		"packagefile fmt=/cache/a\nmodinfo " + strconv.Quote(mark+info+mark) + "\nEOF\n" + link + "\n"
}

func TestPlan(t *testing.T) {
	p, err := parsePlan(planText(compileLine, linkLine, goodInfo), "cell")
	if err != nil {
		t.Fatal(err)
	}
	compile := []string{"/go/tool/compile", "-o", "$WORK/b001/_pkg_.a", "-trimpath", "$WORK/b001=>", "-p", "main", "-pack"}
	link := []string{"/go/tool/link", "-o", "$WORK/b001/exe/a.out", "-X", `a.b=c "d"`, "$WORK/b001/_pkg_.a"}
	if !slices.Equal(p.Compile, compile) || !slices.Equal(p.Link, link) || !slices.Equal(p.LinkEnv, []string{"GOROOT=/a go"}) {
		t.Errorf("%q\n%q\n%q", p.Compile, p.Link, p.LinkEnv)
	}
	if !slices.Equal(p.packages, []string{"fmt"}) {
		t.Errorf("packages %q", p.packages)
	}
	if info := p.info("cell", map[string]bool{"b.c/d": true}); info[infoMark:len(info)-infoMark] != goodInfo {
		t.Errorf("build information %q", info)
	}
	if info := p.info("other", nil); strings.Contains(info, "b.c") || !strings.Contains(info, "path\tother\n") {
		t.Errorf("build information %q", info)
	}
}

// TestBadPlan: output of go build -n from another version of Go is refused, not half understood.
func TestBadPlan(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":               "",
		"no linker":             planText(compileLine, "", goodInfo),
		"another source":        planText(strings.Replace(compileLine, "./main.go", "./main.go ./b.go", 1), linkLine, goodInfo),
		"another folder":        planText(strings.Replace(compileLine, "-p main", "-embedcfg $WORK/b002/x", 1), linkLine, goodInfo),
		"a quote without end":   planText(compileLine, linkLine+` "`, goodInfo),
		"information of others": planText(compileLine, linkLine, strings.Replace(goodInfo, "path\tcell", "path\tx", 1)),
		"a version stamp":       planText(compileLine, linkLine, goodInfo+"build\tvcs=git\n"),
		"an unknown line":       planText(compileLine, linkLine, goodInfo+"new\tthing\n"),
		"a short text":          strings.Replace(planText(compileLine, linkLine, goodInfo), "modinfo ", "modinfo \"a\" ", 1),
		"a replacement of none": planText(compileLine, linkLine, strings.Replace(goodInfo, "dep\tb.c/d\tv1\th1:x\n", "", 1)),
	} {
		if p, err := parsePlan(text, "cell"); err == nil {
			t.Errorf("%s: %+v", name, p)
		}
	}
}

// TestUnfit: settings that the tools cannot use cost one call of the go command, not one in each cell.
func TestUnfit(t *testing.T) {
	x := newBench(t)
	tool := filepath.Join(t.TempDir(), "go")
	write(t, tool, "#!/bin/sh\n[ \"$2\" = -n ] && exec echo 'something new'\nexec '"+goTool(t)+"' \"$@\"\n")
	if err := os.Chmod(tool, 0o700); err != nil {
		t.Fatal(err)
	}
	x.opts.Go = tool
	for i := range 3 {
		if r := x.build(t, program([]string{"fmt"}, "fmt.Print("+strconv.Itoa(i)+")")); r.Code != 0 || r.Fast {
			t.Fatalf("%+v", r)
		}
		if got := runProgram(t, x.out()); got != strconv.Itoa(i) {
			t.Errorf("prints %s", got)
		}
	}
	if n := x.listings(); n != 1 {
		t.Errorf("%d listings, want 1; %q", n, x.log)
	}
}

func TestQuotedFields(t *testing.T) {
	for text, want := range map[string][]string{
		"": nil, "  ": nil, "-a": {"-a"}, " -a  -b ": {"-a", "-b"}, "-a '-b c' \"-d 'e\"": {"-a", "-b c", "-d 'e"},
		"'-a": {"'-a"}, "'-a b": {"'-a b"}, // and refused: no flag begins so
	} {
		if got := quotedFields(text); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// TestProgramKey: a program has the same key for any number of the compiler's threads and whatever program was listed, and
// another key for other arguments.
func TestProgramKey(t *testing.T) {
	key := func(compile ...string) string {
		a := &assembly{cell: &cell{}, set: &packageSet{Plan: &plan{Compile: compile}}}
		return a.programKey("")
	}
	one := key("compile", "-buildid", "a/b", "-c=1", "-pack")
	if two := key("compile", "-buildid", "c/d", "-c=2", "-pack"); two != one {
		t.Error("the number of threads or the listed program is part of the key")
	}
	if other := key("compile", "-buildid", "a/b", "-c=1", "-pack", "-race"); other == one {
		t.Error("an argument of the compiler is not part of the key")
	}
}
