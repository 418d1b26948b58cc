package nbformat

import (
	"crypto/sha256"
	"fmt"
	"regexp"
)

// validID matches valid cell ids.
var validID = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)

// EnsureIDs sets an id for each cell without one. The id depends on the cell's place, type and source only, so that the
// same notebook gets the same ids each time.
func (nb *Notebook) EnsureIDs() {
	taken := map[string]bool{}
	for _, cell := range nb.Cells {
		taken[cell.ID] = true
	}
	for i, cell := range nb.Cells {
		for try := 0; cell.ID == ""; try++ {
			sum := sha256.Sum256(fmt.Appendf(nil, "%d %d %s %s", i, try, cell.Type, cell.Source))
			if id := fmt.Sprintf("%x", sum[:4]); !taken[id] {
				cell.ID, taken[id] = id, true
			}
		}
	}
}
