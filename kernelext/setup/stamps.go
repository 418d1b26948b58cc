package setup

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
)

// stampsName is the file in the data folder that records for which state of go.sum a step was done.
const stampsName = "stamps.json"

// moduleStamp returns the text of go.sum, which determines the needed modules, and the folders of Go's caches.
func (in *Installation) moduleStamp() (string, error) {
	raw, err := os.ReadFile(filepath.Join(in.Module, "go.sum"))
	stamp := string(raw)
	for _, name := range []string{"GOPATH", "GOMODCACHE", "GOCACHE", "HOME", "XDG_CACHE_HOME"} {
		stamp += name + "=" + os.Getenv(name) + "\n"
	}
	return stamp, err
}

func (in *Installation) stamps() map[string]string {
	stamps := map[string]string{}
	raw, err := os.ReadFile(filepath.Join(in.Data, stampsName))
	if err == nil {
		_ = json.Unmarshal(raw, &stamps) // after damage the steps are done again
	}
	return stamps
}

// stamped reports whether a step was done for this state.
func (in *Installation) stamped(step, state string) bool {
	return in.stamps()[step] == shortHash(state)
}

// setStamp records that a step is done for this state.
func (in *Installation) setStamp(step, state string) error {
	stamps := in.stamps()
	stamps[step] = shortHash(state)
	raw, err := json.MarshalIndent(stamps, "", "  ")
	if err != nil {
		return err
	}
	return in.replace(filepath.Join(in.Data, stampsName), append(raw, '\n'))
}

func shortHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:16])
}
