package data

import (
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

// TestOmniglot: a folder as Omniglot has it, ink and ground, labels in order, a choice of alphabets, and what is refused.
func TestOmniglot(t *testing.T) {
	folder := t.TempDir()
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
	if !slices.Equal(images.Labels, []uint8{0, 1, 1, 2}) || images.Width != 4 {
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
	_, _, err = Omniglot(folder, "Klingon")
	refused(t, err, "no pictures")
	writePNG(t, filepath.Join(folder, "Latin/character02/4_01.png"), 5, 0)
	_, _, err = Omniglot(folder)
	refused(t, err, "5×5 pixels, want 4×4")
	if err := os.WriteFile(filepath.Join(folder, "Greek/character01/0.png"), []byte("no picture"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, _, err = Omniglot(folder)
	refused(t, err, "0.png")
}

func refused(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want one with %q", err, want)
	}
}
