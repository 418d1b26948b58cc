package kernelext

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
)

// maxPoints is the number of stretches that a curve keeps: more than the columns of the picture can show.
const maxPoints = 1024

// Curve draws values while they are computed: losses over steps. In a notebook it is one picture, redrawn in place at
// most every 500 ms; a terminal and a pipe get a line with the last values. Series whose sizes differ more than
// threefold are drawn in separate panels. Its methods may be called from several goroutines.
type Curve struct {
	live   *live
	title  string
	series []string

	mu             sync.Mutex
	points         []stretch
	width          int // additions per stretch
	marks          []mark
	logY           bool
	xLabel, yLabel string
	together       bool
	last           []float64
	lastStep       int
	firstBad       string // the first value that was not finite
	err            error
}

// stretch is a run of added points: their number, first and last step, and for each series the smallest, mean and largest
// finite value and the number of finite values.
type stretch struct {
	n, step, end   int
	min, mean, max []float64
	finite         []int
}

type mark struct {
	step  int
	label string
}

// NewCurve returns a curve with one line for each name in series. Nothing is shown before the first Add. Call Done at the
// end.
func NewCurve(title string, series ...string) *Curve { return here.newCurve(title, series) }

func (f *frontend) newCurve(title string, series []string) *Curve {
	c := &Curve{title: title, series: series, width: 1, xLabel: "step", yLabel: "value"}
	if len(series) == 0 {
		c.err = errors.New("kernelext: NewCurve without series, want the name of at least one")
	}
	c.live = newLive(f, c)
	return c
}

// LogY makes the vertical axis logarithmic; values that are not positive are left out. It returns c.
func (c *Curve) LogY() *Curve { return c.set(func() { c.logY = true }) }

// XLabel names the horizontal axis (default "step"). It returns c.
func (c *Curve) XLabel(label string) *Curve { return c.set(func() { c.xLabel = label }) }

// YLabel names the vertical axis with its unit, such as "nats" (default "value"). It returns c.
func (c *Curve) YLabel(label string) *Curve { return c.set(func() { c.yLabel = label }) }

// OnePanel draws all series in one panel, whatever their sizes. It returns c.
func (c *Curve) OnePanel() *Curve { return c.set(func() { c.together = true }) }

func (c *Curve) set(change func()) *Curve {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
	return c
}

// Add appends one value for each series at a step. It takes well under a microsecond. The curve keeps a bounded number
// of points; where several are joined, it shows their mean and the band between the smallest and the largest.
func (c *Curve) Add(step int, values ...float64) {
	c.mu.Lock()
	if len(values) != len(c.series) && c.err == nil {
		c.err = fmt.Errorf("kernelext: Curve %q: Add at step %d got %d values, want %d: %s",
			c.title, step, len(values), len(c.series), strings.Join(c.series, ", "))
	}
	if c.err != nil {
		c.mu.Unlock()
		return
	}
	if n := len(c.points); n == 0 || c.points[n-1].n == c.width {
		c.points = append(c.points, newStretch(step, len(values)))
	}
	c.points[len(c.points)-1].add(step, values)
	c.noteBad(step, values)
	c.last, c.lastStep = append(c.last[:0], values...), step
	if len(c.points) >= 2*maxPoints {
		c.thin()
	}
	c.mu.Unlock()
	c.live.changed()
}

// Mark draws a vertical line with a label at a step: the end of an epoch, a change of the learning rate.
func (c *Curve) Mark(step int, label string) {
	c.mu.Lock()
	c.marks = append(c.marks, mark{step, label})
	c.mu.Unlock()
	c.live.changed()
}

// Done shows the final picture. It may be called twice, and by defer; it returns the first error of the curve.
func (c *Curve) Done() error {
	c.mu.Lock()
	err := c.err
	empty := len(c.points) == 0
	c.mu.Unlock()
	if err != nil || empty {
		return err
	}
	return c.live.done()
}

func (c *Curve) noteBad(step int, values []float64) {
	for i, v := range values {
		if c.firstBad == "" && !finite(v) {
			c.firstBad = fmt.Sprintf("%s is %v at %s %d", c.series[i], v, c.xLabel, step)
		}
	}
}

func newStretch(step, series int) stretch {
	s := stretch{
		step: step, min: make([]float64, series), max: make([]float64, series),
		mean: make([]float64, series), finite: make([]int, series),
	}
	for i := range series {
		s.min[i], s.max[i], s.mean[i] = math.Inf(1), math.Inf(-1), math.NaN()
	}
	return s
}

func (s *stretch) add(step int, values []float64) {
	s.n++
	s.end = step
	for i, v := range values {
		if finite(v) {
			s.merge(i, v, v, v, 1)
		}
	}
}

// merge adds count values of series i, given their smallest, mean and largest.
func (s *stretch) merge(i int, smallest, mean, largest float64, count int) {
	if count == 0 {
		return
	}
	total := s.finite[i] + count
	if s.finite[i] == 0 {
		s.mean[i] = mean
	} else {
		s.mean[i] += (mean - s.mean[i]) * float64(count) / float64(total)
	}
	s.finite[i] = total
	s.min[i], s.max[i] = min(s.min[i], smallest), max(s.max[i], largest)
}

// thin joins neighbouring points in pairs, so that half of the points describe the whole curve.
func (c *Curve) thin() {
	half := c.points[:0]
	for pair := range slices.Chunk(c.points, 2) {
		joined := pair[0]
		for _, b := range pair[1:] {
			joined.n += b.n
			joined.end = b.end
			for j := range joined.mean {
				joined.merge(j, b.min[j], b.mean[j], b.max[j], b.finite[j])
			}
		}
		half = append(half, joined)
	}
	c.points = half
	c.width *= 2
}

// status returns the curve's last state as one line.
func (c *Curve) status() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return fmt.Sprintf("%s: %s %d%s", c.title, c.xLabel, c.lastStep, c.lastValues())
}

func (c *Curve) lastValues() string {
	var text strings.Builder
	for i, v := range c.last {
		fmt.Fprintf(&text, "  %s %s", c.series[i], number(v))
	}
	return text.String()
}

// text returns the final state as text, with a line for each series.
func (c *Curve) text() string {
	widest := 0
	for _, name := range c.series {
		widest = max(widest, len([]rune(name)))
	}
	first := c.points[0].step
	lines := []string{fmt.Sprintf("curve: %s, %s %d … %d", c.title, c.xLabel, first, c.lastStep)}
	for i, name := range c.series {
		means := c.means(i)
		lines = append(lines, fmt.Sprintf("%s%s %s first %s, last %s", name,
			strings.Repeat(" ", widest-len([]rune(name))), sparkline(means), number(means[0]), number(c.last[i])))
	}
	for _, m := range c.marks {
		lines = append(lines, fmt.Sprintf("%s %d: %s", c.xLabel, m.step, m.label))
	}
	if c.firstBad != "" {
		lines = append(lines, "! "+c.firstBad)
	}
	return strings.Join(lines, "\n")
}

func (c *Curve) means(series int) []float64 {
	means := make([]float64, len(c.points))
	for i, p := range c.points {
		means[i] = p.mean[series]
	}
	return means
}
