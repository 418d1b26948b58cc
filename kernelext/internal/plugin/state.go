package plugin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Record is the result of proving one plugin file. It is valid as long as size and time of the file stay the same.
type Record struct {
	Path     string   `json:"path"`
	Size     int64    `json:"size"`               // in bytes
	ModTime  int64    `json:"mtime"`              // nanoseconds since 1970
	SHA256   string   `json:"sha256"`             // of the file, in hex
	OK       bool     `json:"ok"`                 // it has compiled and run a program
	Reason   string   `json:"reason,omitempty"`   // why not, one line
	API      string   `json:"api,omitempty"`      // PJRT API version, such as 0.115
	Platform string   `json:"platform,omitempty"` // cpu or cuda
	Devices  []string `json:"devices,omitempty"`  // the plugin's description of each device
	Cache    string   `json:"cache,omitempty"`    // Works, or why its programs cannot be cached; empty: not tested
	Options  string   `json:"options,omitempty"`  // Works, or why a program cannot have its own options; empty: not tested
}

// Works is a record's Cache if the plugin's compiled programs can be stored and loaded again, and its Options if a program
// can be compiled with the options of package xlaoptions.
const Works = "ok"

// State is set-up's information about plugins, the preferred one first.
type State struct {
	Plugins []Record `json:"plugins"`
}

func statePath() (string, error) {
	dir, err := DataFolder()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "plugins.json"), nil
}

// LoadState reads the state file. A missing file, or one that is not JSON, is an empty state: the plugins are then
// proved again.
func LoadState() (State, error) {
	path, err := statePath()
	if err != nil {
		return State{}, err
	}
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return State{}, nil
	}
	if err != nil {
		return State{}, fmt.Errorf("plugin: %w", err)
	}
	var state State
	if json.Unmarshal(raw, &state) != nil {
		return State{}, nil
	}
	return state, nil
}

// Encode returns the path of the state file and the bytes to write there.
func (s State) Encode() (path string, raw []byte, err error) {
	if path, err = statePath(); err != nil {
		return "", nil, err
	}
	raw, err = json.MarshalIndent(s, "", "  ")
	return path, append(raw, '\n'), err
}

// Lookup returns the record of the present file. A file that has changed since has none.
func (s State) Lookup(path string) (Record, bool) {
	i := slices.IndexFunc(s.Plugins, func(r Record) bool { return r.Path == path })
	if i < 0 || !s.Plugins[i].Current() {
		return Record{}, false
	}
	return s.Plugins[i], true
}

// Put adds a record or replaces the one of the same path.
func (s *State) Put(r Record) {
	s.Plugins = slices.DeleteFunc(s.Plugins, func(old Record) bool { return old.Path == r.Path })
	s.Plugins = append(s.Plugins, r)
	slices.SortStableFunc(s.Plugins, func(a, b Record) int { return Prefer(a.Path, b.Path) })
}

// Drop removes the record of a path.
func (s *State) Drop(path string) {
	s.Plugins = slices.DeleteFunc(s.Plugins, func(old Record) bool { return old.Path == path })
}

// Proved lists the records of a platform (any, if it is empty) that are proved and whose file has not changed since.
func (s State) Proved(platform string) []Record {
	var proved []Record
	for _, r := range s.Plugins {
		if r.OK && (platform == "" || r.Platform == platform) && r.Current() {
			proved = append(proved, r)
		}
	}
	return proved
}

// Complete reports whether everything about a plugin that works was tested. Earlier versions tested fewer parts.
func (r Record) Complete() bool { return r.OK && r.Cache != "" && r.Options != "" }

// Current reports whether the file still has the size and the time that it had when it was proved.
func (r Record) Current() bool {
	info, err := os.Stat(r.Path)
	return err == nil && info.Size() == r.Size && info.ModTime().UnixNano() == r.ModTime
}
