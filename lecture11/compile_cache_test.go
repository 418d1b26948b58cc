package lecture11

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"

	"deeplearning.example/internal/testx"
	"deeplearning.example/kernelext/device"
)

// Environment variables of TestTrainKinds, the child of TestCompileCacheKeepsNumbers: the file of its result, and the names of the
// trainings, separated by |.
const (
	envTrainResult = "LECTURE11_TEST_TRAIN_RESULT"
	envTrainKinds  = "LECTURE11_TEST_TRAIN_KINDS"
)

// trainedKinds is the result of the child.
type trainedKinds struct {
	Numbers map[string]string // of each training: the hash of its losses and of all that it saves
	Use     device.Use
}

// TestTrainKinds runs in a child process only.
func TestTrainKinds(t *testing.T) {
	path := os.Getenv(envTrainResult)
	if path == "" {
		t.Skip("runs as a child of TestCompileCacheKeepsNumbers")
	}
	backend := testx.Backend(t)
	result := trainedKinds{Numbers: map[string]string{}}
	trainings := keyedTrainings()
	for _, name := range strings.Split(os.Getenv(envTrainKinds), "|") {
		result.Numbers[name] = trainedNumbers(t, backend, trainings[name])
	}
	result.Use = device.CacheUse()
	if err := os.WriteFile(path, must(json.Marshal(result)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// wholeTraining is a training that a store can run and save.
type wholeTraining interface {
	Run(ctx context.Context, onStep func(step int, losses map[string]float64) error) error
	Parts() []string
	Save(part string, w io.Writer) error
}

// trainedNumbers runs a training and hashes its losses and its parts.
func trainedNumbers(t *testing.T, backend compute.Backend, k keyedTraining) string {
	t.Helper()
	prepared, err := k.training(backend)
	if err != nil {
		t.Fatal(err)
	}
	training := prepared.(wholeTraining)
	hash := sha256.New()
	err = training.Run(context.Background(), func(step int, losses map[string]float64) error {
		_, err := fmt.Fprintln(hash, step, losses) // a map is printed in the order of its keys
		return err
	})
	for _, part := range training.Parts() {
		if err == nil {
			err = training.Save(part, hash)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", hash.Sum(nil))
}

// TestCompileCacheKeepsNumbers: losses and weights are the same bit by bit without a cache, with an empty one, and with a filled
// one, which compiles nothing. With enough time these are trainings of all kinds, else of four.
func TestCompileCacheKeepsNumbers(t *testing.T) {
	testx.Backend(t) // installs the plugin
	kinds := []string{"gan", "multi-task", "som", "vae"}
	if timeForLong(t) {
		kinds = slices.Sorted(maps.Keys(keyedTrainings()))
	}
	folder := filepath.Join(t.TempDir(), "xla")
	without := trainKinds(t, "off", kinds)
	cold := trainKinds(t, folder, kinds)
	warm := trainKinds(t, folder, kinds)
	if len(without.Numbers) != len(kinds) {
		t.Fatalf("%d kinds were trained, want %d", len(without.Numbers), len(kinds))
	}
	for name, want := range without.Numbers {
		if cold.Numbers[name] != want || warm.Numbers[name] != want {
			t.Errorf("%s: the numbers depend on the cache", name)
		}
	}
	if cold.Use.Compiled == 0 {
		t.Skip("this backend compiles nothing through the cache")
	}
	if programs := cold.Use.Compiled + cold.Use.Loaded; warm.Use.Compiled != 0 || warm.Use.Loaded != programs {
		t.Errorf("with a filled cache: %+v, want %d loaded programs", warm.Use, programs)
	}
	if without.Use != (device.Use{}) {
		t.Errorf("without a cache: %+v", without.Use)
	}
}

// trainKinds runs the child with a value of LECTURE_XLA_CACHE.
func trainKinds(t *testing.T, cache string, kinds []string) (result trainedKinds) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "result.json")
	cmd := exec.Command(os.Args[0], "-test.run=^TestTrainKinds$")
	cmd.Env = append(os.Environ(), envTrainResult+"="+path, envTrainKinds+"="+strings.Join(kinds, "|"),
		"LECTURE_XLA_CACHE="+cache)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := json.Unmarshal(must(os.ReadFile(path)), &result); err != nil {
		t.Fatal(err)
	}
	return result
}
