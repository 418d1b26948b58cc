// Package setup installs what the lecture needs beside Go and a C compiler: the kernel and its tools, XLA's plugin, the
// kernelspec, and the packages that cells import in compiled form. It is the library behind `lecture setup` and
// `lecture doctor`. The tests of the other packages install their plugin with it too.
//
// Every file is written under a temporary name and renamed, so that a full disk or a kill leaves nothing half-written.
// One lock on the data folder makes parallel processes do the work once. A manifest lists everything that was
// installed, so that Uninstall removes exactly that.
package setup

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
)

// EnvPlugin names a local wheel or plugin file to install, for rooms without a network.
const EnvPlugin = "LECTURE_PLUGIN"

// Options says what to set up and where to report it.
type Options struct {
	Module   string    // root of this module; see ModuleRoot
	Out      io.Writer // receives a report of each step; nil for none
	Terminal bool      // Out is a terminal: progress is one line that is rewritten
	Quiet    bool      // do not report what is already installed
	Plugin   string    // a local wheel or plugin file to install; empty means search for one
	Prefix   string    // put the kernelspec in PREFIX/share/jupyter, not in the user's Jupyter folder
	Only     []string  // names of the steps to run; empty means all
	Without  []string  // names of the tools not to build
	Repair   bool      // prove plugins again that were refused before
}

// Step is one part of the set-up. Run is called with the lock held. It does nothing if nothing is missing.
type Step struct {
	Name string
	Run  func(ctx context.Context, s *Installation) error
}

// Steps returns the steps of the set-up in order. A caller that has more to prepare appends its own steps.
func Steps() []Step {
	return []Step{
		{"toolchain", stepToolchain},
		{"modules", stepModules},
		{"plugin", stepPlugin},
		{"tools", stepTools},
		{"kernelspec", stepKernelspec},
		{"packages", stepPackages},
	}
}

// Installation is one run of the set-up: its options, its folders and the manifest that it extends.
type Installation struct {
	Options
	Folders
	manifest  *manifest
	helperDir string // the folder of the helper program while that is needed
}

// Run runs the steps in order and stops at the first that fails. Parallel runs wait for each other.
func Run(ctx context.Context, opts Options, steps []Step) error {
	if err := knownSteps(opts.Only, steps); err != nil {
		return err
	}
	s, unlock, err := open(ctx, opts)
	if err != nil {
		return err
	}
	defer unlock()
	for _, step := range steps {
		if !s.chosen(step.Name) {
			continue
		}
		if err := step.Run(ctx, s); err != nil {
			return fmt.Errorf("setup: %s: %w", step.Name, err)
		}
	}
	return nil
}

// open resolves the folders, checks that they can be written, takes the lock and reads the manifest.
func open(ctx context.Context, opts Options) (s *Installation, unlock func(), err error) {
	if opts.Out == nil {
		opts.Out = io.Discard
	}
	folders, err := ResolveFolders(opts.Prefix)
	if err != nil {
		return nil, nil, err
	}
	s = &Installation{Options: opts, Folders: folders}
	if err := s.writable(); err != nil {
		return nil, nil, err
	}
	made := missing(folders.Data)
	unlock, err = lock(ctx, folders.Data, s.say)
	if err != nil {
		return nil, nil, err
	}
	s.manifest, err = loadManifest(folders.Data)
	if err == nil && len(made) > 0 {
		err = s.recordDirs(made)
	}
	if err != nil {
		unlock()
		return nil, nil, err
	}
	return s, unlock, nil
}

// knownSteps returns an error if the name of a step is unknown.
func knownSteps(only []string, steps []Step) error {
	var names []string
	for _, step := range steps {
		names = append(names, step.Name)
	}
	for _, name := range only {
		if !slices.Contains(names, name) {
			return fmt.Errorf("setup: unknown step %q, want one of %s", name, strings.Join(names, ", "))
		}
	}
	return nil
}

// say prints what is done.
func (in *Installation) say(format string, args ...any) {
	fmt.Fprintf(in.Out, format+"\n", args...)
}

// present prints what is already installed, unless Quiet is set.
func (in *Installation) present(format string, args ...any) {
	if !in.Quiet {
		in.say(format, args...)
	}
}
