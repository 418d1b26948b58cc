package xlaoptions

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/go-xla/stablehlo"
	"github.com/gomlx/go-xla/types/shapes"
)

// productOf returns a program with one product of two matrices, or of two stacks of matrices, as go-xla writes it.
func productOf(t *testing.T, left, right []int, leftContract, leftBatch, rightContract, rightBatch []int) []byte {
	t.Helper()
	builder := stablehlo.New("product")
	main := builder.Main()
	a, err := main.NamedInput("a", shapes.Make(dtypes.Float32, left...))
	if err != nil {
		t.Fatal(err)
	}
	b, err := main.NamedInput("b", shapes.Make(dtypes.Float32, right...))
	if err != nil {
		t.Fatal(err)
	}
	product, err := stablehlo.DotGeneral(a, leftContract, leftBatch, b, rightContract, rightBatch).Done()
	if err == nil {
		err = main.Return(product)
	}
	if err != nil {
		t.Fatal(err)
	}
	program, err := builder.Build()
	if err != nil {
		t.Fatal(err)
	}
	return program
}

// TestLargestProduct counts the multiplications of products as go-xla writes them.
func TestLargestProduct(t *testing.T) {
	small := productOf(t, []int{200, 128}, []int{128, 64}, []int{1}, nil, []int{0}, nil)
	for _, c := range []struct {
		what    string
		program []byte
		want    int
	}{
		{"matrices", small, 200 * 128 * 64},
		{"a transposed left operand", productOf(t, []int{128, 200}, []int{128, 64}, []int{0}, nil, []int{0}, nil), 200 * 128 * 64},
		{"stacks", productOf(t, []int{7, 20, 30}, []int{7, 30, 40}, []int{2}, []int{0}, []int{1}, []int{0}), 7 * 20 * 30 * 40},
		{"two contracted axes", productOf(t, []int{5, 6, 7}, []int{6, 7, 8}, []int{1, 2}, nil, []int{0, 1}, nil), 5 * 6 * 7 * 8},
		{"vectors", productOf(t, []int{50}, []int{50}, []int{0}, nil, []int{0}, nil), 50},
		{"two products", append(bytes.Clone(small), productOf(t, []int{1000, 10}, []int{10, 1000}, []int{1}, nil, []int{0}, nil)...), 1e7},
		{"none", []byte(`%0 = "stablehlo.add"(%a, %b) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>`), 0},
	} {
		got, known := largestProduct(c.program)
		if got != c.want || !known {
			t.Errorf("%s: %d (%v), want %d in\n%s", c.what, got, known, c.want, c.program)
		}
	}
	if _, known := largestProduct([]byte(`"stablehlo.dot_general"(%a, %b) {another form}`)); known {
		t.Error("a product in another form is known")
	}
}

// TestForCPU: YNNPACK is off for small products only, and not where a variable says otherwise.
func TestForCPU(t *testing.T) {
	if os.Getenv("XLA_FLAGS") != "" || os.Getenv(Variable) != "" {
		t.Skip("options are set")
	}
	small := productOf(t, []int{400, 128}, []int{128, 128}, []int{1}, nil, []int{0}, nil)
	large := productOf(t, []int{128, 256}, []int{256, 256}, []int{1}, nil, []int{0}, nil)
	if string(ForCPU(small)) != string(WithoutYNNPACK) {
		t.Error("a small product has XLA's own options")
	}
	for what, program := range map[string][]byte{
		"a large product": large, "a small and a large one": append(bytes.Clone(small), large...), "no product": []byte("module {}"),
		"a convolution":          append(bytes.Clone(small), `"stablehlo.convolution"(%0, %1)`...),
		"a product not readable": []byte(strings.Replace(string(small), "lhs_contracting_dimensions", "contracting", 1)),
	} {
		if ForCPU(program) != nil {
			t.Errorf("%s has other options than XLA's own", what)
		}
	}
	t.Setenv("XLA_FLAGS", "--xla_cpu_experimental_ynn_fusion_type=LIBRARY_FUSION_TYPE_DOT")
	if ForCPU(small) != nil {
		t.Error("the user's flag is overridden")
	}
	t.Setenv("XLA_FLAGS", "")
	t.Setenv(Variable, "default")
	if ForCPU(small) != nil {
		t.Errorf("%s=default has no effect", Variable)
	}
}

// TestOverride compares with the encoding of protobuf, laid out by hand: field 7, 42 bytes: field 1 with the 36 bytes of the
// name, and field 2 with 2 bytes: field 1 with none.
func TestOverride(t *testing.T) {
	const want = "\x3a\x2a\x0a\x24xla_cpu_experimental_ynn_fusion_type\x12\x02\x0a\x00"
	if string(WithoutYNNPACK) != want {
		t.Errorf("%q, want %q", WithoutYNNPACK, want)
	}
}
