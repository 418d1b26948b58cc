package setup

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// manifestName is the file in the data folder that lists everything that set-up installed.
const manifestName = "manifest.json"

// manifest lists everything that set-up installed. Uninstall removes a file only if it is unchanged.
type manifest struct {
	Files map[string]string `json:"files"` // path → SHA-256 in hex, or "link → target"
	Trees []string          `json:"trees"` // folders whose whole content was installed
	Dirs  []string          `json:"dirs"`  // folders that were created; removed when empty
	path  string
}

func loadManifest(data string) (*manifest, error) {
	m := &manifest{Files: map[string]string{}, path: filepath.Join(data, manifestName)}
	raw, err := os.ReadFile(m.path)
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err != nil {
		return nil, fmt.Errorf("setup: %w", err)
	}
	if err := json.Unmarshal(raw, m); err != nil {
		return nil, fmt.Errorf("setup: %s is damaged (%w): remove it and run `lecture setup` again", m.path, err)
	}
	return m, nil
}

// record adds a file that was just written to the manifest.
func (in *Installation) record(path string) error {
	mark, err := fileMark(path)
	if err != nil {
		return err
	}
	if in.manifest.Files[path] == mark {
		return nil
	}
	in.manifest.Files[path] = mark
	return in.saveManifest()
}

// recordDirs adds folders that were just created to the manifest.
func (in *Installation) recordDirs(dirs []string) error {
	for _, dir := range dirs {
		if !slices.Contains(in.manifest.Dirs, dir) {
			in.manifest.Dirs = append(in.manifest.Dirs, dir)
		}
	}
	return in.saveManifest()
}

// recordTree adds a folder with its whole content to the manifest.
func (in *Installation) recordTree(dir string) error {
	if slices.Contains(in.manifest.Trees, dir) {
		return nil
	}
	in.manifest.Trees = append(in.manifest.Trees, dir)
	return in.saveManifest()
}

// saveManifest writes the manifest by a rename. The manifest does not list itself: Uninstall removes it last.
func (in *Installation) saveManifest() error {
	raw, err := json.MarshalIndent(in.manifest, "", "  ")
	if err != nil {
		return err
	}
	return in.replace(in.manifest.path, append(raw, '\n'))
}

// replace writes a small file of the data folder by a rename, without the manifest.
func (in *Installation) replace(path string, raw []byte) error {
	temp := path + ".new" // the lock is held, so no other process writes it
	err := os.WriteFile(temp, raw, 0o644)
	if err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		_ = os.Remove(temp)
		return in.explain(err, filepath.Dir(path))
	}
	return nil
}

// fileMark returns the manifest's description of a file.
func fileMark(path string) (string, error) {
	if target, err := os.Readlink(path); err == nil {
		return "link → " + target, nil
	}
	return hashFile(path)
}
