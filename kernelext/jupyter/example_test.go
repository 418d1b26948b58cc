package jupyter_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"deeplearning.example/kernelext/jupyter"
)

// FindSpec searches the folders that Jupyter searches, in its order.
func ExampleFindSpec() {
	dir, err := os.MkdirTemp("", "jupyter")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	folder := filepath.Join(dir, "kernels", "tiny")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		log.Fatal(err)
	}
	text := `{"argv": ["tiny-kernel", "-f", "{connection_file}"], "display_name": "Tiny", "language": "go", "env": {"TINY_HOME": "${HOME}/tiny"}}`
	if err := os.WriteFile(filepath.Join(folder, "kernel.json"), []byte(text), 0o644); err != nil {
		log.Fatal(err)
	}

	getenv := func(name string) string { return map[string]string{"JUPYTER_PATH": dir}[name] }
	spec, err := jupyter.FindSpec("tiny", getenv)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(spec.Name, spec.DisplayName, spec.Language)
	fmt.Println(spec.Args("/run/kernel-1.json"))
	fmt.Println(spec.Environ([]string{"HOME=/home/ada"}))
	// Output:
	// tiny Tiny go
	// [tiny-kernel -f /run/kernel-1.json]
	// [HOME=/home/ada TINY_HOME=/home/ada/tiny]
}

// A kernel is started by its kernelspec, executes code, and is gone after Shutdown, with everything that it started.
func ExampleStart() {
	ctx := context.Background()
	spec, err := jupyter.FindSpec("lecture11", os.Getenv)
	if err != nil {
		log.Fatal(err)
	}
	kernel, err := jupyter.Start(ctx, spec, jupyter.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer kernel.Shutdown(ctx)
	show := func(m *jupyter.Message) { fmt.Println(m.Header.MsgType, string(m.Content)) }
	reply, err := kernel.Execute(ctx, jupyter.ExecuteRequest{Code: "%%\nfmt.Println(1 + 2)"}, show)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(reply.Status)
}
