// Package glyphs is a data set of letters and digits in many typefaces. It is used for the "2D font manifold
// demonstration" (slide 10), few-shot classification, and tasks that share a network. It is a separate package because
// it links the fonts: 29 MB.
package glyphs

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"runtime"
	"strings"

	"deeplearning.example/lecture11/data"
)

// Characters are the characters of each face; a label of a Set is an index into them, 0…61.
const Characters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// Set is a set of images of characters with their faces. Image i shows character Labels[i] in face Face[i].
type Set struct {
	data.Images
	Face  []int  // l, index into Faces
	Faces []Face // all faces of the package, even if the set has images of only a few
}

// Face is one typeface: a style of a family.
type Face struct {
	Name    string // full name in the font, "DejaVu Sans Bold"
	Family  string // one design; widths and optical sizes belong to one family
	Weight  int    // 100 thin … 400 regular … 900 black, from the font's OS/2 table (250 for Roboto Thin)
	Slanted bool   // italic or oblique
	Serif   bool
	Mono    bool   // all characters have the same advance width
	Licence string // SPDX identifier of the font's licence
	Module  string // Go module that contains it; LICENCES.md has versions and licence texts
}

// Load returns all characters in all faces, ordered by face and then by character: 32×32 pixels, with one baseline and
// one em size, so that faces keep their relative sizes. Rendering takes a tenth of a second, so there is no cache.
func Load() (*Set, error) {
	families := families()
	faces, err := facesOf(families)
	if err != nil {
		return nil, err
	}
	pixels, err := render(families)
	if err != nil {
		return nil, err
	}
	if err := checkPixels(pixels, runtime.GOARCH); err != nil {
		return nil, err
	}
	return newSet(faces, pixels), nil
}

// pixelsSHA256 is the hash of the pixels of Load, rendered on amd64 from the font versions in go.mod.
const pixelsSHA256 = "e089502e2f48cd47ed51e5e4e846e43b689786a51b2c691805fbdef3d45dea99"

// checkPixels returns an error unless the pixels have the hash pixelsSHA256. It checks only on amd64: where a compiler
// fuses multiplication and addition, the greys of edges may differ by one.
func checkPixels(pixels []byte, arch string) error {
	sum := sha256.Sum256(pixels)
	if got := hex.EncodeToString(sum[:]); arch == "amd64" && got != pixelsSHA256 {
		return fmt.Errorf("glyphs: pixels have SHA-256 %s, want %s: do the fonts have other versions?", got, pixelsSHA256)
	}
	return nil
}

// newSet labels the pixels of all characters in all faces.
func newSet(faces []Face, pixels []uint8) *Set {
	s := &Set{Faces: faces, Images: data.Images{ID: "glyphs", Width: Side, Height: Side, Pixels: pixels}}
	for face := range faces {
		for char := range len(Characters) {
			s.Face = append(s.Face, face)
			s.Labels = append(s.Labels, char)
		}
	}
	return s
}

// CharacterOf returns the character that image i shows.
func (s *Set) CharacterOf(i int) string { return Characters[s.Labels[i] : s.Labels[i]+1] }

// FaceOf returns the face of image i.
func (s *Set) FaceOf(i int) Face { return s.Faces[s.Face[i]] }

// LabelsOf returns the labels of all images for one of the tasks that a network can learn on the same images, and the
// names of the classes:
//
//	"character"  A … 9
//	"family"     DejaVu Sans, Roboto, …: all families of Faces
//	"weight"     light (OS/2 weight below 400), regular (400 and 500), bold (600 and more)
//	"slant"      upright, slanted
func (s *Set) LabelsOf(task string) (labels []int, classes []string, err error) {
	switch task {
	case "character":
		return s.Labels, strings.Split(Characters, ""), nil
	case "family":
		labels, classes = s.byFace(familiesOf(s.Faces), func(f Face) string { return f.Family })
	case "weight":
		labels, classes = s.byFace([]string{"light", "regular", "bold"}, weightClass)
	case "slant":
		labels, classes = s.byFace([]string{"upright", "slanted"}, slantClass)
	default:
		return nil, nil, fmt.Errorf("glyphs: LabelsOf(%q): no such task, want character, family, weight or slant", task)
	}
	return labels, classes, nil
}

// byFace labels each image by the class of its face.
func (s *Set) byFace(classes []string, classOf func(Face) string) ([]int, []string) {
	index := map[string]int{}
	for i, class := range classes {
		index[class] = i
	}
	labels := make([]int, s.Len())
	for i := range labels {
		labels[i] = index[classOf(s.FaceOf(i))]
	}
	return labels, classes
}

func weightClass(f Face) string {
	switch {
	case f.Weight < 400:
		return "light"
	case f.Weight < 600:
		return "regular"
	}
	return "bold"
}

func slantClass(f Face) string {
	if f.Slanted {
		return "slanted"
	}
	return "upright"
}

// familiesOf lists the families in the order in which the faces name them first.
func familiesOf(faces []Face) []string {
	var names []string
	seen := map[string]bool{}
	for _, face := range faces {
		if !seen[face.Family] {
			seen[face.Family] = true
			names = append(names, face.Family)
		}
	}
	return names
}
