package setup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"deeplearning.example/kernelext/internal/plugin"
	"deeplearning.example/kernelext/internal/xlacache"
)

// goSlowdown is the ratio of the pure-Go backend's time to XLA's, measured on a step of the VAE on two cores.
const goSlowdown = 14

// EnsurePlugin installs XLA's plugin and proves it, as `lecture setup` does, unless that is done already. If no plugin
// is available, it prints that and returns nil; the pure-Go backend is then used. If the plugin is already installed
// this costs a few file look-ups.
func EnsurePlugin(ctx context.Context, opts Options) error {
	opts.Only = []string{"toolchain", "plugin"}
	opts.Quiet = true
	if proved() {
		return nil
	}
	return Run(ctx, opts, Steps())
}

// proved reports whether a plugin is known to work, and whether all else about it was tested.
func proved() bool {
	state, err := plugin.LoadState()
	if err != nil {
		return false
	}
	records := state.Proved("")
	return len(records) > 0 && records[0].Complete()
}

// source is one place from which a plugin may come.
type source struct {
	name string
	get  func(ctx context.Context) (plugin.Record, error)
}

// stepPlugin tries each source in order until one returns a plugin that works.
func stepPlugin(ctx context.Context, in *Installation) error {
	defer in.dropHelper()
	if err := in.ownTree(xlacache.Variable, xlacache.Folder); err != nil {
		return err
	}
	if in.Plugin != "" {
		return in.givenPlugin(ctx)
	}
	sources := []source{
		{"installed", in.installedPlugin},
		{"CUDA", in.cudaPlugin},
		{"go-xla's installer", in.goxlaPlugin},
		{"wheel", in.wheelPlugin},
	}
	var fallback plugin.Record // works, but a better one is looked for
	for _, source := range sources {
		record, err := source.get(ctx)
		if err != nil && source.name == "CUDA" && fallback.OK {
			in.say("plugin: CUDA: %s", oneLine(err.Error()))
			record, err = fallback, nil
		}
		if err == nil {
			in.tellPlugin(source.name, record)
			return nil
		}
		var folder *FolderError
		if errors.As(err, &folder) || ctx.Err() != nil {
			return err
		}
		in.say("plugin: %s: %s", source.name, oneLine(err.Error()))
		fallback = record
	}
	in.say("plugin: none is available, so everything is computed by the pure-Go backend, which is about %d times slower.",
		goSlowdown)
	in.say("        Without a network, give a local file: lecture setup --plugin FILE.whl (or .so)")
	return nil
}

// tellPlugin prints which plugin is used, unless it was there already and set-up was not requested.
func (in *Installation) tellPlugin(source string, record plugin.Record) {
	if source == "installed" {
		in.present("plugin: %s", describe(record))
	} else {
		in.say("plugin: %s", describe(record))
	}
}

// givenPlugin installs the file that the user named, unless that was done already.
func (in *Installation) givenPlugin(ctx context.Context) error {
	info, err := os.Stat(in.Plugin)
	if err != nil || !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a file: want a wheel (.whl) or a plugin (%s)", in.Plugin, plugin.Extension())
	}
	stamp := fmt.Sprint(in.Plugin, info.Size(), info.ModTime().UnixNano(), in.Plugins)
	if in.stamped("given plugin", stamp) && proved() {
		in.present("plugin: %s is installed", in.Plugin)
		return nil
	}
	record, err := in.localPlugin(ctx, in.Plugin)
	if err != nil {
		return err
	}
	in.say("plugin: %s", describe(record))
	return in.setStamp("given plugin", stamp)
}

func describe(r plugin.Record) string {
	name := "XLA on the CPU"
	if r.Platform == plugin.CUDA {
		name = "XLA on CUDA"
	}
	return fmt.Sprintf("%s, PJRT %s, %s", name, r.API, r.Path)
}

