package glyphs

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// TestOf: Of returns the images of the characters with their labels, and an ID that does not depend on the order of
// the characters.
func TestOf(t *testing.T) {
	s := load(t)
	part, err := s.Of("ba9a")
	if err != nil {
		t.Fatal(err)
	}
	if part.Len() != 3*len(s.Faces) || part.ID != "glyphs|chars ab9" {
		t.Errorf("%d images, ID %s", part.Len(), part.ID)
	}
	if got := part.CharacterOf(3) + part.CharacterOf(4) + part.CharacterOf(5); got != "ab9" || part.Face[5] != 1 {
		t.Errorf("the second face has %s, face %d", got, part.Face[5])
	}
	n := Side * Side
	whole := 62 + strings.Index(Characters, "b")
	if !bytes.Equal(part.Pixels[4*n:5*n], s.Pixels[whole*n:(whole+1)*n]) {
		t.Error("pixels of another image")
	}
	if s.ID != "glyphs" || s.Len() != 62*len(s.Faces) {
		t.Error("the receiver was changed")
	}
}

// TestFamilyWhere: Family and Where choose the same family. Equal choices have equal IDs, and different ones different
// IDs.
func TestFamilyWhere(t *testing.T) {
	s := load(t)
	family, err := s.Family("Roboto", "Go")
	if err != nil {
		t.Fatal(err)
	}
	where := func(weight int) *Set {
		part, err := s.Where(func(f Face) bool {
			return (f.Family == "Go" || f.Family == "Roboto") && f.Weight >= weight
		})
		if err != nil {
			t.Fatal(err)
		}
		return part
	}
	if !bytes.Equal(family.Pixels, where(0).Pixels) || family.Len() != 26*62 ||
		family.ID != "glyphs|families Go, Roboto" {
		t.Errorf("%s has %d images, the same faces chosen otherwise %d", family.ID, family.Len(), where(0).Len())
	}
	if where(0).ID != where(100).ID || where(0).ID == where(400).ID || !strings.HasPrefix(where(0).ID, "glyphs|26 faces ") {
		t.Errorf("IDs %s, %s, %s", where(0).ID, where(100).ID, where(400).ID)
	}
	upright, err := s.Where(func(f Face) bool { return f.Family == "Go" && !f.Slanted })
	if err != nil {
		t.Fatal(err)
	}
	slanted, err := s.Where(func(f Face) bool { return f.Family == "Go" && f.Slanted })
	if err != nil {
		t.Fatal(err)
	}
	if upright.Len() != slanted.Len() || upright.ID == slanted.ID {
		t.Errorf("as many other faces, %d and %d images, have the ID %s", upright.Len(), slanted.Len(), upright.ID)
	}
}

// TestSplit: no family is on both sides, every image is on one, testShare is a share of the families, and the split
// depends only on the seed.
func TestSplit(t *testing.T) {
	s, err := load(t).Of("agR")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, c := range []struct {
		share float64
		want  int // families of the test set
	}{{0.2, 3}, {0.001, 1}, {0.5, 7}, {0.999, 12}} {
		for seed := range uint64(10) {
			train, test, err := s.Split(seed, c.share)
			if err != nil {
				t.Fatal(err)
			}
			trained, tested := train.familiesPresent(), test.familiesPresent()
			if len(tested) != c.want || len(trained)+len(tested) != 13 || train.Len()+test.Len() != s.Len() {
				t.Errorf("share %g: %d families to train on, %d to test with", c.share, len(trained), len(tested))
			}
			for _, name := range tested {
				if slices.Contains(trained, name) {
					t.Errorf("%s is on both sides", name)
				}
			}
			_, again, _ := s.Split(seed, c.share)
			if !bytes.Equal(test.Pixels, again.Pixels) || !slices.Equal(test.Face, again.Face) || test.ID != again.ID {
				t.Error("the same seed drew another test set")
			}
			if want := fmt.Sprintf("glyphs|chars Rag|families test seed %d share %g", seed, c.share); test.ID != want {
				t.Errorf("ID %s, want %s", test.ID, want)
			}
			if c.want == 3 {
				seen[strings.Join(tested, ",")] = true
			}
		}
	}
	if len(seen) < 8 { // of 286 possible
		t.Errorf("10 seeds drew %d test sets", len(seen))
	}
}

// TestSubsetsRefuse tries empty selections and unknown names.
func TestSubsetsRefuse(t *testing.T) {
	s := load(t)
	goOnly, err := s.Family("Go")
	if err != nil {
		t.Fatal(err)
	}
	a, err := s.Of("a")
	if err != nil {
		t.Fatal(err)
	}
	second := func(_ any, err error) error { return err }
	split := func(s *Set, share float64) error { _, _, err := s.Split(1, share); return err }
	for _, c := range []struct {
		err  error
		want string
	}{
		{second(s.Of("aé")), `glyphs: Of("é"): no such character, want some of A–Z a–z 0–9`},
		{second(s.Of("")), "glyphs: glyphs|chars  has no image, want at least one"},
		{second(a.Of("b")), "glyphs: glyphs|chars a|chars b has no image, want at least one"},
		{second(s.Family("Go", "Arial")), `glyphs: Family("Arial"): no such family, want some of Liberation Sans, `},
		{second(goOnly.Family("Roboto")), "has no image"},
		{second(s.Where(func(Face) bool { return false })), "glyphs: glyphs|0 faces"},
		{split(s, 0), "glyphs: Split with testShare = 0, want a share between 0 and 1"},
		{split(s, 1), "testShare = 1,"},
		{split(s, -0.1), "testShare = -0.1,"},
		{split(s, math.NaN()), "testShare = NaN,"},
		{split(goOnly, 0.5), "glyphs: Split of glyphs|families Go: 1 family, want at least 2"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", c.err, c.want)
		}
	}
}
