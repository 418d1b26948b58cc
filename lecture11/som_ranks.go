package lecture11

import (
	"math"
	"runtime"
	"slices"
	"sort"
	"sync"
)

// mapRanks holds the ranks of objects by distance on the map. Seen from an object of node c, the objects of all nodes
// at the same grid distance are equally near: they form a shell.
type mapRanks struct {
	winners []int32
	m, k    int
	shell   []int32     // [m · m]: the shell around c that contains node d
	share   [][]float64 // by node and shell: the probability that an object of the shell is among the k nearest
	excess  [][]float64 // by node and shell: the expectation of (rank − k)₊ for an object of the shell
}

// newMapRanks orders the nodes around each node by gridSquares [m · m], which may be any distance.
func newMapRanks(winners []int32, gridSquares []float64, k int) *mapRanks {
	m := int(math.Sqrt(float64(len(gridSquares))))
	r := &mapRanks{winners: winners, m: m, k: k, shell: make([]int32, m*m),
		share: make([][]float64, m), excess: make([][]float64, m)}
	hits := make([]int, m)
	for _, w := range winners {
		hits[w]++
	}
	order := make([]int, m)
	for c := range m {
		row := gridSquares[c*m : (c+1)*m]
		for d := range order {
			order[d] = d
		}
		sort.SliceStable(order, func(a, b int) bool { return row[order[a]] < row[order[b]] })
		r.shells(c, row, order, hits)
	}
	return r
}

// shells fills the tables of node c. The object itself, in shell 0, is not its own neighbour.
func (r *mapRanks) shells(c int, row []float64, order, hits []int) {
	before := 0 // number of objects in nearer shells
	for at := 0; at < len(order); {
		inside, end := 0, at
		for end < len(order) && row[order[end]] <= row[order[at]]+1e-9 {
			r.shell[c*r.m+order[end]] = int32(len(r.share[c]))
			inside += hits[order[end]]
			end++
		}
		if at == 0 {
			inside = max(0, inside-1)
		}
		share, excess := shellChances(before, inside, r.k)
		r.share[c], r.excess[c] = append(r.share[c], share), append(r.excess[c], excess)
		before += inside
		at = end
	}
}

// shellChances returns values for an object that has one of the ranks before+1 … before+inside with equal probability.
// share is the probability of a rank ≤ k, excess the mean of (rank − k)₊.
func shellChances(before, inside, k int) (share, excess float64) {
	if inside == 0 {
		return 0, 0
	}
	share = float64(min(max(k-before, 0), inside)) / float64(inside)
	if low, high := max(before+1-k, 1), before+inside-k; high >= low {
		excess = float64(low+high) * float64(high-low+1) / 2 / float64(inside)
	}
	return share, excess
}

// block sums the errors of the objects from index first on, given their squared distances to all objects, [rows · l].
// The rows are distributed over the processors.
func (r *mapRanks) block(first int, squares []float32) (sum rankErrors) {
	l := len(r.winners)
	rows := len(squares) / l
	workers := min(runtime.GOMAXPROCS(0), rows)
	parts := make([]rankErrors, workers)
	var wait sync.WaitGroup
	for w := range workers {
		wait.Go(func() {
			scratch := &rankScratch{}
			for i := w; i < rows; i += workers {
				parts[w].add(r.object(first+i, squares[i*l:(i+1)*l], scratch))
			}
		})
	}
	wait.Wait()
	for _, part := range parts {
		sum.add(part)
	}
	return sum
}

// rankScratch is reusable memory.
type rankScratch struct {
	candidates []candidate // objects that may be among the k nearest on the map
	nearer     []int       // objects in the gap before each candidate
	same       []int       // objects exactly as far as each candidate
	values     []float32
}

type candidate struct {
	square float32
	share  float64
}

// object computes the errors of object i, given its squared distances to all objects, [l].
func (r *mapRanks) object(i int, row []float32, s *rankScratch) (sum rankErrors) {
	c := int(r.winners[i])
	shell, share, excess := r.shell[c*r.m:(c+1)*r.m], r.share[c], r.excess[c]
	s.candidates = s.candidates[:0]
	s.values = append(append(s.values[:0], row[:i]...), row[i+1:]...)
	limit := kthSmallest(s.values, r.k)
	below, equal := 0, 0 // numbers of objects nearer than the k-th in the data, and equally near
	for j, square := range row {
		if j == i {
			continue
		}
		at := shell[r.winners[j]]
		if share[at] > 0 {
			s.candidates = append(s.candidates, candidate{square, share[at]})
		}
		switch {
		case square < limit:
			below++
			sum.torn += excess[at]
			sum.kept += share[at]
		case square == limit:
			equal++
		}
	}
	r.addEqual(&sum, i, row, limit, float64(r.k-below)/float64(equal))
	sum.strangers = s.excess(i, row, r.k)
	return sum
}

// addEqual adds the objects at the distance of the k-th neighbour; only the share part of them belongs to the k
// nearest.
func (r *mapRanks) addEqual(sum *rankErrors, i int, row []float32, limit float32, part float64) {
	c := int(r.winners[i])
	for j, square := range row {
		if square == limit && j != i {
			at := r.shell[c*r.m+int(r.winners[j])]
			sum.torn += part * r.excess[c][at]
			sum.kept += part * r.share[c][at]
		}
	}
}

// excess sums (rank in the data − k)₊ over the candidates, weighted by their probability to be neighbours on the map.
// The ranks come from counting all objects between the sorted candidates.
func (s *rankScratch) excess(i int, row []float32, k int) float64 {
	slices.SortFunc(s.candidates, func(a, b candidate) int {
		switch {
		case a.square < b.square:
			return -1
		case a.square > b.square:
			return 1
		}
		return 0
	})
	s.count(i, row)
	sum, before := 0.0, 0
	for at := 0; at < len(s.candidates); {
		end, weight := at, 0.0
		for end < len(s.candidates) && s.candidates[end].square == s.candidates[at].square {
			weight += s.candidates[end].share
			end++
		}
		before += s.nearer[at]
		_, excess := shellChances(before, s.same[at], k)
		sum += weight * excess
		before += s.same[at]
		at = end
	}
	return sum
}

// count counts all objects in the gaps before the candidates, and separately those exactly as far as a candidate. Of
// equal candidates, the first gets them.
func (s *rankScratch) count(i int, row []float32) {
	s.nearer = append(s.nearer[:0], make([]int, len(s.candidates)+1)...)
	s.same = append(s.same[:0], make([]int, len(s.candidates)+1)...)
	for j, square := range row {
		if j == i {
			continue
		}
		low, high := 0, len(s.candidates)
		for low < high {
			if middle := (low + high) / 2; s.candidates[middle].square < square {
				low = middle + 1
			} else {
				high = middle
			}
		}
		if low < len(s.candidates) && s.candidates[low].square == square {
			s.same[low]++
		} else {
			s.nearer[low]++
		}
	}
}

// kthSmallest returns the k-th smallest value, with k from 1. It reorders values. Hoare 1961.
func kthSmallest(values []float32, k int) float32 {
	low, high := 0, len(values)-1
	for low < high {
		pivot := values[(low+high)/2]
		i, j := low, high
		for i <= j {
			for values[i] < pivot {
				i++
			}
			for pivot < values[j] {
				j--
			}
			if i <= j {
				values[i], values[j] = values[j], values[i]
				i, j = i+1, j-1
			}
		}
		switch {
		case k-1 <= j:
			high = j
		case k-1 >= i:
			low = i
		default:
			return values[k-1]
		}
	}
	return values[low]
}
