package lecture11

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/gomlx/gomlx/core/tensors"
)

// EpisodeConfig is the size of an episode: N classes ("ways") with K labelled objects each ("shots"), and the queries
// to classify.
type EpisodeConfig struct {
	Ways    int `json:"ways"`    // N ≥ 2
	Shots   int `json:"shots"`   // K ≥ 1 objects of support for each class
	Queries int `json:"queries"` // objects of each class to classify
}

// size returns the number of objects of an episode.
func (c EpisodeConfig) size() int { return c.Ways * (c.Shots + c.Queries) }

// Episode is a task of a few classes, given by the indices of its objects. No object is in both parts.
type Episode struct {
	Classes []int   // the labels of its N classes, in the order of the episode's class numbers
	Support [][]int // [N][K]
	Query   [][]int // [N][Q]
}

// DrawEpisodes draws episodes of objects with the given labels: N classes, then K + Q objects of each, without
// repetition. Classes with fewer than K + Q objects are not used.
//
// Slide "Few-shot learning"; Vinyals et al. 2016.
func DrawEpisodes(labels []int, c EpisodeConfig, count int, seed uint64) ([]Episode, error) {
	if c.Ways < 2 || c.Shots < 1 || c.Queries < 1 || count < 1 {
		return nil, fmt.Errorf("lecture11: DrawEpisodes: %d episodes of %+v, want at least 1 of at least 2 ways, 1 shot and 1 query", count, c)
	}
	places := map[int][]int{}
	for i, label := range labels {
		places[label] = append(places[label], i)
	}
	classes := slices.Sorted(maps.Keys(places))
	if c.Ways > len(classes) {
		return nil, fmt.Errorf("lecture11: DrawEpisodes: an episode of %d classes, want at most %d, the number of classes in the data", c.Ways, len(classes))
	}
	all := len(classes)
	classes = slices.DeleteFunc(classes, func(class int) bool { return len(places[class]) < c.Shots+c.Queries })
	if c.Ways > len(classes) {
		return nil, fmt.Errorf("lecture11: DrawEpisodes: an episode of %d classes with %d + %d objects each, but only %d of the %d classes "+
			"have as many objects", c.Ways, c.Shots, c.Queries, len(classes), all)
	}
	rng := rand.New(rand.NewPCG(seed, 19))
	episodes := make([]Episode, count)
	for e := range episodes {
		for _, k := range rng.Perm(len(classes))[:c.Ways] {
			objects := slices.Clone(places[classes[k]])
			rng.Shuffle(len(objects), func(i, j int) { objects[i], objects[j] = objects[j], objects[i] })
			episodes[e].Classes = append(episodes[e].Classes, classes[k])
			episodes[e].Support = append(episodes[e].Support, objects[:c.Shots])
			episodes[e].Query = append(episodes[e].Query, objects[c.Shots:c.Shots+c.Queries])
		}
	}
	return episodes, nil
}

// WithShuffledSupport returns the episodes with permuted labels of the support. The accuracy of a model adapted to
// them should be 1/N; more means that the labels of the queries leaked.
func WithShuffledSupport(episodes []Episode, seed uint64) []Episode {
	rng := rand.New(rand.NewPCG(seed, 20))
	shuffled := slices.Clone(episodes)
	for e, episode := range episodes {
		var all []int
		for _, objects := range episode.Support {
			all = append(all, objects...)
		}
		rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		shuffled[e].Support = nil
		for _, objects := range episode.Support {
			shuffled[e].Support = append(shuffled[e].Support, all[:len(objects)])
			all = all[len(objects):]
		}
	}
	return shuffled
}

// PrototypeAccuracy returns the share of queries whose nearest prototype is that of their class, an estimate over the
// episodes. A prototype is the mean of the codes of a class's support; distances are Euclidean, and the first of equal
// ones wins. codes: [l, d], of all objects that the episodes are drawn from.
func PrototypeAccuracy(codes *tensors.Tensor, episodes []Episode) (Estimate, error) {
	return shareOfRight(PrototypeGuesses(codes, episodes))
}

// NearestAccuracy returns the share of queries whose nearest object of the support is of their class, an estimate over
// the episodes. With one shot it equals PrototypeAccuracy.
func NearestAccuracy(codes *tensors.Tensor, episodes []Episode) (Estimate, error) {
	return shareOfRight(guesses(codes, episodes, func(z [][]float64, support []int) [][]float64 {
		points := make([][]float64, len(support))
		for i, place := range support {
			points[i] = z[place]
		}
		return points
	}))
}

// PrototypeGuesses returns the class of the prototype nearest to each query, as its number in the episode:
// guesses[e][k][q] is the guess for query q of class k of episode e, right if it is k. See [PrototypeAccuracy].
func PrototypeGuesses(codes *tensors.Tensor, episodes []Episode) (guessed [][][]int, err error) {
	return guesses(codes, episodes, prototype)
}

// guesses returns for each query the class of the nearest of the points that represent the classes.
func guesses(codes *tensors.Tensor, episodes []Episode, points func(z [][]float64, support []int) [][]float64) ([][][]int, error) {
	z, err := objectRows(codes)
	if err != nil {
		return nil, err
	}
	guessed := make([][][]int, len(episodes))
	for e, episode := range episodes {
		if err := episode.check(len(z)); err != nil {
			return nil, fmt.Errorf("lecture11: episode %d: %w", e, err)
		}
		standing := make([][][]float64, len(episode.Support))
		for k, support := range episode.Support {
			standing[k] = points(z, support)
		}
		for _, query := range episode.Query {
			classes := make([]int, len(query))
			for q, i := range query {
				classes[q] = nearestClass(z[i], standing)
			}
			guessed[e] = append(guessed[e], classes)
		}
	}
	return guessed, nil
}

