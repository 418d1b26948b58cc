package data

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// String describes the set in one line: its name, the numbers of objects and features, the type and range of the
// values, and the classes with their numbers of objects. Then follow the number of missing values, the scaling, and
// how the set was read.
func (p *Points) String() string {
	if p.Dim() == 0 {
		return nameOf(p.ID) + ": no features"
	}
	text := fmt.Sprintf("%s: %s of %s (float64, %s), %s", nameOf(p.ID), count(p.Len(), "object"), count(p.Dim(), "feature"),
		rangeOf(p.Values), classCounts(p.Labels, p.Classes))
	if missing := p.Missing(); missing > 0 {
		text += fmt.Sprintf("; %d of %d values missing (NaN)", missing, len(p.Values))
	}
	scaling := p.Scaling
	if scaling == "" {
		scaling = "none"
	}
	return withSource(text+"; scaling: "+scaling, p.Source)
}

// String describes the set in one line: its name, the number and size of the images, grey or colour, the type of the
// pixels, the classes with their numbers of images, and how the set was read.
func (s *Images) String() string {
	kind := "grey"
	if s.channels() > 1 {
		kind = "colour"
	}
	text := fmt.Sprintf("%s: %s of %d×%d pixels (width × height), %s, %d bytes each, %s; scaling: models read 0…255 as [0, 1]", nameOf(s.ID),
		count(s.Len(), "image"), s.Width, s.Height, kind, s.Dim(), classCounts(s.Labels, s.Classes))
	return withSource(text, s.Source)
}

// nameOf returns the first part of an ID: the name of the set without its changes.
func nameOf(id string) string {
	name, _, _ := strings.Cut(id, "|")
	return name
}

// count returns "1 object" or "2 objects".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// withSource appends how a set was read, if it was read from files.
func withSource(text, source string) string {
	if source == "" {
		return text
	}
	return text + "; read as " + source
}

// rangeOf returns the smallest and the largest of the values that are not missing.
func rangeOf(values []float64) string {
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if !math.IsNaN(v) {
			low, high = min(low, v), max(high, v)
		}
	}
	if low > high {
		return "no values"
	}
	return fmt.Sprintf("%.4g … %.4g", low, high)
}

// maxListed is the largest number of classes that a description lists one by one.
const maxListed = 10

// classCounts describes the classes: "2 classes: a 50, b 50".
func classCounts(labels []int, classes []string) string {
	if labels == nil {
		return "no classes"
	}
	counts := map[int]int{}
	for _, label := range labels {
		counts[label]++
	}
	var listed []string
	fewest, most := math.MaxInt, 0
	for _, label := range slices.Sorted(maps.Keys(counts)) {
		n := counts[label]
		fewest, most = min(fewest, n), max(most, n)
		name := strconv.Itoa(label)
		if label >= 0 && label < len(classes) {
			name = classes[label]
		}
		listed = append(listed, fmt.Sprintf("%s %d", name, n))
	}
	switch n := len(listed); {
	case n == 1:
		return "1 class: " + listed[0]
	case n > maxListed:
		return fmt.Sprintf("%d classes of %d to %d", n, fewest, most)
	}
	return fmt.Sprintf("%d classes: %s", len(listed), strings.Join(listed, ", "))
}
