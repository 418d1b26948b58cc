package data

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// withCache makes an empty folder the user's cache folder for this test.
func withCache(t *testing.T) (cache string) {
	t.Helper()
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	return mnistCache()
}

// TestMNIST checks sizes, ranges and the published number of each digit: first from the module's files, then from the
// cache, then from a damaged cache.
func TestMNIST(t *testing.T) {
	dir, err := mnistDir(t.Context()) // found with the real HOME, where the module cache is
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(EnvMNIST, dir)
	cache := withCache(t)
	train, test, err := MNIST(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := labelCounts(train), []int{5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949}; !slices.Equal(got, want) {
		t.Errorf("digits of the training set %v, want %v", got, want)
	}
	if got, want := labelCounts(test), []int{980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009}; !slices.Equal(got, want) {
		t.Errorf("digits of the test set %v, want %v", got, want)
	}
	if len(test.Pixels) != 10_000*784 || slices.Max(test.Pixels) != 255 || slices.Min(test.Pixels) != 0 {
		t.Errorf("test set of %d pixels from %d to %d, want 7 840 000 from 0 to 255", len(test.Pixels),
			slices.Min(test.Pixels), slices.Max(test.Pixels))
	}
	t.Setenv(EnvMNIST, t.TempDir()) // from here on only the cache has the files
	fromCache, _, err := MNIST(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(fromCache.Pixels, train.Pixels) {
		t.Error("the cache holds other pixels")
	}
	damage(t, cache)
	t.Setenv(EnvMNIST, dir)
	mended, _, err := MNIST(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(mended.Pixels, train.Pixels) {
		t.Error("a damaged cache was accepted")
	}
	if _, err := readChecked(cache); err != nil {
		t.Errorf("the damaged cache was not repaired: %v", err)
	}
}

func labelCounts(s *Images) []int {
	counts := make([]int, 10)
	for _, label := range s.Labels {
		counts[label]++
	}
	return counts
}

// damage flips a bit in the middle of the file.
func damage(t *testing.T, path string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)/2] ^= 1
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestMNISTRefuses tries a folder without the files, one with other files under their names, and a download without
// network.
func TestMNISTRefuses(t *testing.T) {
	wrong := t.TempDir()
	for name := range mnistFiles {
		if err := os.WriteFile(filepath.Join(wrong, name), []byte("something else"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name, dir, want string
		env             map[string]string
	}{
		{"empty folder", t.TempDir(), "no such file", nil},
		{"wrong files", wrong, "is not MNIST's file", nil},
		{"no network", "", EnvMNIST, map[string]string{"GOPROXY": "off", "GOMODCACHE": filepath.Join(t.TempDir(), "mod")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			withCache(t)
			t.Setenv(EnvMNIST, c.dir)
			for k, v := range c.env {
				t.Setenv(k, v)
			}
			_, _, err := MNIST(t.Context())
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, want one line that contains %q", err, c.want)
			}
		})
	}
}

// TestMNISTVersion: the version that MNIST requests is the one in go.mod.
func TestMNISTVersion(t *testing.T) {
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(mod), mnistModule+" "+mnistVersion) {
		t.Errorf("go.mod does not require %s %s", mnistModule, mnistVersion)
	}
}

// toy returns a set of 4 images of 2×1 pixels.
func toy() *Images {
	return &Images{ID: "toy", Width: 2, Height: 1, Pixels: []uint8{0, 255, 51, 51, 204, 0, 255, 255}, Labels: []int{1, 0, 1, 1}}
}

func TestBinarized(t *testing.T) {
	grey := &Images{ID: "grey", Width: 100, Height: 1000, Pixels: bytes.Repeat([]uint8{51}, 100_000), Labels: []int{0}}
	fixed := grey.Binarized(1)
	ink := bytes.Count(fixed.Pixels, []byte{255})
	if empty := bytes.Count(fixed.Pixels, []byte{0}); ink+empty != 100_000 {
		t.Errorf("%d pixels are neither 0 nor 255", 100_000-ink-empty)
	}
	if share := float64(ink) / 100_000; share < 0.195 || share > 0.205 { // 4 standard errors around 51/255
		t.Errorf("share of ink %.4f, want 0.2", share)
	}
	if !bytes.Equal(fixed.Pixels, grey.Binarized(1).Pixels) || fixed.ID != grey.Binarized(1).ID {
		t.Error("the same seed drew another set")
	}
	if other := grey.Binarized(2); bytes.Equal(fixed.Pixels, other.Pixels) || fixed.ID == other.ID {
		t.Error("another seed drew the same set or has the same ID")
	}
	if s := toy().Binarized(3); s.Pixels[0] != 0 || s.Pixels[1] != 255 {
		t.Error("pixels 0 and 255 changed")
	}
}

func TestSubsets(t *testing.T) {
	head, err := toy().Head(2)
	if err != nil {
		t.Fatal(err)
	}
	if head.Len() != 2 || !bytes.Equal(head.Pixels, []uint8{0, 255, 51, 51}) || head.ID == "toy" {
		t.Errorf("head %+v", head)
	}
	each, err := toy().OfEachLabel(2)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(each.Labels, []int{0, 1, 1}) || !bytes.Equal(each.Pixels, []uint8{51, 51, 0, 255, 204, 0}) {
		t.Errorf("two of each label %+v", each)
	}
	shuffled := toy().Shuffled(1)
	if again := toy().Shuffled(1); !bytes.Equal(again.Pixels, shuffled.Pixels) || again.ID != shuffled.ID {
		t.Error("the same seed drew two orders")
	}
	pairs := func(s *Images) (of []string) {
		for i, label := range s.Labels {
			of = append(of, fmt.Sprint(label, s.Pixels[i*s.Height*s.Width:(i+1)*s.Height*s.Width]))
		}
		return of
	}
	if a, b := pairs(shuffled), pairs(toy()); slices.Equal(a, b) || !slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))) {
		t.Errorf("shuffled %v, want another order of %v", a, b)
	}
	if _, err := toy().Head(5); err == nil || !strings.Contains(err.Error(), "want 1 to 4") {
		t.Errorf("Head(5): %v", err)
	}
	if _, err := toy().OfEachLabel(0); err == nil {
		t.Error("OfEachLabel(0) returned no error")
	}
}

