package kernelext

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
)

// Axes describes the axes of a figure. X and Y are required, with their units: "time (s)", "KL (nats)". Latin, Greek and
// Cyrillic letters can be drawn, and subscript digits such as z₁.
type Axes struct {
	Title, X, Y string
	LogX, LogY  bool // logarithmic; all values must be positive
	Equal       bool // one unit has the same length on both axes
}

// Sizes of letters in CSS pixels. The text of a notebook has 14.
const (
	titleSize   = 16
	labelSize   = 15
	tickSize    = 13
	captionSize = 13
)

// px converts CSS pixels (96 per inch) to the points of package vg (72 per inch).
func px(css float64) vg.Length { return vg.Length(css * 0.75) }

func fontOf(css float64, bold bool) font.Font {
	f := font.From(typeface, px(css))
	if bold {
		f.Weight = 3 // golang.org/x/image/font.WeightBold
	}
	return f
}

func styleText(style *text.Style, css float64, bold bool) {
	style.Font = fontOf(css, bold)
	style.Color = inkColor
}

// newPlot makes an empty figure in the style of the lecture.
func newPlot(kind string, a Axes) (*plot.Plot, error) {
	if strings.TrimSpace(a.X) == "" || strings.TrimSpace(a.Y) == "" {
		return nil, fmt.Errorf("kernelext: %s: Axes{X: %q, Y: %q}, want a label with its unit on each axis", kind, a.X, a.Y)
	}
	p := plot.New()
	p.Title.Text = a.Title
	p.Title.Padding = px(10)
	styleText(&p.Title.TextStyle, titleSize, true)
	styleAxis(&p.X, a.X, a.LogX)
	styleAxis(&p.Y, a.Y, a.LogY)
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = gridColor, gridColor
	grid.Vertical.Width, grid.Horizontal.Width = px(1), px(1)
	if kind == "Bars" {
		grid.Vertical.Color = nil
	}
	p.Add(grid)
	return p, nil
}

func styleAxis(axis *plot.Axis, label string, log bool) {
	axis.Label.Text = label
	axis.Label.Padding = px(5)
	axis.Padding = 0
	styleText(&axis.Label.TextStyle, labelSize, false)
	styleText(&axis.Tick.Label, tickSize, false)
	axis.LineStyle.Color, axis.LineStyle.Width = axisColor, px(1)
	axis.Tick.LineStyle.Color, axis.Tick.LineStyle.Width = axisColor, px(1)
	axis.Tick.Length = px(5)
	axis.Tick.Marker = plot.TickerFunc(evenTicks)
	if log {
		axis.Scale = logScale{}
		axis.Tick.Marker = plot.TickerFunc(logTicks)
	}
}

// widen adds a margin to the ranges, so that no line runs along the frame, and refuses what cannot be drawn.
func widen(kind string, p *plot.Plot, a Axes) error {
	for _, axis := range []struct {
		name   string
		axis   *plot.Axis
		log    bool
		margin float64
	}{{"X", &p.X, a.LogX, 0.015}, {"Y", &p.Y, a.LogY, 0.05}} {
		lo, hi := axis.axis.Min, axis.axis.Max
		if math.IsInf(lo, 0) || math.IsInf(hi, 0) || math.IsNaN(lo+hi) {
			return fmt.Errorf("kernelext: %s: no finite values on axis %s", kind, axis.name)
		}
		if axis.log && lo <= 0 {
			return fmt.Errorf("kernelext: %s: smallest value on the logarithmic axis %s is %s, want all above 0",
				kind, axis.name, number(lo))
		}
		axis.axis.Min, axis.axis.Max = margins(lo, hi, axis.margin, axis.log)
	}
	return nil
}

func margins(lo, hi, margin float64, log bool) (float64, float64) {
	if log {
		factor := math.Pow(hi/lo, margin)
		if hi == lo {
			factor = 2
		}
		return lo / factor, hi * factor
	}
	add := margin * (hi - lo)
	if hi == lo {
		add = max(math.Abs(hi)*0.1, 0.5)
	}
	return lo - add, hi + add
}

// evenTicks puts three to eight labels at multiples of 1, 2 or 5 times a power of ten.
func evenTicks(lo, hi float64) []plot.Tick {
	span := hi - lo
	if !(span > 0) || math.IsInf(span, 0) {
		return []plot.Tick{{Value: lo, Label: number(lo)}}
	}
	const most = 7.2
	step := math.Pow(10, math.Floor(math.Log10(span/most)))
	for _, factor := range []float64{2, 2.5, 2} { // 1, 2, 5, 10
		if span/step > most {
			step *= factor
		}
	}
	var ticks []plot.Tick
	for i := math.Ceil(lo/step - 1e-9); i*step <= hi+1e-9*step; i++ {
		ticks = append(ticks, plot.Tick{Value: i * step, Label: tickLabel(i*step, step)})
	}
	return ticks
}

// tickLabel writes v with as many decimals as its step needs, and large and tiny numbers as a power of ten.
func tickLabel(v, step float64) string {
	if math.Abs(v) < step/2 {
		return "0"
	}
	if step >= 1e5 || step < 1e-4 {
		return scientific(v, 4)
	}
	decimals := max(0, int(-math.Floor(math.Log10(step)+1e-9)))
	return minus(strconv.FormatFloat(v, 'f', decimals, 64))
}

// scientific writes 1500000 as 1.5e6. The lecture's typeface lacks the raised minus of 10⁻⁶.
func scientific(v float64, digits int) string {
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(v, 'e', digits-1, 64), "e")
	if strings.Contains(mantissa, ".") {
		mantissa = strings.TrimRight(strings.TrimRight(mantissa, "0"), ".")
	}
	sign := strings.TrimLeft(exponent[:1], "+")
	return minus(mantissa + "e" + sign + strings.TrimLeft(exponent[1:], "0"))
}

// minus replaces the hyphen by the minus sign, which is as wide as a plus.
func minus(s string) string { return strings.ReplaceAll(s, "-", "−") }

// logTicks labels powers of ten, and 2 and 5 times them where few powers are in range.
func logTicks(lo, hi float64) []plot.Tick {
	if lo <= 0 || hi <= lo {
		return evenTicks(lo, hi)
	}
	decades := math.Log10(hi / lo)
	if decades < 0.7 {
		return evenTicks(lo, hi)
	}
	var ticks []plot.Tick
	every := max(1, math.Ceil(decades/8))
	for e := math.Floor(math.Log10(lo)); e <= math.Log10(hi); e++ {
		for _, m := range []float64{1, 2, 5} {
			v := m * math.Pow(10, e)
			labelled := m == 1 && math.Mod(e, every) == 0 || decades < 2
			if v < lo || v > hi || !labelled && decades > 4 {
				continue
			}
			label := ""
			if labelled {
				label = logLabel(v, e)
			}
			ticks = append(ticks, plot.Tick{Value: v, Label: label})
		}
	}
	return ticks
}

func logLabel(v, exponent float64) string {
	if exponent >= -3 && exponent <= 4 {
		return strconv.FormatFloat(v, 'f', max(0, -int(exponent)), 64)
	}
	return scientific(v, 4)
}

// logScale is gonum's logarithmic scale except for the exact middle between min and max. gonum asks for that only to
// place the label of the axis, which belongs to the middle of the axis, not of the numbers.
type logScale struct{ plot.LogScale }

// Normalize implements plot.Normalizer.
func (s logScale) Normalize(lo, hi, x float64) float64 {
	if x == 0.5*(hi+lo) {
		return 0.5
	}
	return s.LogScale.Normalize(lo, hi, x)
}
