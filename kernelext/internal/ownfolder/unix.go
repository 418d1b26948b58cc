//go:build unix

package ownfolder

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// trusted returns an error if another user may write into the folder.
func trusted(dir string, info fs.FileInfo) error {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && stat.Uid != 0 && int(stat.Uid) != os.Geteuid() {
		return fmt.Errorf("%s belongs to another user (%d)", dir, stat.Uid)
	}
	if mode := info.Mode(); mode&0o022 != 0 {
		return fmt.Errorf("other users may write into %s (mode %v), want 0700 or 0755", dir, mode.Perm())
	}
	return nil
}
