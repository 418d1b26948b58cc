//go:build !race

package lecture11

// raceDetector reports whether the tests run under the race detector.
const raceDetector = false
