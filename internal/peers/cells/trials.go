package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"deeplearning.example/kernelext/jupyter"
)

// trial is an action that both kernels run in turns.
type trial struct {
	name    string
	act     func(ctx context.Context, k *jupyter.Kernel) error
	builds  bool   // it builds a program, whose shares are measured
	goflags string // more flags of the go command, for both
}

// cell returns a trial that runs code with COUNT replaced by a number that no cell had before.
func cell(name, code string) trial {
	return trial{name: name, act: newCode(code), builds: true}
}

func newCode(code string) func(context.Context, *jupyter.Kernel) error {
	return func(ctx context.Context, k *jupyter.Kernel) error {
		count := strconv.FormatInt(time.Now().UnixNano(), 10)
		_, err := execute(ctx, k, strings.ReplaceAll(code, "COUNT", count))
		return err
	}
}

// xlaImports are the imports that a cell of a lecture notebook links.
const xlaImports = `import (
	"github.com/gomlx/gomlx/core/graph"
	"github.com/janpfeifer/must"
	"deeplearning.example/kernelext"
	"deeplearning.example/kernelext/device"
	"deeplearning.example/lecture11"
)
%%
`

const printsOne = "%%\nfmt.Println(COUNT)"

// cases returns the cells, from the smallest to one that computes by XLA.
func cases() []trial {
	return []trial{
		cell("comment", "// COUNT"),
		cell("empty main", "%%\n// COUNT"),
		cell("standard library", printsOne),
		cell("Assert", "import \"deeplearning.example/kernelext\"\n%%\nkernelext.Assert(true, \"%d\", COUNT)"),
		cell("plot", `import "deeplearning.example/kernelext"
%%
p, err := kernelext.Lines(kernelext.Axes{X: "x", Y: "y"}, kernelext.Series{Y: []float64{1, COUNT}})
if err != nil { panic(err) }
if err := kernelext.Plot(p); err != nil { panic(err) }`),
		cell("XLA linked", xlaImports+`if len(os.Args) > 99 {
	_ = must.M1(lecture11.NewVAE(must.M1(device.Backend()), lecture11.VAEConfig{}))
	_ = graph.Add
}
kernelext.Assert(true, "%d", COUNT)`),
		cell("XLA started", xlaImports+`backend := must.M1(device.Backend())
if len(os.Args) > 99 {
	_ = must.M1(lecture11.NewVAE(backend, lecture11.VAEConfig{}))
	_ = graph.Add
}
kernelext.Assert(true, "%d on %s", COUNT, backend.Name())`),
		cell("XLA computes", xlaImports+`backend := must.M1(device.Backend())
kl := graph.MustExecOnce(backend, func(mean, logVar *graph.Node) *graph.Node {
	return lecture11.KLDivergence(mean, logVar, 1)
}, [][]float64{{0, 2}}, [][]float64{{0, 0}})
kernelext.Assert(kl.Shape().Size() == 1, "%d: %s", COUNT, kl)`),
	}
}

// trifles are trials that build no program: their time is that of GoNB, the supervisor and their messages.
func trifles() []trial {
	return []trial{
		{name: "%env", act: newCode("%env CELLS_COUNT=COUNT")},
		{name: "!true", act: newCode("!true")},
		{name: "kernel_info", act: func(ctx context.Context, k *jupyter.Kernel) error {
			_, err := k.KernelInfo(ctx)
			return err
		}},
		{name: "comm", act: openComm},
	}
}

// goBuilt is a cell that the go command builds in both kernels, because the supervisor does not know the flag.
func goBuilt() []trial {
	t := cell("go command builds", printsOne)
	t.builds, t.goflags = false, "-p=2"
	return []trial{t}
}

// openComm opens a comm of GoNB's widgets and waits for its acknowledgement.
func openComm(ctx context.Context, k *jupyter.Kernel) error {
	acknowledged := make(chan struct{}, 1)
	r, err := k.Send("comm_open", map[string]any{
		"comm_id": strconv.FormatInt(time.Now().UnixNano(), 10), "target_name": "gonb_comm", "kernel_id": k.Process.ID,
		"data": map[string]any{},
	}, func(m *jupyter.Message) {
		if m.Header.MsgType == "comm_msg" && strings.Contains(string(m.Content), "open_ack") {
			acknowledged <- struct{}{}
		}
	})
	if err != nil {
		return err
	}
	defer r.Forget()
	select {
	case <-acknowledged:
		return nil
	case <-k.Done():
		return k.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// execute runs a cell that has to succeed and returns the text that it printed.
func execute(ctx context.Context, k *jupyter.Kernel, code string) (string, error) {
	var printed strings.Builder
	r, err := k.SendExecute(jupyter.ExecuteRequest{Code: code, StoreHistory: true}, func(m *jupyter.Message) {
		var stream jupyter.Stream
		if m.Header.MsgType == "stream" && m.Decode(&stream) == nil {
			printed.WriteString(stream.Text)
		}
	})
	if err != nil {
		return "", err
	}
	m, err := r.Wait(ctx)
	if err != nil {
		return "", err
	}
	r.Forget()
	var reply jupyter.ExecuteReply
	if err := m.Decode(&reply); err != nil {
		return "", err
	}
	if reply.Status != "ok" {
		return "", errors.New(fmt.Sprint(reply.Ename, ": ", reply.Evalue, "\n", printed.String()))
	}
	return printed.String(), nil
}
