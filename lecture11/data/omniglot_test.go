package data

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// writePNG writes a white picture with a black dot.
func writePNG(t *testing.T, path string, side, dot int) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	picture := image.NewGray(image.Rect(0, 0, side, side))
	for i := range picture.Pix {
		picture.Pix[i] = 255
	}
	picture.SetGray(dot, 0, color.Gray{})
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := png.Encode(file, picture); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestOmniglot checks ink and background, the order of the labels, a selection of alphabets, and errors, on a folder
// like Omniglot's.
func TestOmniglot(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "omniglot [2015]") // a name with the form of a pattern
	for i, name := range []string{"Greek/character01/1_01.png", "Greek/character02/2_01.png", "Greek/character02/2_02.png", "Latin/character01/3_01.png"} {
		writePNG(t, filepath.Join(folder, name), 4, i)
	}
	images, classes, err := Omniglot(folder)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"Greek/character01", "Greek/character02", "Latin/character01"}; !slices.Equal(classes, want) {
		t.Errorf("classes %q, want %q", classes, want)
	}
	if !slices.Equal(images.Labels, []int{0, 1, 1, 2}) || images.Width != 4 {
		t.Errorf("labels %d, width %d", images.Labels, images.Width)
	}
	for i := range 4 {
		for j, p := range images.Pixels[i*16 : (i+1)*16] {
			if want := map[bool]uint8{true: 255}[j == i]; p != want {
				t.Errorf("image %d, pixel %d: %d, want %d", i, j, p, want)
			}
		}
	}
	if latin, _, err := Omniglot(folder, "Latin"); err != nil || latin.Len() != 1 {
		t.Errorf("Latin: %v, %v", latin, err)
	}
	_, _, err = Omniglot(folder, "Latin", "Klingon")
	refused(t, err, `has no alphabet "Klingon", want some of Greek, Latin`)
	_, _, err = Omniglot(filepath.Join(folder, "Greek"))
	refused(t, err, "no pictures alphabet/character/*.png")
	writePNG(t, filepath.Join(folder, "Latin/character02/4_01.png"), 5, 0)
	_, _, err = Omniglot(folder)
	refused(t, err, "5×5 pixels, want 4×4")
	if err := os.WriteFile(filepath.Join(folder, "Greek/character01/0.png"), []byte("no picture"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, _, err = Omniglot(folder)
	refused(t, err, "0.png")
}

// TestOmniglotManyCharacters: there may be more characters than fit in a byte.
func TestOmniglotManyCharacters(t *testing.T) {
	folder := t.TempDir()
	for i := range 300 {
		writePNG(t, filepath.Join(folder, "All", fmt.Sprintf("character%03d", i), "1.png"), 2, 0)
	}
	images, classes, err := Omniglot(folder)
	if err != nil || len(classes) != 300 || images.Labels[299] != 299 {
		t.Errorf("300 characters: %d classes, %v", len(classes), err)
	}
}

func refused(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want one with %q", err, want)
	}
}
