package setup

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"deeplearning.example/kernelext/internal/plugin"
)

// wheel is a file of the Python package index that contains a plugin, pinned to the byte.
type wheel struct {
	Requirement  string // the requirement passed to pip
	File         string
	Size         int64 // in bytes
	SHA256       string
	Member       string // the plugin's path in it
	MemberSize   int64  // in bytes
	MemberSHA256 string
	API          string
}

// pinnedWheel is the CPU plugin that was tested with go-xla v0.4.1, for Linux on amd64 (Apache-2.0).
func pinnedWheel() wheel {
	return wheel{
		Requirement:  "lammps-jax-pjrt-cpu==0.11.2",
		File:         "lammps_jax_pjrt_cpu-0.11.2-py3-none-manylinux_2_27_x86_64.whl",
		Size:         62711338,
		SHA256:       "1319390d948b39f69f7dade496b7c385149d9ca6097a6b62114da113216d9ad1",
		Member:       "lammps_jax_pjrt_cpu/pjrt_c_api_cpu_plugin.so",
		MemberSize:   201600336,
		MemberSHA256: "ad1309ac822b1b24d51b7f9947c7c9fa9ef5d67f390584cbc3d1fa2428fed9c2",
		API:          "0.115",
	}
}

// wheelPlugin fetches the pinned wheel and installs the plugin from it. The wheel is kept until the plugin is proved.
func (in *Installation) wheelPlugin(ctx context.Context) (plugin.Record, error) {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		return plugin.Record{}, fmt.Errorf("there is one for linux/amd64 only, this is %s/%s", runtime.GOOS, runtime.GOARCH)
	}
	w := pinnedWheel()
	if err := in.room(in.Data, w.Size); err != nil {
		return plugin.Record{}, err
	}
	if err := in.room(in.Plugins, w.MemberSize); err != nil {
		return plugin.Record{}, err
	}
	file, err := in.fetchWheel(ctx, w)
	if err != nil {
		return plugin.Record{}, err
	}
	record, err := in.unpackWheel(ctx, file, w)
	if err == nil {
		err = os.RemoveAll(filepath.Dir(file))
	}
	return record, err
}

// localWheel installs the plugin from a wheel that the user has.
func (in *Installation) localWheel(ctx context.Context, path string) (plugin.Record, error) {
	if w := pinnedWheel(); filepath.Base(path) == w.File {
		if err := checkFile(path, w.Size, w.SHA256); err != nil {
			return plugin.Record{}, err
		}
		return in.unpackWheel(ctx, path, w)
	}
	return in.unpackWheel(ctx, path, wheel{})
}

// checkFile compares a file with its pinned size and SHA-256.
func checkFile(path string, size int64, want string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.Size() != size {
		return fmt.Errorf("%s has %d bytes, want %d: it is half-downloaded or another file", path, info.Size(), size)
	}
	got, err := hashFile(path)
	if err == nil && got != want {
		err = fmt.Errorf("%s has SHA-256 %s, want %s: it is damaged or another file", path, got, want)
	}
	return err
}

// unpackWheel installs the plugin of a wheel. From an unpinned wheel it takes the largest shared library with "pjrt" in
// its path; the proof then has to confirm it.
func (in *Installation) unpackWheel(ctx context.Context, path string, w wheel) (plugin.Record, error) {
	archive, err := zip.OpenReader(path)
	if err != nil {
		return plugin.Record{}, fmt.Errorf("%s is not a complete wheel: %w", path, err)
	}
	defer archive.Close()
	member := findMember(archive.File, w.Member)
	if member == nil {
		return plugin.Record{}, fmt.Errorf("%s holds no PJRT plugin", path)
	}
	content, err := member.Open()
	if err != nil {
		return plugin.Record{}, fmt.Errorf("%s: %s: %w", path, member.Name, err)
	}
	defer content.Close()
	name := pluginName(plugin.PlatformOf(member.Name), w.API)
	if w.API == "" {
		name = "pjrt_c_api_" + plugin.PlatformOf(member.Name) + "_local_plugin" + plugin.Extension()
	}
	size := int64(member.UncompressedSize64)
	return in.installFrom(ctx, content, size, w.MemberSHA256, filepath.Join(in.Plugins, name))
}

func findMember(files []*zip.File, name string) *zip.File {
	var best *zip.File
	for _, f := range files {
		if name != "" && f.Name == name {
			return f
		}
		isPlugin := strings.Contains(f.Name, "pjrt") && strings.HasSuffix(f.Name, plugin.Extension())
		if name == "" && isPlugin && (best == nil || f.UncompressedSize64 > best.UncompressedSize64) {
			best = f
		}
	}
	return best
}

// installFrom writes a plugin to its place, proves it and links go-xla's plain name to it. size is in bytes; an empty
// hash is not checked. A plugin that fails its proof is removed again.
func (in *Installation) installFrom(
	ctx context.Context, r io.Reader, size int64, hash, target string,
) (plugin.Record, error) {
	if err := in.room(filepath.Dir(target), size); err != nil {
		return plugin.Record{}, err
	}
	err := in.create(target, 0o755, func(w io.Writer) error {
		sum := sha256.New()
		if _, err := io.Copy(io.MultiWriter(w, sum), r); err != nil {
			return err
		}
		if got := hex.EncodeToString(sum.Sum(nil)); hash != "" && got != hash {
			return fmt.Errorf("the plugin has SHA-256 %s, want %s", got, hash)
		}
		return ctx.Err()
	})
	if err != nil {
		return plugin.Record{}, err
	}
	record, err := in.prove(ctx, target)
	if err != nil {
		return record, err
	}
	if !record.OK {
		in.refuse(record)
		return record, fmt.Errorf("%s does not work here: %s", target, record.Reason)
	}
	return record, in.linkPlain(target, record.Platform)
}

// linkPlain links the plugin's name without a version to it. GOMLX_BACKEND=xla:cpu asks for that name.
func (in *Installation) linkPlain(target, platform string) error {
	link := filepath.Join(filepath.Dir(target), "pjrt_c_api_"+platform+"_plugin"+plugin.Extension())
	if _, err := os.Stat(link); err == nil || link == target {
		return nil
	}
	temp := link + ".new"
	_ = os.Remove(temp) // remains of a killed set-up
	if err := os.Symlink(filepath.Base(target), temp); err != nil {
		return in.explain(err, filepath.Dir(link))
	}
	return in.adopt(temp, link)
}
