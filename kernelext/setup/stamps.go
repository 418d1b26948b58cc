package setup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
)

// stampsName is the file in the data folder that remembers for which state of go.sum a step was done.
const stampsName = "stamps.json"

// moduleStamp is the text of go.sum, which decides what modules are needed, and where Go's caches are.
func (s *Session) moduleStamp() (string, error) {
	raw, err := os.ReadFile(filepath.Join(s.Module, "go.sum"))
	stamp := string(raw)
	for _, name := range []string{"GOPATH", "GOMODCACHE", "GOCACHE", "HOME", "XDG_CACHE_HOME"} {
		stamp += name + "=" + os.Getenv(name) + "\n"
	}
	return stamp, err
}

func (s *Session) stamps() map[string]string {
	stamps := map[string]string{}
	raw, err := os.ReadFile(filepath.Join(s.Data, stampsName))
	if err == nil {
		_ = json.Unmarshal(raw, &stamps) // a damaged file means that the steps are done again
	}
	return stamps
}

// stamped tells whether a step was done for this state.
func (s *Session) stamped(step, state string) bool {
	return s.stamps()[step] == shortHash(state)
}

// setStamp remembers that a step is done for this state.
func (s *Session) setStamp(step, state string) error {
	stamps := s.stamps()
	stamps[step] = shortHash(state)
	raw, err := json.MarshalIndent(stamps, "", "  ")
	if err != nil {
		return err
	}
	return s.replace(filepath.Join(s.Data, stampsName), append(raw, '\n'))
}

func shortHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:16])
}

// cellPackages are what cells import. Compiled once here, they cost the first cell no minutes.
func cellPackages() []string {
	return []string{"./kernelext", "./kernelext/device", "./kernelext/store", "./lecture11/...",
		"github.com/janpfeifer/must"}
}

// stepPackages compiles what cells import, with the kernel's flags. A package that does not compile is told by the
// cell that imports it; set-up goes on.
func stepPackages(ctx context.Context, s *Session) error {
	stamp, err := s.moduleStamp()
	if err != nil {
		return err
	}
	version, err := goVersion(ctx, s.Module)
	if err != nil {
		return err
	}
	stamp += version + s.Module
	if s.stamped("packages", stamp) {
		s.present("packages: compiled")
		return nil
	}
	s.say("packages: compiling what cells import (a minute or two the first time)")
	if _, err := s.goCommand(ctx, s.Module, append([]string{"build"}, cellPackages()...)...); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		s.say("packages: %v", err)
		return nil
	}
	return s.setStamp("packages", stamp)
}
