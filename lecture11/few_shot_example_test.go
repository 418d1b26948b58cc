package lecture11_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/janpfeifer/must"

	"deeplearning.example/lecture11"
	"deeplearning.example/lecture11/data"
)

// Forty episodes of two species each: the support has three labelled flowers of each species, and two others of each are
// to be classified. Support and Query hold indices of objects. The nearest prototype, the mean of a species' support, is a
// classifier without any training.
func ExampleDrawEpisodes() {
	iris := must.M1(data.Iris()).Standardized()
	episodes := must.M1(lecture11.DrawEpisodes(iris.Labels, lecture11.EpisodeConfig{Ways: 2, Shots: 3, Queries: 2}, 40, 1))
	e := episodes[0]
	fmt.Println(len(e.Classes), "classes,", len(e.Support[0]), "of support and", len(e.Query[0]), "queries each")
	accuracy := must.M1(lecture11.PrototypeAccuracy(iris.Tensor(), episodes))
	fmt.Printf("accuracy %.1f over %d episodes\n", accuracy.Mean, len(accuracy.PerObject))
	// Output:
	// 2 classes, 3 of support and 2 queries each
	// accuracy 1.0 over 40 episodes
}

// A prototypical network learns from 8 clusters how to compare objects. It then classifies objects of 7 other clusters,
// by one labelled object of each of 5. The third component of an object is noise, and larger than the others. So the
// nearest prototype is hardly better than chance, 0.2, on the objects themselves, but not on their codes.
func ExampleNewPrototypeNet() {
	backend := must.M1(gobackend.New(""))
	clusters := func(k int, radius float64, seed int64) *data.Points {
		ring, noise := must.M1(data.Ring(k, 400, radius, 0.1, seed)), must.M1(data.Ring(1, 400, 0, 10, seed+1)).Column(0)
		rows := ring.Rows()
		for i := range rows {
			rows[i] = append(slices.Clone(rows[i]), noise[i])
		}
		return must.M1(data.FromRows(rows, ring.Labels))
	}
	train, test := clusters(8, 2, 1), clusters(7, 3, 3)
	size := lecture11.EpisodeConfig{Ways: 5, Shots: 1, Queries: 3}
	net := must.M1(lecture11.NewPrototypeNet(backend, lecture11.PrototypeNetConfig{
		Features: 3, Encoder: "dense", Hidden: []int{}, Latent: 2, Episode: size, Episodes: 300, Seed: 1}))
	training := must.M1(net.Training(train.Tensor(), train.Labels, train.ID, lecture11.FitConfig{LearningRate: 2e-2}))
	must.M(training.Run(context.Background(), nil))
	episodes := must.M1(lecture11.DrawEpisodes(test.Labels, size, 200, 1))
	for _, z := range []*tensors.Tensor{test.Tensor(), must.M1(net.Encode(test.Tensor()))} {
		accuracy := must.M1(lecture11.PrototypeAccuracy(z, episodes)).Mean
		fmt.Printf("%v accuracy %.1f\n", z.Shape(), accuracy)
	}
	// Output:
	// (Float32)[400, 3] accuracy 0.3
	// (Float32)[400, 2] accuracy 1.0
}

// A loaded prototypical network has the same codes.
func ExampleLoadPrototypeNet() {
	backend := must.M1(gobackend.New(""))
	points := must.M1(data.Ring(8, 80, 2, 0.2, 1))
	net := must.M1(lecture11.NewPrototypeNet(backend, lecture11.PrototypeNetConfig{
		Features: 2, Encoder: "dense", Hidden: []int{8}, Latent: 2, Episodes: 5,
		Episode: lecture11.EpisodeConfig{Ways: 3, Shots: 1, Queries: 2}}))
	training := must.M1(net.Training(points.Tensor(), points.Labels, points.ID, lecture11.FitConfig{}))
	must.M(training.Run(context.Background(), nil))
	var file bytes.Buffer
	must.M(net.Save(&file))
	loaded := must.M1(lecture11.LoadPrototypeNet(backend, &file))
	z, again := must.M1(net.Encode(points.Tensor())), must.M1(loaded.Encode(points.Tensor()))
	fmt.Println(z.Shape(), "same codes:", z.Equal(again))
	// Output: (Float32)[80, 2] same codes: true
}

