package gopls

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/mod/modfile"
)

// Names of the files that gopls is shown. gopls reads a package's files by name, and of two declarations of one name
// the first counts: a cell's own comes before those of earlier cells.
const (
	cellFile        = "cell.go"
	definitionsFile = "definitions.go"
)

// commonImports are packages of the standard library that a cell may use without importing them: GoNB's goimports adds
// the import. math/rand is not one of them, because crypto/rand has the same name and gopls knows both.
var commonImports = []string{
	"bufio", "bytes", "cmp", "context", "encoding/binary", "encoding/csv", "encoding/json", "errors", "flag", "fmt",
	"image", "image/color", "image/png", "io", "iter", "log", "maps", "math", "math/bits", "math/cmplx", "os", "os/exec",
	"os/signal", "path/filepath", "reflect", "regexp", "runtime", "slices", "sort", "strconv", "strings", "sync",
	"sync/atomic", "text/tabwriter", "time", "unicode", "unicode/utf8",
}

// fileURI returns the protocol's name of a file.
func fileURI(path string) string {
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(path)}).String()
}

// writeWorkspace creates the module of the session, with the files that gopls loads first.
func writeWorkspace(dir, module string, files map[string]string) error {
	version, err := goVersion(module)
	if err != nil {
		return err
	}
	work := fmt.Sprintf("go %s\n\nuse .\n", version)
	if module != "" {
		work += "use " + modfile.AutoQuote(module) + "\n"
	}
	all := map[string]string{
		"go.mod":  fmt.Sprintf("module lecture.cell\n\ngo %s\n", version),
		"go.work": work,
	}
	for name, text := range files {
		all[name] = text
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("gopls: folder of the session: %w", err)
	}
	for name, text := range all {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return fmt.Errorf("gopls: folder of the session: %w", err)
		}
	}
	return nil
}

// goVersion returns the Go version that a module requires; a workspace must not require an older one.
func goVersion(module string) (string, error) {
	if module == "" {
		return strings.TrimPrefix(strings.Fields(runtime.Version())[0], "go"), nil
	}
	path := filepath.Join(module, "go.mod")
	raw, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("gopls: module that cells import from: %w", err)
	}
	file, err := modfile.ParseLax(path, raw, nil)
	if err != nil {
		return "", fmt.Errorf("gopls: module that cells import from: %w", err)
	}
	if file.Go == nil {
		return "1.21", nil // go.work knows no older one
	}
	return file.Go.Version, nil
}

// environment returns the environment of gopls.
func environment(base []string, dir string) []string {
	return append(base[:len(base):len(base)],
		"GOWORK="+filepath.Join(dir, "go.work"),
		"GOPROXY=off",          // an answer must not wait for the network
		"GOFLAGS=",             // flags such as -mod=mod are refused in a workspace
		"GO_TELEMETRY_CHILD=2", // start no telemetry process, which would outlive gopls
		"GOGC=50",              // half the memory for a few more milliseconds
		"GOMEMLIMIT=480MiB",    // a soft limit: memory of the first look at all packages is released
	)
}

// initializeParams describes the abilities of this client and the services of gopls that are turned off: everything
// that runs by itself after a change would delay the next answer.
func initializeParams(dir string) map[string]any {
	return map[string]any{
		"processId":        os.Getpid(),
		"rootUri":          fileURI(dir),
		"workspaceFolders": []map[string]string{{"uri": fileURI(dir), "name": "cell"}},
		"capabilities": map[string]any{
			"textDocument": map[string]any{
				"completion": map[string]any{"completionItem": map[string]any{"snippetSupport": false}},
				"hover":      map[string]any{"contentFormat": []string{"markdown"}},
				"signatureHelp": map[string]any{
					"signatureInformation": map[string]any{"documentationFormat": []string{"markdown"}},
				},
			},
		},
		"initializationOptions": settings(),
	}
}

func settings() map[string]any {
	return map[string]any{
		"completionBudget":               "150ms",
		"matcher":                        "Fuzzy",
		"symbolScope":                    "workspace",
		"usePlaceholders":                false,
		"completeFunctionCalls":          false,
		"experimentalPostfixCompletions": false,
		"expandWorkspaceToModule":        false,
		"diagnosticsTrigger":             "Save",
		"analyses":                       map[string]bool{},
		"staticcheck":                    false,
		"vulncheck":                      "Off",
		"semanticTokens":                 false,
		"hoverKind":                      "FullDocumentation",
		"linksInHover":                   false,
		"telemetryPrompt":                false,
	}
}
