package kernelext

import (
	"fmt"
	"math"
	"reflect"
	"strconv"

	"github.com/gomlx/compute/dtypes/bfloat16"
	"github.com/gomlx/compute/dtypes/float16"
)

// number formats a float with four significant digits, and whole numbers in full.
func number(x float64) string {
	if x == math.Trunc(x) && math.Abs(x) < 1e15 {
		return strconv.FormatFloat(x, 'f', -1, 64)
	}
	return strconv.FormatFloat(x, 'g', 4, 64)
}

func isNumber(v any) bool {
	kind := reflect.ValueOf(v).Kind()
	return kind >= reflect.Int && kind <= reflect.Complex128
}

// summary describes numbers. min, mean and max ignore those that are not finite.
type summary struct {
	min, mean, max float64
	nan, inf       int
}

func summarize(values []float64) summary {
	s := summary{min: math.Inf(1), max: math.Inf(-1)}
	n := 0
	for _, v := range values {
		switch {
		case math.IsNaN(v):
			s.nan++
		case math.IsInf(v, 0):
			s.inf++
		default:
			n++
			s.min, s.max = min(s.min, v), max(s.max, v)
			s.mean += (v - s.mean) / float64(n)
		}
	}
	if n == 0 {
		s.min, s.mean, s.max = math.NaN(), math.NaN(), math.NaN()
	}
	return s
}

func (s summary) String() string {
	text := fmt.Sprintf("min %s, mean %s, max %s, NaN %d", number(s.min), number(s.mean), number(s.max), s.nan)
	if s.inf > 0 {
		text += fmt.Sprintf(", infinite %d", s.inf)
	}
	return text
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// Floats converts a slice of numbers to float64, which the plots take.
func Floats[T ~int | ~int32 | ~int64 | ~uint8 | ~float32 | ~float64](values []T) []float64 {
	return convert(values, func(v T) float64 { return float64(v) })
}

func convert[T, R any](flat []T, to func(T) R) []R {
	values := make([]R, len(flat))
	for i, v := range flat {
		values[i] = to(v)
	}
	return values
}

func toFloats(flat any) ([]float64, error) {
	switch flat := flat.(type) {
	case []float32:
		return Floats(flat), nil
	case []float64:
		return append([]float64(nil), flat...), nil
	case []float16.Float16:
		return convert(flat, func(v float16.Float16) float64 { return float64(v.Float32()) }), nil
	case []bfloat16.BFloat16:
		return convert(flat, func(v bfloat16.BFloat16) float64 { return float64(v.Float32()) }), nil
	case []bool:
		return convert(flat, func(v bool) float64 {
			if v {
				return 1
			}
			return 0
		}), nil
	}
	v := reflect.ValueOf(flat)
	if v.Kind() == reflect.Slice {
		if values := numbersOf(v); values != nil {
			return values, nil
		}
	}
	return nil, fmt.Errorf("values of type %T, want real numbers or booleans", flat)
}

// numbersOf returns the values of a slice of integers or floats, and nil for any other slice.
func numbersOf(v reflect.Value) []float64 {
	kind := v.Type().Elem().Kind()
	if kind < reflect.Int || kind > reflect.Float64 {
		return nil
	}
	values := make([]float64, v.Len())
	for i := range values {
		values[i] = v.Index(i).Convert(reflect.TypeFor[float64]()).Float()
	}
	return values
}