// TestByInk: of the toy's inks 255, 102, 204 and 510, images 0 and 3 have the most, and image 1 has the least.
func TestByInk(t *testing.T) {
	most, err := toy().ByInk(0.5, true)
	if err != nil {
		t.Fatal(err)
	}
	least, err := toy().ByInk(0.1, false)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(most.Pixels, []uint8{0, 255, 255, 255}) || !bytes.Equal(least.Pixels, []uint8{51, 51}) || most.ID == least.ID {
		t.Errorf("most %v, least %v", most.Pixels, least.Pixels)
	}
	if _, err := toy().ByInk(0, true); err == nil || !strings.Contains(err.Error(), "share 0") {
		t.Errorf("share 0: %v", err)
	}
}

func TestPictures(t *testing.T) {
	pictures := toy().Pictures()
	if len(pictures) != 4 {
		t.Fatalf("%d pictures, want 4", len(pictures))
	}
	if r, _, _, _ := pictures[2].At(0, 0).RGBA(); r>>8 != 204 {
		t.Errorf("pixel of image 2 = %d, want 204", r>>8)
	}
	if x := toy().Tensor(); x.Shape().Dimensions[0] != 4 || x.Shape().Dimensions[1] != 2 {
		t.Errorf("tensor %s, want [4, 2]", x.Shape())
	}
}

// TestMNISTWithoutNetwork: a module cache after a build is enough without network. It has the module's folder, but not
// the files that `go mod download` requires.
func TestMNISTWithoutNetwork(t *testing.T) {
	dir, err := mnistDir(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	modules := t.TempDir()
	at := filepath.Join(modules, "github.com", "petar")
	if err := os.MkdirAll(at, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Dir(dir), filepath.Join(at, filepath.Base(filepath.Dir(dir)))); err != nil {
		t.Fatal(err)
	}
	withCache(t)
	t.Setenv("GOMODCACHE", modules)
	t.Setenv("GOPROXY", "off")
	train, _, err := MNIST(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if train.Len() != mnistTrain {
		t.Errorf("%d images to train on, want %d", train.Len(), mnistTrain)
	}
}