// installedPlugin proves the plugins in go-xla's folders. On a machine with an NVIDIA device a plugin for the CPU does
// not end the search if the user asked for the set-up: the CUDA plugin comes first.
func (in *Installation) installedPlugin(ctx context.Context) (plugin.Record, error) {
	paths, err := candidates()
	if err != nil {
		return plugin.Record{}, err
	}
	for _, path := range paths {
		if plugin.PlatformOf(path) == plugin.CUDA && !plugin.HasNVIDIA() {
			in.present("plugin: %s: no NVIDIA device here: skipped", path)
			continue
		}
		record, err := in.prove(ctx, path)
		if err != nil {
			return record, err
		}
		if !record.OK {
			in.refuse(record)
			continue
		}
		if err := in.wantsCUDA(record); err != nil {
			return record, err
		}
		return record, nil
	}
	folders, _ := plugin.SearchFolders() // Installed has listed them already
	return plugin.Record{}, fmt.Errorf("none that works in %s", strings.Join(folders, ", "))
}

// candidates returns the plugins in go-xla's folders, and those elsewhere that were proved before, such as a JAX
// wheel's.
func candidates() ([]string, error) {
	paths, err := plugin.Installed()
	if err != nil {
		return nil, err
	}
	state, err := plugin.LoadState()
	if err != nil {
		return nil, err
	}
	for _, record := range state.Proved("") {
		if !slices.Contains(paths, record.Path) {
			paths = append(paths, record.Path)
		}
	}
	slices.SortStableFunc(paths, plugin.Prefer)
	return paths, nil
}

// wantsCUDA returns the reason to continue the search although a plugin for the CPU works.
func (in *Installation) wantsCUDA(record plugin.Record) error {
	state, err := plugin.LoadState()
	if err != nil || in.Quiet || record.Platform == plugin.CUDA || !plugin.HasNVIDIA() {
		return err
	}
	if len(state.Proved(plugin.CUDA)) > 0 {
		return nil
	}
	return fmt.Errorf("%s is for the CPU, and an NVIDIA device is present", record.Path)
}

// refuse reports why a plugin is not used. A plugin that set-up installed is removed, so that a good one can replace
// it; other plugins are kept.
func (in *Installation) refuse(r plugin.Record) {
	if _, ours := in.manifest.Files[r.Path]; !ours {
		in.say("plugin: %s refused: %s; it is left there and never loaded", r.Path, r.Reason)
		return
	}
	in.say("plugin: %s refused: %s; it is removed", r.Path, r.Reason)
	if err := in.removeFile(r.Path); err != nil {
		in.say("plugin: %v", err)
	}
}

// localPlugin installs a wheel or a plugin file that the user names. The file keeps its name if go-xla would find it by
// that name.
func (in *Installation) localPlugin(ctx context.Context, path string) (plugin.Record, error) {
	switch filepath.Ext(path) {
	case ".whl":
		return in.localWheel(ctx, path)
	case plugin.Extension():
		return in.localLibrary(ctx, path)
	}
	return plugin.Record{}, fmt.Errorf("%s: want a wheel (.whl) or a plugin (%s)", path, plugin.Extension())
}

// localLibrary proves a plugin file in its place and copies it into go-xla's folder.
func (in *Installation) localLibrary(ctx context.Context, path string) (plugin.Record, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return plugin.Record{}, err
	}
	record, err := in.proveNow(ctx, abs)
	if err != nil {
		return record, err
	}
	if !record.OK {
		return record, fmt.Errorf("%s refused: %s", path, record.Reason)
	}
	if within(abs, in.Plugins) {
		return record, in.remember(record)
	}
	file, err := os.Open(abs)
	if err != nil {
		return record, err
	}
	defer file.Close()
	target := filepath.Join(in.Plugins, pluginName(record.Platform, record.API))
	return in.installFrom(ctx, file, record.Size, record.SHA256, target)
}

// pluginName returns the file name under which go-xla finds a plugin: API 0.115 is its version v0.115.0.
func pluginName(platform, api string) string {
	return fmt.Sprintf("pjrt_c_api_%s_v%s.0_plugin%s", platform, api, plugin.Extension())
}

// oneLine joins the lines of a message of another program.
func oneLine(text string) string {
	return strings.Join(strings.Fields(text), " ")
}