// shareOfRight returns the share of right guesses, averaged over the episodes.
func shareOfRight(guessed [][][]int, err error) (Estimate, error) {
	if err != nil {
		return Estimate{}, err
	}
	shares := make([]float64, len(guessed))
	for e, episode := range guessed {
		right, all := 0, 0
		for k, classes := range episode {
			for _, class := range classes {
				if class == k {
					right++
				}
			}
			all += len(classes)
		}
		shares[e] = float64(right) / float64(all)
	}
	return NewEstimate(shares), nil
}

// Confusion is the share of queries of one class that were classified as another.
type Confusion struct {
	Class, Taken int     // labels
	Share        float64 // of the queries of Class in episodes that had both classes
}

// Confusions returns the pairs of classes that nearest prototypes confuse, worst first. See [PrototypeAccuracy].
func Confusions(codes *tensors.Tensor, episodes []Episode) ([]Confusion, error) {
	guessed, err := PrototypeGuesses(codes, episodes)
	if err != nil {
		return nil, err
	}
	asked, taken := map[[2]int]int{}, map[[2]int]int{}
	for e, episode := range episodes {
		if len(episode.Classes) != len(episode.Support) {
			return nil, fmt.Errorf("lecture11: Confusions: episode %d has the labels of %d classes, want %d", e, len(episode.Classes),
				len(episode.Support))
		}
		for k, class := range episode.Classes {
			for other, label := range episode.Classes {
				if other != k {
					asked[[2]int{class, label}] += len(guessed[e][k])
				}
			}
			for _, guess := range guessed[e][k] {
				if guess != k {
					taken[[2]int{class, episode.Classes[guess]}]++
				}
			}
		}
	}
	return worstFirst(asked, taken), nil
}

// worstFirst returns the pairs with confused queries, with the share of confused ones among those asked.
func worstFirst(asked, taken map[[2]int]int) []Confusion {
	var confusions []Confusion
	for pair, count := range taken {
		confusions = append(confusions, Confusion{pair[0], pair[1], float64(count) / float64(asked[pair])})
	}
	slices.SortFunc(confusions, func(a, b Confusion) int {
		return cmp.Or(cmp.Compare(b.Share, a.Share), cmp.Compare(a.Class, b.Class), cmp.Compare(a.Taken, b.Taken))
	})
	return confusions
}

// prototype returns the mean of the codes of a support.
func prototype(z [][]float64, support []int) [][]float64 {
	mean := make([]float64, len(z[0]))
	for _, i := range support {
		for j, v := range z[i] {
			mean[j] += v / float64(len(support))
		}
	}
	return [][]float64{mean}
}

// check returns an error unless the episode has a support and queries of the same number of classes, all among l
// objects.
func (e Episode) check(l int) error {
	if len(e.Support) == 0 || len(e.Support) != len(e.Query) {
		return fmt.Errorf("a support of %d classes and queries of %d, want the same number, at least 1", len(e.Support), len(e.Query))
	}
	for _, part := range [][][]int{e.Support, e.Query} {
		for _, objects := range part {
			if len(objects) == 0 || slices.Max(objects) >= l || slices.Min(objects) < 0 {
				return fmt.Errorf("objects %d, want indices 0 to %d, at least one", objects, l-1)
			}
		}
	}
	return nil
}

// nearestClass returns the class with the nearest point.
func nearestClass(z []float64, standing [][][]float64) int {
	best, class := 0.0, -1
	for k, points := range standing {
		for _, point := range points {
			if d := squaredDistance(z, point); class < 0 || d < best {
				best, class = d, k
			}
		}
	}
	return class
}

// episodeTable returns episodes as rows of indices, [episodes, N·(K+Q)]: for each class its support, then its queries.
func episodeTable(episodes []Episode, c EpisodeConfig) *tensors.Tensor {
	flat := make([]int32, 0, len(episodes)*c.size())
	for _, e := range episodes {
		for k := range c.Ways {
			for _, place := range slices.Concat(e.Support[k], e.Query[k]) {
				flat = append(flat, int32(place))
			}
		}
	}
	return tensors.FromFlatDataAndDimensions(flat, len(episodes), c.size())
}

// trainingEpisodes checks the objects x [l, n] and their labels, and draws the episodes of an epoch: a table as of
// episodeTable. kind is the model's type, for errors.
func trainingEpisodes(kind string, x *tensors.Tensor, features int, labels []int, c EpisodeConfig, count int, seed int64) (*tensors.Tensor, error) {
	if err := checkObjects(kind, x, features, false); err != nil {
		return nil, err
	}
	if len(labels) != x.Shape().Dimensions[0] {
		return nil, fmt.Errorf("lecture11: %s.Training: %d labels for objects %s, want one for each object", kind, len(labels), x.Shape())
	}
	episodes, err := DrawEpisodes(labels, c, count, uint64(seed))
	if err != nil {
		return nil, err
	}
	return episodeTable(episodes, c), nil
}
