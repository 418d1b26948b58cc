package lecture11

import (
	"testing"
	"time"
)

// longTests is the time that must be left to start a test that trains for long.
const longTests = 11 * time.Minute

// long skips a test that trains for long if the time limit of the whole run is Go's default of ten minutes. `go test
// -timeout 40m` runs it, as .ci/run does.
func long(t *testing.T) {
	t.Helper()
	if !timeForLong(t) {
		t.Skip("trains for long: go test -timeout 40m runs it")
	}
}

// timeForLong reports whether the time limit of the whole run leaves room for long tests.
func timeForLong(t *testing.T) bool {
	deadline, limited := t.Deadline()
	return !limited || time.Until(deadline) >= longTests
}
