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

// Names of the files that gopls is shown. gopls reads a package's files by name, and of two declarations of one name the
// first counts: a cell's own comes before those of earlier cells.
const (
	cellFile        = "cell.go"
	definitionsFile = "definitions.go"
)

// commonImports are packages of the standard library that a cell may use without importing them: GoNB's goimports adds
// the import. math/rand is not one of them, for crypto/rand has the same name and gopls knows both.
var commonImports = []string{
	"bufio", "bytes", "cmp", "context", "encoding/binary", "encoding/csv", "encoding/json", "errors", "flag", "fmt",
	"image", "image/color", "image/png", "io", "iter", "log", "maps", "math", "math/bits", "math/cmplx", "os", "os/exec",
	"os/signal", "path/filepath", "reflect", "regexp", "runtime", "slices", "sort", "strconv", "strings", "sync",
	"sync/atomic", "text/tabwriter", "time", "unicode", "unicode/utf8",
}

// fileURI is the protocol's name of a file.
func fileURI(path string) string {
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(path)}).String()
}

// writeWorkspace makes the module of the session, with the files that gopls loads first.
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

// goVersion is the one that a module wants; a workspace must want no older one.
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

// environment is that of gopls.
func environment(base []string, dir string) []string {
	return append(base[:len(base):len(base)],
		"GOWORK="+filepath.Join(dir, "go.work"),
		"GOPROXY=off",          // an answer must not wait for the network
		"GOFLAGS=",             // -mod=mod, say, is refused in a workspace
		"GO_TELEMETRY_CHILD=2", // no process of gopls's telemetry beside it, which would outlive it
		"GOGC=50",              // half the memory for some milliseconds
		"GOMEMLIMIT=480MiB",    // soft: what the first look at all packages leaves is given back
	)
}

// initializeParams says what this client can and which of gopls's services are not wanted: all that runs by itself after
// a change would slow the next answer.
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
