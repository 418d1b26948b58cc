package kernelext

import (
	"fmt"
	"math"
	"runtime"
	"strconv"
)

const exitAssert = 1

// Marks before the message of a check that passed or failed.
const (
	passMark = "✓ "
	failMark = "✗ "
)

// Assert checks a claim of a notebook. If ok is true it prints one line, "✓ message", as evidence. Otherwise it prints
// "✗ message" and the line of the cell to the standard error, and ends the program with exit code 1, so that the cell
// fails.
func Assert(ok bool, format string, args ...any) { here.assert(ok, fmt.Sprintf(format, args...), 0) }

// AssertNear checks that got is within tolerance of want, and prints all three. It ends the program as [Assert] does;
// NaN always fails.
func AssertNear(name string, got, want, tolerance float64) { here.near(name, got, want, tolerance) }

func (f *frontend) near(name string, got, want, tolerance float64) {
	ok := math.Abs(got-want) <= tolerance
	f.assert(ok, fmt.Sprintf("%s: got %s, want %s ± %s", name, digits(got), digits(want), digits(tolerance)), 1)
}

func digits(x float64) string { return strconv.FormatFloat(x, 'g', 6, 64) }

// assert is called by an exported function through inner functions; the caller of the exported one is the cell.
func (f *frontend) assert(ok bool, message string, inner int) {
	if ok {
		f.line(passMark+message, false)
		return
	}
	if _, file, line, known := runtime.Caller(2 + inner); known {
		message += fmt.Sprintf("\n\t%s:%d", file, line) // GoNB adds the cell and the line in it
	}
	f.fail(exitAssert, failMark+message)
}
