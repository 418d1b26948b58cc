package glyphs

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

var loadOnce = sync.OnceValues(Load)

// load returns the whole set, rendered once for all tests.
func load(t testing.TB) *Set {
	t.Helper()
	s, err := loadOnce()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestLoad checks the numbers and the order of the images: by face, then by character.
func TestLoad(t *testing.T) {
	s := load(t)
	if faces, families := len(s.Faces), len(familiesOf(s.Faces)); faces != 114 || families != 13 {
		t.Errorf("%d faces of %d families, want 114 of 13", faces, families)
	}
	if l := 114 * 62; len(s.Pixels) != l*32*32 || len(s.Labels) != l || len(s.Face) != l || s.Width*s.Height != 32*32 {
		t.Errorf("%d pixels, %d labels, %d faces, %d×%d", len(s.Pixels), len(s.Labels), len(s.Face), s.Width, s.Height)
	}
	for i := range s.Len() {
		if int(s.Face[i]) != i/62 || s.CharacterOf(i) != Characters[i%62:i%62+1] || s.FaceOf(i) != s.Faces[i/62] {
			t.Fatalf("image %d shows %s in %s", i, s.CharacterOf(i), s.FaceOf(i).Name)
		}
	}
	again, err := Load()
	if err != nil || !bytes.Equal(again.Pixels, s.Pixels) {
		t.Errorf("loaded again it differs: %v", err)
	}
}

// TestPinned: a difference of one grey level in one pixel is an error on amd64, with both hashes.
func TestPinned(t *testing.T) {
	pixels := bytes.Clone(load(t).Pixels)
	if err := checkPixels(pixels, runtime.GOARCH); err != nil {
		t.Error(err)
	}
	pixels[len(pixels)/2] ^= 1
	err := checkPixels(pixels, "amd64")
	if err == nil || !strings.Contains(err.Error(), "want "+pixelsSHA256) ||
		strings.Count(err.Error(), pixelsSHA256) != 1 {
		t.Errorf("error %v, want one that names two hashes", err)
	}
	if err := checkPixels(pixels, "arm64"); err != nil {
		t.Error(err)
	}
}

// TestFaces: the properties in the fonts agree with their names, which are all different.
func TestFaces(t *testing.T) {
	seen := map[string]bool{}
	for _, face := range load(t).Faces {
		if seen[face.Name] {
			t.Errorf("two faces are %s", face.Name)
		}
		seen[face.Name] = true
		if face.Weight < 100 || face.Weight > 900 {
			t.Errorf("%s has weight %d", face.Name, face.Weight)
		}
		if heavy := containsAny(face.Name, "Bold", "Demi", "Semibold", "Black"); heavy != (weightClass(face) == "bold") {
			t.Errorf("%s has weight %d", face.Name, face.Weight)
		}
		if slanted := containsAny(face.Name, "Italic", "Oblique", "Slanted"); slanted != face.Slanted {
			t.Errorf("%s: slanted %t", face.Name, face.Slanted)
		}
	}
}

func containsAny(text string, parts ...string) bool {
	return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(text, part) })
}

// TestLicences: LICENCES.md has a line for each family's module with the version in go.mod, and with the face's
// licence.
func TestLicences(t *testing.T) {
	mod, err := os.ReadFile("../../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	table, err := os.ReadFile("LICENCES.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, face := range load(t).Faces {
		_, rest, found := strings.Cut(string(mod), "\t"+face.Module+" ")
		version, _, _ := strings.Cut(rest, "\n")
		want := fmt.Sprintf("| %s %s |", face.Module, version)
		line := slices.IndexFunc(strings.Split(string(table), "\n"), func(line string) bool {
			return strings.Contains(line, want) && strings.Contains(line, "("+face.Licence+")")
		})
		if !found || face.Licence == "" || line < 0 {
			t.Errorf("%s: no line with %q and (%s)", face.Name, want, face.Licence)
		}
	}
}

// TestDistinct: no two faces have the same pixels. In no face do two characters have the same pixels, as boxes for
// missing characters would.
func TestDistinct(t *testing.T) {
	s := load(t)
	faces, images := map[string]string{}, map[string]string{}
	for f, face := range s.Faces {
		pixels := string(s.Pixels[f*faceBytes : (f+1)*faceBytes])
		if other, ok := faces[pixels]; ok {
			t.Errorf("%s has the pixels of %s", face.Name, other)
		}
		faces[pixels] = face.Name
	}
	for i := range s.Len() {
		key := fmt.Sprint(s.Face[i], string(s.Pixels[i*Side*Side:(i+1)*Side*Side]))
		if other, ok := images[key]; ok {
			t.Errorf("%s: %s has the pixels of %s", s.FaceOf(i).Name, s.CharacterOf(i), other)
		}
		images[key] = s.CharacterOf(i)
	}
}

// TestLabelsOf checks the classes of each task, one face of each kind, and an unknown task.
func TestLabelsOf(t *testing.T) {
	s, err := load(t).Of("g")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		task, face, want string
		classes          int
	}{
		{"character", "Roboto Thin", "g", 62},
		{"family", "DejaVu Sans Condensed Bold", "DejaVu Sans", 13},
		{"family", "Go Mono", "Go Mono", 13},
		{"weight", "Roboto Thin", "light", 3},
		{"weight", "Roboto Light", "light", 3},
		{"weight", "Roboto", "regular", 3},
		{"weight", "Roboto Medium", "regular", 3},
		{"weight", "STIX Two Text SemiBold", "bold", 3},
		{"slant", "Latin Modern Roman Slanted 8 Regular", "slanted", 2},
		{"slant", "Latin Modern Roman Unslanted 10 Regular", "upright", 2},
	} {
		labels, classes, err := s.LabelsOf(c.task)
		if err != nil || len(labels) != s.Len() || len(classes) != c.classes {
			t.Fatalf("%s: %d labels, classes %v, %v", c.task, len(labels), classes, err)
		}
		i := slices.IndexFunc(s.Faces, func(f Face) bool { return f.Name == c.face }) // one image of each face
		if got := classes[labels[i]]; got != c.want {
			t.Errorf("%s of %s is %s, want %s", c.task, c.face, got, c.want)
		}
	}
	_, _, err = s.LabelsOf("colour")
	if err == nil || !strings.Contains(err.Error(), "want character, family, weight or slant") {
		t.Errorf("unknown task: %v", err)
	}
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		if _, err := Load(); err != nil {
			b.Fatal(err)
		}
	}
}

// TestDisjoint: sets that share a family, a character or a glyph return an error with names.
func TestDisjoint(t *testing.T) {
	all, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	train, test, err := all.Split(1, 0.3)
	if err != nil {
		t.Fatal(err)
	}
	if err := Disjoint(train, test, "family"); err != nil {
		t.Error(err)
	}
	if err := Disjoint(train, test, "glyph"); err != nil {
		t.Error(err)
	}
	if err := Disjoint(train, test, "character"); err == nil || !strings.Contains(err.Error(), "0, 1, 2, 3, 4, and 57 more") {
		t.Errorf("the same characters on both sides: %v", err)
	}
	a, err := all.Of("a")
	if err != nil {
		t.Fatal(err)
	}
	if err := Disjoint(a, all, "glyph"); err == nil || !strings.Contains(err.Error(), "a of ") {
		t.Errorf("the same glyphs on both sides: %v", err)
	}
	if err := Disjoint(train, test, "colour"); err == nil {
		t.Error("Disjoint by colour: want an error")
	}
}