// Reptile learns first weights from which a few gradient steps on the support solve a new task: here to distinguish 2
// of 8 clusters. Each episode draws other clusters and their numbers, so the network cannot know them beforehand. The other methods are "maml" and "fomaml". Accuracy takes the
// number of steps; with 0 steps the network only guesses.
func ExampleNewMeta() {
	backend := must.M1(gobackend.New(""))
	points := must.M1(data.Ring(8, 400, 2, 0.2, 1))
	size := lecture11.EpisodeConfig{Ways: 2, Shots: 3, Queries: 5}
	meta := must.M1(lecture11.NewMeta(backend, lecture11.MetaConfig{
		Features: 2, Hidden: []int{16}, Method: "reptile", Episode: size, Episodes: 400, Seed: 1}))
	training := must.M1(meta.Training(points.Tensor(), points.Labels, points.ID, lecture11.FitConfig{}))
	must.M(training.Run(context.Background(), nil))
	episodes := must.M1(lecture11.DrawEpisodes(points.Labels, size, 200, 2))
	for _, steps := range []int{0, 5} {
		fmt.Printf("%d steps: accuracy %.1f\n", steps, must.M1(meta.Accuracy(points.Tensor(), episodes, steps)).Mean)
	}
	// Output:
	// 0 steps: accuracy 0.5
	// 5 steps: accuracy 1.0
}

// A loaded network has the same first weights.
func ExampleLoadMeta() {
	backend := must.M1(gobackend.New(""))
	points := must.M1(data.Ring(8, 80, 2, 0.2, 1))
	meta := must.M1(lecture11.NewMeta(backend, lecture11.MetaConfig{Features: 2, Hidden: []int{8}, Episodes: 8,
		Episode: lecture11.EpisodeConfig{Ways: 2, Shots: 1, Queries: 2}}))
	training := must.M1(meta.Training(points.Tensor(), points.Labels, points.ID, lecture11.FitConfig{}))
	must.M(training.Run(context.Background(), nil))
	var file bytes.Buffer
	must.M(meta.Save(&file))
	loaded := must.M1(lecture11.LoadMeta(backend, &file))
	fmt.Println(loaded.Config().Method, must.M1(loaded.WeightsHash()) == must.M1(meta.WeightsHash()))
	// Output: maml true
}

// Fine-tuning is the control of all few-shot methods: a network that learned the petal width of iris gets a new head for
// the two species of each episode, trained on their support. With Frozen only the head is trained.
func ExampleFewShotTuning() {
	backend := must.M1(gobackend.New(""))
	iris := must.M1(data.Iris()).Standardized()
	source := must.M1(lecture11.NewMultiTask(backend, lecture11.MultiTaskConfig{
		Features: 4, Hidden: []int{16}, Tasks: []lecture11.Task{{Name: "petal width"}}, Seed: 1}))
	width := lecture11.TaskData{X: iris.Tensor(), Y: must.M1(lecture11.TaskLabels(iris.Column(3))), ID: iris.ID}
	fit := lecture11.FitConfig{Epochs: 20, Batch: 50, LearningRate: 1e-2, Seed: 1}
	must.M(must.M1(source.Training(width, fit)).Run(context.Background(), nil))

	size := lecture11.EpisodeConfig{Ways: 2, Shots: 5, Queries: 5}
	episodes := must.M1(lecture11.DrawEpisodes(iris.Labels, size, 20, 1))
	fit = lecture11.FitConfig{Epochs: 50, LearningRate: 1e-2, Seed: 1}
	accuracy := must.M1(lecture11.FewShotTuning(context.Background(), source, iris.Tensor(), episodes, fit,
		lecture11.RunPlan{Frozen: 1, HeadRate: new(10.0)}))
	fmt.Println("accuracy over 0.8:", accuracy.Mean > 0.8)
	// Output: accuracy over 0.8: true
}
