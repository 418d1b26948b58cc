package gopls

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// slow is the time after which an answer is too late: the kernel then returns an empty one.
const slow = 300 * time.Millisecond

// typed are cells as they are typed, with the cursor where a front end asks.
var typed = []string{
	"%%\nstrings.|", "%%\nfmt.Pri|", "%%\norigin.|", "%%\nHelp|", "%%\nlecture11.New|", "%%\nmust.|",
	"func f(x *Node) *Node {\n\treturn Reduce|\n}", "%%\nfor i := range 10 {\n\tfmt.Println(strings.Repeat(\"😀\", i), orig|",
	"type Pair struct{ A, B Point }\n%%\nvar p Pair\np.A.|", "%%\ntensors.From|", "%%\nx := 1\n|",
}

// benchmark asks about the typed cells in turn, each time with another text before, as during typing.
func benchmark(b *testing.B, ask func(s *Session, code string, cursor int) error) {
	s := session(b)
	var took []time.Duration
	once := func(i int) {
		code, cursor := cut(b, typed[i%len(typed)]+strings.Repeat(" ", i/len(typed)%100))
		began := time.Now()
		if err := ask(s, code, cursor); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(began))
	}
	for i := range typed { // gopls has seen what they import
		once(i)
	}
	took = nil
	for i := 0; b.Loop(); i++ {
		once(i + len(typed))
	}
	slices.Sort(took)
	late := 0
	for _, d := range took {
		if d > slow {
			late++
		}
	}
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	b.ReportMetric(ms(took[len(took)/2]), "median-ms")
	b.ReportMetric(ms(took[len(took)*95/100]), "p95-ms")
	b.ReportMetric(ms(took[len(took)-1]), "max-ms")
	b.ReportMetric(100*float64(late)/float64(len(took)), "%late")
}

func BenchmarkComplete(b *testing.B) {
	benchmark(b, func(s *Session, code string, cursor int) error {
		_, err := s.Complete(within(b, limit), code, cursor)
		return err
	})
}

func BenchmarkInspect(b *testing.B) {
	benchmark(b, func(s *Session, code string, cursor int) error {
		_, err := s.Inspect(within(b, limit), code, cursor)
		return err
	})
}
