package lecture11

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"deeplearning.example/internal/testx"
	"deeplearning.example/kernelext/device"
)

// Environment variables of TestTrainKinds, the child of TestCompileCacheKeepsNumbers: the file of its result, and the names of the
// trainings, separated by |.
const (
	envTrainResult = "LECTURE11_TEST_TRAIN_RESULT"
	envTrainKinds  = "LECTURE11_TEST_TRAIN_KINDS"
)

// envTrainAlike is the variable of TestTrainAlike, the child of TestEqualPrograms: the number of trainings of each kind. Its
// kinds and its result are those of TestTrainKinds.
const envTrainAlike = "LECTURE11_TEST_TRAIN_ALIKE"

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
	runChild(t, &result, "TestTrainKinds", "LECTURE_XLA_CACHE="+cache, envTrainKinds+"="+strings.Join(kinds, "|"))
	return result
}

// TestEqualPrograms: trainings that differ in their seeds, rates, schedules and numbers of steps, and in β, are one program: XLA
// compiles that of the first one only.
func TestEqualPrograms(t *testing.T) {
	testx.Backend(t) // installs the plugin
	counts := map[string]int{"gan": 5, "vae": 5}
	if timeForLong(t) {
		for kind := range keyedTrainings() {
			counts[kind] = 6
		}
		counts["gan"], counts["vae"] = 100, 100
	}
	for kind, count := range counts {
		folder := filepath.Join(t.TempDir(), "xla")
		var compiled map[string]int
		runChild(t, &compiled, "TestTrainAlike", "LECTURE_XLA_CACHE="+folder, envTrainKinds+"="+kind, envTrainAlike+"="+strconv.Itoa(count))
		if compiled["first"] == 0 {
			t.Skip("this backend compiles nothing through the cache")
		}
		t.Logf("%s: %d trainings compile %d programs, the first one %d", kind, count, compiled["all"], compiled["first"])
		if compiled["all"] != compiled["first"] {
			t.Errorf("%s: %d trainings compile %d programs, the first one %d: want no more", kind, count, compiled["all"], compiled["first"])
		}
	}
}

// TestTrainAlike runs in a child process only.
func TestTrainAlike(t *testing.T) {
	count, err := strconv.Atoi(os.Getenv(envTrainAlike))
	if err != nil {
		t.Skip("runs as a child of TestEqualPrograms")
	}
	backend := testx.Backend(t)
	kind := os.Getenv(envTrainKinds)
	compiled := map[string]int{}
	for i := range count {
		k := keyedTrainings()[kind]
		alike(&k, i)
		trainedNumbers(t, backend, k)
		if i == 0 {
			compiled["first"] = device.CacheUse().Compiled
		}
	}
	compiled["all"] = device.CacheUse().Compiled
	if err := os.WriteFile(os.Getenv(envTrainResult), must(json.Marshal(compiled)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// alike changes numbers of a training that do not belong to its architecture.
func alike(k *keyedTraining, i int) {
	reflect.ValueOf(k.model).Elem().FieldByName("Seed").SetInt(int64(i))
	switch cfg := k.model.(type) {
	case *VAEConfig:
		if cfg.TotalCorrelation == 0 {
			cfg.Beta, cfg.WarmUp = new(0.5+float64(i)), float64(i%3)/2
		}
	case *GANConfig:
		cfg.Pace = new(1 / float64(1+i))
	}
	switch fit := k.fit.(type) {
	case *FitConfig:
		fit.Seed, fit.Epochs, fit.LearningRate = int64(i), 2+i%3, 0.01/float64(1+i)
		fit.Beta1, fit.Decay = new(0.9/float64(1+i)), []string{"constant", "linear", "cosine"}[i%3]
	case *SOMFit:
		fit.Seed, fit.Epochs = int64(i), fit.Epochs+i%2*min(1, fit.Epochs)
	}
}

// TestSmallProducts: with XLA's own options and with those that package device chooses for small products, a product of matrices
// is that of a naive loop in float64, within 128 roundings of float32.
func TestSmallProducts(t *testing.T) {
	testx.Backend(t) // installs the plugin
	a, b := productOperands()
	for _, options := range []string{"", "default"} {
		var got []float32
		runChild(t, &got, "TestProduct", "LECTURE_XLA_OPTIONS="+options)
		for i := range productRows {
			for j := range productColumns {
				want, size := 0.0, 0.0
				for k := range productInner {
					term := float64(a[i*productInner+k]) * float64(b[k*productColumns+j])
					want, size = want+term, size+math.Abs(term)
				}
				near(t, fmt.Sprintf("options %q, component %d, %d", options, i, j), float64(got[i*productColumns+j]), want, size*productInner*0x1p-24)
			}
		}
	}
}

// Dimensions of the product: [rows, inner]·[inner, columns].
const productRows, productInner, productColumns = 100, 128, 60

func productOperands() (a, b []float32) {
	return normals(productRows*productInner, 1), normals(productInner*productColumns, 2)
}

// TestProduct runs in a child process only.
func TestProduct(t *testing.T) {
	path := os.Getenv(envTrainResult)
	if path == "" {
		t.Skip("runs as a child of TestSmallProducts")
	}
	a, b := productOperands()
	product, err := ExecOnce(testx.Backend(t), func(a, b *Node) *Node { return Dot(a, b).Product() },
		tensors.FromFlatDataAndDimensions(a, productRows, productInner), tensors.FromFlatDataAndDimensions(b, productInner, productColumns))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, must(json.Marshal(tensors.MustCopyFlatData[float32](product))), 0o600); err != nil {
		t.Fatal(err)
	}
}

// runChild runs a test of this package in a child process, with further variables, and reads its result.
func runChild(t *testing.T, result any, test string, env ...string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "result.json")
	cmd := exec.Command(os.Args[0], "-test.run=^"+test+"$")
	cmd.Env = append(append(os.Environ(), envTrainResult+"="+path), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := json.Unmarshal(must(os.ReadFile(path)), result); err != nil {
		t.Fatal(err)
	}
}
