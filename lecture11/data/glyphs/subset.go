package glyphs

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
)

// Of returns the images of these characters, in the order of the receiver. Labels are still indices into Characters.
func (s *Set) Of(chars string) (*Set, error) {
	for _, char := range chars {
		if !strings.ContainsRune(Characters, char) {
			return nil, fmt.Errorf("glyphs: Of(%q): no such character, want some of A–Z a–z 0–9", string(char))
		}
	}
	kept := strings.Map(func(char rune) rune { // in a fixed order, so that equal sets have equal IDs
		if !strings.ContainsRune(chars, char) {
			return -1
		}
		return char
	}, Characters)
	return s.keep("chars "+kept, func(i int) bool { return strings.Contains(kept, s.CharacterOf(i)) })
}

// Family returns the images in the faces of these families.
func (s *Set) Family(names ...string) (*Set, error) {
	known := familiesOf(s.Faces)
	for _, name := range names {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("glyphs: Family(%q): no such family, want some of %s", name, strings.Join(known, ", "))
		}
	}
	kept := slices.DeleteFunc(known, func(name string) bool { return !slices.Contains(names, name) })
	id := "families " + strings.Join(kept, ", ")
	return s.keep(id, func(i int) bool { return slices.Contains(kept, s.FaceOf(i).Family) })
}

// Where returns the images in the faces for which choose returns true. The ID contains a hash of their names.
func (s *Set) Where(choose func(Face) bool) (*Set, error) {
	chosen := make([]bool, len(s.Faces))
	hash, count := sha256.New(), 0
	for i, face := range s.Faces {
		if chosen[i] = choose(face); chosen[i] {
			count++
			fmt.Fprintln(hash, face.Name)
		}
	}
	id := fmt.Sprintf("%d faces %s", count, hex.EncodeToString(hash.Sum(nil)[:4]))
	return s.keep(id, func(i int) bool { return chosen[s.Face[i]] })
}

// Split splits the set by family: no family is on both sides, so that a test uses faces without relatives in the
// training set. testShare is the share of the families, not of the images, in test, rounded, at least one. The seed
// draws the families.
func (s *Set) Split(seed uint64, testShare float64) (train, test *Set, err error) {
	if !(testShare > 0 && testShare < 1) {
		return nil, nil, fmt.Errorf("glyphs: Split with testShare = %g, want a share between 0 and 1", testShare)
	}
	present := s.familiesPresent()
	if len(present) < 2 {
		return nil, nil, fmt.Errorf("glyphs: Split of %s: %d family, want at least 2", s.ID, len(present))
	}
	rng := rand.New(rand.NewPCG(seed, 0))
	rng.Shuffle(len(present), func(i, j int) { present[i], present[j] = present[j], present[i] })
	count := int(math.Round(testShare * float64(len(present))))
	count = min(max(count, 1), len(present)-1)
	side := func(name string, families []string) (*Set, error) {
		id := fmt.Sprintf("families %s seed %d share %g", name, seed, testShare)
		return s.keep(id, func(i int) bool { return slices.Contains(families, s.FaceOf(i).Family) })
	}
	if test, err = side("test", present[:count]); err != nil {
		return nil, nil, err
	}
	train, err = side("train", present[count:])
	return train, test, err
}

// familiesPresent lists the families that the set has images of.
func (s *Set) familiesPresent() []string {
	var faces []Face
	for face := range s.Faces {
		if slices.Contains(s.Face, face) {
			faces = append(faces, s.Faces[face])
		}
	}
	return familiesOf(faces)
}

// keep returns the images for which kept returns true; id describes them.
func (s *Set) keep(id string, kept func(i int) bool) (*Set, error) {
	part := *s
	part.ID = s.ID + "|" + id
	part.Pixels, part.Labels, part.Face = nil, nil, nil
	n := s.Height * s.Width
	for i := range s.Len() {
		if kept(i) {
			part.Pixels = append(part.Pixels, s.Pixels[i*n:(i+1)*n]...)
			part.Labels = append(part.Labels, s.Labels[i])
			part.Face = append(part.Face, s.Face[i])
		}
	}
	if part.Len() == 0 {
		return nil, fmt.Errorf("glyphs: %s has no image, want at least one", part.ID)
	}
	return &part, nil
}

// Disjoint returns an error that names what two sets have in common: "family", "character", or "glyph", one character
// in one face. A test on glyphs whose relatives were in the training set does not measure generalisation.
func Disjoint(train, test *Set, by string) error {
	name := map[string]func(s *Set, i int) string{
		"family":    func(s *Set, i int) string { return s.FaceOf(i).Family },
		"character": func(s *Set, i int) string { return s.CharacterOf(i) },
		"glyph":     func(s *Set, i int) string { return s.CharacterOf(i) + " of " + s.FaceOf(i).Name },
	}[by]
	if name == nil {
		return fmt.Errorf("glyphs: Disjoint by %q, want \"family\", \"character\" or \"glyph\"", by)
	}
	learnt := map[string]bool{}
	for i := range train.Len() {
		learnt[name(train, i)] = true
	}
	common := map[string]bool{}
	for i := range test.Len() {
		if learnt[name(test, i)] {
			common[name(test, i)] = true
		}
	}
	if len(common) == 0 {
		return nil
	}
	names := slices.Sorted(maps.Keys(common))
	if more := len(names) - 5; more > 0 {
		names = append(names[:5], fmt.Sprintf("and %d more", more))
	}
	return fmt.Errorf("glyphs: %q and %q share by %s: %s, want nothing in common", train.ID, test.ID, by, strings.Join(names, ", "))
}
