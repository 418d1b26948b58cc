// Package xlaoptions chooses options of XLA for each program.
//
// On the CPU, XLA computes products of matrices by the library YNNPACK. For small matrices its calls take longer than
// the code that XLA generates itself: a step of a small GAN or classifier is 5 to 30 % faster without it, while large
// nets are up to 30 % slower (docs/benchmarks.md). A flag for the whole process would help one and slow the other, so
// the choice is made for each program, by the size of its largest product. The choice is a fixed rule instead of a
// measurement, because the two round differently: the same program has the same numbers on each run.
package xlaoptions

import (
	"bytes"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
)

// Variable is the environment variable that turns the rule off: "default" leaves XLA's own options.
const Variable = "LECTURE_XLA_OPTIONS"

// flag is XLA's list of the operations that YNNPACK computes. An empty list switches it off.
const flag = "xla_cpu_experimental_ynn_fusion_type"

// small is the number of multiplications from which on a product is computed by YNNPACK.
const small = 1 << 23

// Enabled reports whether the rule is in force: neither LECTURE_XLA_OPTIONS nor XLA_FLAGS decides otherwise.
func Enabled() bool {
	return os.Getenv(Variable) != "default" && !strings.Contains(os.Getenv("XLA_FLAGS"), flag)
}

// ForCPU returns options for a program in StableHLO's text form, for a plugin on the CPU. They are nil where XLA's own
// options are best: the program has no product of matrices, a large one, or a convolution.
func ForCPU(program []byte) Options {
	if !Enabled() || bytes.Contains(program, []byte(`"stablehlo.convolution"`)) {
		return nil
	}
	if size, known := largestProduct(program); !known || size == 0 || size >= small {
		return nil
	}
	return WithoutYNNPACK
}

// Options is a message CompileOptionsProto of XLA that holds only overrides of flags. Appended to a serialised message it
// sets these flags.
type Options []byte

// WithoutYNNPACK switches YNNPACK off.
var WithoutYNNPACK = override(flag, "")

// Numbers of the fields in XLA's messages CompileOptionsProto and OptionOverrideProto, and of the fields in an entry of a
// map.
const (
	fieldOverrides  = 7 // map from the name of a flag to its value
	fieldString     = 1 // the value of a flag that is a text
	fieldKey        = 1
	fieldValue      = 2
	lengthDelimited = 2 // wire type
)

// override returns options that set one flag to a text.
func override(name, value string) Options {
	text := field(fieldString, []byte(value))
	return field(fieldOverrides, append(field(fieldKey, []byte(name)), field(fieldValue, text)...))
}

// field serialises a field of fewer than 128 bytes.
func field(number byte, content []byte) []byte {
	return append([]byte{number<<3 | lengthDelimited, byte(len(content))}, content...)
}

// product matches a product of matrices: its contracted axes of the left operand, that operand's type and the type of the
// result.
var product = regexp.MustCompile(`(?s)^"stablehlo\.dot_general".*?\slhs_contracting_dimensions = \[([\d, ]*)\]` +
	`.*?\} : \(tensor<((?:\d+x)*)[a-z]\w*>, tensor<[^>]*>\) -> tensor<((?:\d+x)*)[a-z]`)

// productName starts each product.
var productName = []byte(`"stablehlo.dot_general"`)

// largestProduct returns the number of multiplications of the largest product of matrices in a program, 0 if there is
// none. It reports false if it cannot read one of them.
func largestProduct(program []byte) (largest int, known bool) {
	for at := bytes.Index(program, productName); at >= 0; at = bytes.Index(program, productName) {
		program = program[at:]
		found := product.FindSubmatch(program[:min(len(program), longestProduct)])
		if found == nil {
			return 0, false
		}
		left, size := dimensions(found[2]), 1
		for _, n := range dimensions(found[3]) {
			size *= n
		}
		for _, axis := range strings.FieldsFunc(string(found[1]), func(r rune) bool { return r == ',' || r == ' ' }) {
			i, err := strconv.Atoi(axis)
			if err != nil || i >= len(left) {
				return 0, false
			}
			size *= left[i]
		}
		largest = max(largest, size)
		program = program[len(productName):]
	}
	return largest, true
}

// longestProduct is a bound for the text of a product.
const longestProduct = 1 << 12

// dimensions reads the dimensions of a tensor: 200x128x.
func dimensions(text []byte) []int {
	var all []int
	for _, number := range strings.FieldsFunc(string(text), func(r rune) bool { return r == 'x' }) {
		n, _ := strconv.Atoi(number) // digits only
		all = append(all, n)
	}
	return all
}

// used is set once a program of this process has options.
var used atomic.Bool

// MarkUsed notes that a program has been compiled or loaded with options.
func MarkUsed() { used.Store(true) }

// Used describes the options of this process's programs in words. It is empty if all have XLA's own.
func Used() string {
	if used.Load() {
		return "small products without YNNPACK"
	}
	return ""
}
