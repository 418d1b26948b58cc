package data

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// maxClasses bounds numeric labels: a larger number is a measurement, not a class.
const maxClasses = 1 << 20

// readFile returns the content of a file, unpacked if it is gzipped.
func readFile(path string) ([]byte, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	if !bytes.HasPrefix(raw, []byte{0x1f, 0x8b}) {
		return raw, nil
	}
	unpacked, err := gzip.NewReader(bytes.NewReader(raw))
	if err == nil {
		raw, err = io.ReadAll(unpacked)
	}
	if err != nil {
		return nil, fmt.Errorf("data: %s: unpacking: %w", filepath.Base(path), err)
	}
	return raw, nil
}

// textLabels returns labels for the texts of classes. The classes are numbered in the order of names. If names is nil,
// they are all the texts that occur, sorted by value if all are numbers, else as text. In errors, who names the texts
// and place names object i.
func textLabels(who string, texts, names []string, place func(i int) string) (labels []int, classes []string, err error) {
	if classes = slices.Clone(names); classes == nil {
		classes = sortedClasses(texts)
	}
	number := make(map[string]int, len(classes))
	for k, class := range classes {
		if _, twice := number[class]; twice {
			return nil, nil, fmt.Errorf("data: Classes has %q twice, want each class once", class)
		}
		number[class] = k
	}
	labels = make([]int, len(texts))
	for i, text := range texts {
		label, known := number[text]
		if !known {
			return nil, nil, fmt.Errorf("data: %s: class %q, want one of Classes, %q", place(i), text, classes)
		}
		labels[i] = label
	}
	return labels, classes, nil
}

// sortedClasses returns the distinct texts in order.
func sortedClasses(texts []string) []string {
	seen := map[string]bool{}
	var classes []string
	numbers := true
	for _, text := range texts {
		if seen[text] {
			continue
		}
		seen[text] = true
		classes = append(classes, text)
		v, err := strconv.ParseFloat(text, 64)
		numbers = numbers && err == nil && !math.IsNaN(v)
	}
	slices.SortFunc(classes, func(a, b string) int {
		if numbers {
			x, _ := strconv.ParseFloat(a, 64)
			y, _ := strconv.ParseFloat(b, 64)
			return cmp.Or(cmp.Compare(x, y), cmp.Compare(a, b))
		}
		return cmp.Compare(a, b)
	})
	return classes
}

// numberLabels returns labels that are already numbers, with the names "0", "1", … up to the largest.
func numberLabels(numbers []float64, place func(i int) string) (labels []int, classes []string, err error) {
	labels = make([]int, len(numbers))
	for i, v := range numbers {
		if !(v >= 0 && v < maxClasses) || v != math.Trunc(v) {
			return nil, nil, fmt.Errorf("data: %s: label %v, want the number of a class, from 0 to %d", place(i), v, maxClasses-1)
		}
		labels[i] = int(v)
	}
	for k := range slices.Max(labels) + 1 {
		classes = append(classes, strconv.Itoa(k))
	}
	return labels, classes, nil
}

// dims returns a shape as text: "[9, 6, 8]".
func dims(shape []int) string {
	axes := make([]string, len(shape))
	for k, n := range shape {
		axes[k] = strconv.Itoa(n)
	}
	return "[" + strings.Join(axes, ", ") + "]"
}

// featureNames returns x1, …, xn.
func featureNames(n int) []string {
	names := make([]string, n)
	for j := range names {
		names[j] = fmt.Sprintf("x%d", j+1)
	}
	return names
}

// identify sets the ID of a set that was read to the name of its source and a hash of the content.
func (p *Points) identify(name string) {
	hash := sha256.New()
	fmt.Fprintf(hash, "%q %q %t ", p.Features, p.Classes, p.Labels == nil)
	var word [8]byte
	for _, v := range p.Values {
		if math.IsNaN(v) {
			v = math.NaN() // the same bits for every NaN
		}
		binary.LittleEndian.PutUint64(word[:], math.Float64bits(v))
		hash.Write(word[:])
	}
	writeLabels(hash, p.Labels)
	p.ID = name + "|" + hex.EncodeToString(hash.Sum(nil)[:8])
}

// identify sets the ID of a set that was read from files to the name of its source and a hash of the content.
func (s *Images) identify(name string) {
	hash := sha256.New()
	fmt.Fprintf(hash, "%d %d %d %q %t ", s.Width, s.Height, s.channels(), s.Classes, s.Labels == nil)
	hash.Write(s.Pixels)
	writeLabels(hash, s.Labels)
	s.ID = name + "|" + hex.EncodeToString(hash.Sum(nil)[:8])
}

// writeLabels writes labels to a hash, eight bytes each.
func writeLabels(hash io.Writer, labels []int) {
	var word [8]byte
	for _, label := range labels {
		binary.LittleEndian.PutUint64(word[:], uint64(label))
		hash.Write(word[:])
	}
}
