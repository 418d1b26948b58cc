package kernelext

import "math"

const sparkWidth = 32

// sparkline returns values as a line of block characters, each for the mean of equally many values. A dot means that they
// are not finite.
func sparkline(values []float64) string {
	means := shorten(values, sparkWidth)
	s := summarize(means)
	blocks := []rune("▁▂▃▄▅▆▇█")
	line := make([]rune, len(means))
	for i, v := range means {
		if !finite(v) {
			line[i] = '·'
			continue
		}
		line[i] = blocks[int(math.Round(unit(v, s.min, s.max)*float64(len(blocks)-1)))]
	}
	return string(line)
}

// shorten returns the means of n stretches of the values; the mean of a stretch without a finite value is NaN.
func shorten(values []float64, n int) []float64 {
	if len(values) <= n {
		return values
	}
	means := make([]float64, n)
	for i := range means {
		means[i] = summarize(values[i*len(values)/n : (i+1)*len(values)/n]).mean
	}
	return means
}
