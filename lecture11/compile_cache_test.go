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
	"testing"

	"github.com/gomlx/compute"

	"deeplearning.example/internal/testx"
	"deeplearning.example/kernelext/device"
)

// envTrainAll makes TestTrainAllKinds the child of TestCompileCacheKeepsNumbers: it names the file of its result.
const envTrainAll = "LECTURE11_TEST_TRAIN_ALL"

// trainedAll is the result of the child.
type trainedAll struct {
	Numbers map[string]string // of each training: the hash of its losses and of all that it saves
	Use     device.Use
}

// TestTrainAllKinds runs in a child process only.
func TestTrainAllKinds(t *testing.T) {
	path := os.Getenv(envTrainAll)
	if path == "" {
		t.Skip("runs as a child of TestCompileCacheKeepsNumbers")
	}
	backend := testx.Backend(t)
	result := trainedAll{Numbers: map[string]string{}}
	trainings := keyedTrainings()
	for _, name := range slices.Sorted(maps.Keys(trainings)) {
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

// TestCompileCacheKeepsNumbers: losses and weights of trainings of all kinds are the same bit by bit without a cache, with
// an empty one, and with a filled one, which compiles nothing.
func TestCompileCacheKeepsNumbers(t *testing.T) {
	testx.Backend(t) // installs the plugin
	folder := filepath.Join(t.TempDir(), "xla")
	without := trainAllKinds(t, "off")
	cold := trainAllKinds(t, folder)
	warm := trainAllKinds(t, folder)
	if len(without.Numbers) != len(keyedTrainings()) {
		t.Fatalf("%d kinds were trained, want %d", len(without.Numbers), len(keyedTrainings()))
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

// trainAllKinds runs the child with a value of LECTURE_XLA_CACHE.
func trainAllKinds(t *testing.T, cache string) (result trainedAll) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "result.json")
	cmd := exec.Command(os.Args[0], "-test.run=^TestTrainAllKinds$")
	cmd.Env = append(os.Environ(), envTrainAll+"="+path, "LECTURE_XLA_CACHE="+cache)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := json.Unmarshal(must(os.ReadFile(path)), &result); err != nil {
		t.Fatal(err)
	}
	return result
}
