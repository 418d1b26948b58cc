package data

import (
	_ "embed"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
)

//go:embed iris.csv
var irisCSV string

// Iris returns Fisher's 150 flowers of three species (1936): four lengths in cm, 50 flowers of each species, in the
// corrected form. Distances are usually taken between standardised features: Iris().Standardized().
func Iris() (*Points, error) {
	p, err := parseCSV("iris.csv", []byte(irisCSV), CSVOptions{Label: "last", Comment: '#'})
	if err != nil {
		return nil, err
	}
	p.ID, p.Source = "iris", ""
	return p, nil
}

// Ring returns l objects in the plane around k centres on a circle of the given radius, the first at angle 0. The
// Gaussians N(c_y, std²·I) take turns, so that each has l/k objects, up to one. The label is the Gaussian.
// [RingCenters] returns the centres; for them the mean squared distance is 2·std².
func Ring(k, l int, radius, std float64, seed int64) (*Points, error) {
	switch {
	case k < 1 || k > 255:
		return nil, fmt.Errorf("data: Ring: k = %d, want 1 to 255 Gaussians", k)
	case l < 1:
		return nil, fmt.Errorf("data: Ring: l = %d, want a positive number of objects", l)
	case !(radius >= 0) || math.IsInf(radius, 0):
		return nil, fmt.Errorf("data: Ring: radius = %g, want a number of at least 0", radius)
	case !(std >= 0) || math.IsInf(std, 0):
		return nil, fmt.Errorf("data: Ring: std = %g, want a number of at least 0", std)
	}
	rng := rand.New(rand.NewPCG(uint64(seed), 1))
	centers := RingCenters(k, radius)
	p := &Points{
		ID:       fmt.Sprintf("ring of %d|%d objects|radius %g|std %g|seed %d", k, l, radius, std, seed),
		Features: []string{"x₁", "x₂"},
		Values:   make([]float64, 0, 2*l),
		Labels:   make([]int, l),
	}
	for y := range k {
		p.Classes = append(p.Classes, fmt.Sprint(y))
	}
	for i := range l {
		y := i % k
		p.Values = append(p.Values, centers[y][0]+std*rng.NormFloat64(), centers[y][1]+std*rng.NormFloat64())
		p.Labels[i] = y
	}
	return p, nil
}

// RingCenters returns the k centres of a Ring: (R·cos φ, R·sin φ) at φ = 2πy/k.
func RingCenters(k int, radius float64) [][]float64 {
	centers := make([][]float64, k)
	for y := range centers {
		sin, cos := math.Sincos(2 * math.Pi * float64(y) / float64(k))
		centers[y] = []float64{radius * cos, radius * sin}
	}
	return centers
}

// Square returns l objects, uniform on the unit square [0, 1)².
func Square(l int, seed int64) (*Points, error) {
	return uniform("square", []string{"x₁", "x₂"}, l, seed, 2)
}

// Colours returns l random colours: red, green and blue, each uniform on [0, 1).
func Colours(l int, seed int64) (*Points, error) {
	return uniform("colours", []string{"red", "green", "blue"}, l, seed, 3)
}

// uniform draws l objects with every feature uniform on [0, 1). stream makes two sets with one seed independent.
func uniform(name string, features []string, l int, seed int64, stream uint64) (*Points, error) {
	if l < 1 {
		return nil, fmt.Errorf("data: %s: l = %d, want a positive number of objects", name, l)
	}
	rng := rand.New(rand.NewPCG(uint64(seed), stream))
	p := &Points{
		ID:       fmt.Sprintf("%s|%d objects|seed %d", name, l, seed),
		Features: features,
		Values:   make([]float64, l*len(features)),
	}
	for i := range p.Values {
		p.Values[i] = rng.Float64()
	}
	return p, nil
}

// withoutUnit removes the unit in parentheses from a feature's name.
func withoutUnit(feature string) string {
	name, _, _ := strings.Cut(feature, " (")
	return name
}
