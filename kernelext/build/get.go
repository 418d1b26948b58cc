package build

import (
	"context"
	"fmt"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

// Get replaces `go get`, which GoNB runs before each build. If all imports of the cell are found without it, Get does
// nothing; else it runs the go command with the arguments (after "get").
func (b *Builder) Get(ctx context.Context, dir string, args, env []string) Result {
	start := time.Now()
	if err := b.resolves(ctx, dir, args, env); err == nil {
		return Result{Load: time.Since(start), Fast: true}
	} else if ctx.Err() == nil {
		b.opts.Log("build: go get: " + err.Error())
	}
	code, output, err := run(ctx, command{Path: b.opts.Go, Args: append([]string{"get"}, args...), Dir: dir, Env: env})
	if err != nil {
		return Result{Code: 1, Output: err.Error() + "\n", Load: time.Since(start)}
	}
	return Result{Code: code, Output: output, Load: time.Since(start)}
}

// resolves returns the reason why `go get` may have something to do.
func (b *Builder) resolves(ctx context.Context, dir string, args, env []string) error {
	name := cellFile
	switch {
	case slices.Equal(args, []string{"-t"}):
		name = "main_test.go"
	case len(args) > 0:
		return fmt.Errorf("arguments %q", args)
	}
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, name), nil, parser.ImportsOnly)
	if err != nil {
		return err
	}
	var paths []string
	for _, spec := range file.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil || path == "C" {
			return fmt.Errorf("import %s", spec.Path.Value)
		}
		paths = append(paths, path)
	}
	s, err := readSettings(b.opts.Go, dir, env, nil)
	if err != nil {
		return err
	}
	_, err = b.packages(ctx, s, paths)
	return err
}
