package lecture11

import (
	"fmt"
	"math"
)

// Hits returns the number of objects that each of m nodes wins, [m]. winners [l] are those of [Nearest.Winners].
func Hits(winners []int32, m int) ([]int, error) {
	if err := checkWinners(winners, m); err != nil {
		return nil, err
	}
	hits := make([]int, m)
	for _, node := range winners {
		hits[node]++
	}
	return hits, nil
}

func checkWinners(winners []int32, m int) error {
	if m < 1 {
		return fmt.Errorf("lecture11: a map of %d nodes, want at least 1", m)
	}
	for i, node := range winners {
		if node < 0 || int(node) >= m {
			return fmt.Errorf("lecture11: winner of object %d is node %d, want 0 to %d", i, node, m-1)
		}
	}
	return nil
}

// ClassMap counts the classes of labelled objects that the nodes of a map win. The map was trained without the labels.
type ClassMap struct {
	Counts   [][]int   // [m][classes]: objects of each class at each node
	Majority []int     // [m]: the most frequent class, the smallest of equal ones; −1 where there is no object
	Purity   []float64 // [m]: share of the most frequent class, NaN where there is no object
}

// NewClassMap counts classes at m nodes. winners [l]; labels [l] are from 0 to classes−1.
func NewClassMap(winners []int32, labels []int, m, classes int) (*ClassMap, error) {
	if err := checkWinners(winners, m); err != nil {
		return nil, err
	}
	if len(labels) != len(winners) {
		return nil, fmt.Errorf("lecture11: NewClassMap of %d winners and %d labels, want equal numbers", len(winners), len(labels))
	}
	c := &ClassMap{Counts: make([][]int, m), Majority: make([]int, m), Purity: make([]float64, m)}
	for node := range c.Counts {
		c.Counts[node] = make([]int, classes)
	}
	for i, label := range labels {
		if label < 0 || label >= classes {
			return nil, fmt.Errorf("lecture11: NewClassMap: label of object %d is %d, want 0 to %d", i, label, classes-1)
		}
		c.Counts[winners[i]][label]++
	}
	for node, counts := range c.Counts {
		c.Majority[node], c.Purity[node] = majority(counts)
	}
	return c, nil
}

// majority returns the most frequent class and its share.
func majority(counts []int) (class int, share float64) {
	best, sum := -1, 0
	for class, count := range counts {
		sum += count
		if count > 0 && (best < 0 || count > counts[best]) {
			best = class
		}
	}
	if best < 0 {
		return -1, math.NaN()
	}
	return best, float64(counts[best]) / float64(sum)
}

// MeanPurity returns the share of objects that belong to the most frequent class of their node, in [0, 1]. It does not
// depend on the order of the nodes: a map without neighbourhood has the same purity (C8.3).
func (c *ClassMap) MeanPurity() float64 {
	most, all := 0, 0
	for node, counts := range c.Counts {
		for class, count := range counts {
			all += count
			if class == c.Majority[node] {
				most += count
			}
		}
	}
	return float64(most) / float64(all)
}

// Shared returns the number of nodes that win objects of a class and also of another one.
func (c *ClassMap) Shared(class int) int {
	shared := 0
	for _, counts := range c.Counts {
		others := 0
		for other, count := range counts {
			if other != class {
				others += count
			}
		}
		if counts[class] > 0 && others > 0 {
			shared++
		}
	}
	return shared
}

// Trajectory is the path of a sequence of objects over the map.
type Trajectory struct {
	Nodes []int     // the nodes in the order of the visits; consecutive objects at a node are one visit
	Stays []int     // number of objects of each visit
	Jumps []float64 // grid distance from each visit to the next, one fewer
}

// NewTrajectory follows the winners [l] of objects in their order. In an ordered map a slowly changing sequence makes
// short jumps.
func NewTrajectory(winners []int32, grid Grid) (*Trajectory, error) {
	if err := grid.check(); err != nil {
		return nil, err
	}
	if err := checkWinners(winners, grid.Nodes()); err != nil {
		return nil, err
	}
	t := &Trajectory{}
	for i, winner := range winners {
		node := int(winner)
		if last := len(t.Nodes) - 1; i > 0 && t.Nodes[last] == node {
			t.Stays[last]++
			continue
		} else if i > 0 {
			t.Jumps = append(t.Jumps, grid.Distance(t.Nodes[last], node))
		}
		t.Nodes, t.Stays = append(t.Nodes, node), append(t.Stays, 1)
	}
	return t, nil
}
