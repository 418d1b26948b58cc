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

// A map of 6 × 4 nodes for iris. The zero fields are good defaults: the map starts from the principal components and
// learns in 20 epochs, while its radius falls. Winners returns the node of each flower. Quality measures the map: the
// quantisation error is the mean distance to the winner, and the topographic error the share of flowers whose two
// nearest nodes are not neighbours.
func ExampleNewSOM() {
	backend := must.M1(gobackend.New(""))
	iris := must.M1(data.Iris()).Standardized()
	som := must.M1(lecture11.NewSOM(backend, lecture11.SOMConfig{
		Grid: lecture11.Grid{Width: 6, Height: 4}, Features: 4}))
	training := must.M1(som.Training(iris.Tensor(), iris.ID, nil, lecture11.SOMFit{}))
	must.M(training.Run(context.Background(), nil))
	winners, _, err := som.Winners(iris.Tensor(), 1)
	must.M(err)
	classes := must.M1(lecture11.NewClassMap(winners, iris.Labels, 6*4, 3))
	quality := must.M1(som.Quality(iris.Tensor()))
	fmt.Printf("purity %.1f\n", classes.MeanPurity())
	fmt.Printf("quantisation error %.1f, with one node %.1f\n", quality.Quantisation, quality.OneNode)
	fmt.Println("topographic error below 0.2:", quality.Topographic < 0.2)
	// Output:
	// purity 0.9
	// quantisation error 0.4, with one node 1.9
	// topographic error below 0.2: true
}

// A file of a map holds its grid and its weights. The loaded map finds the same winners.
func ExampleLoadSOM() {
	backend := must.M1(gobackend.New(""))
	iris := must.M1(data.Iris()).Standardized()
	som := must.M1(lecture11.NewSOM(backend, lecture11.SOMConfig{
		Grid: lecture11.Grid{Width: 6, Height: 4, Hex: true}, Features: 4}))
	must.M(must.M1(som.Training(iris.Tensor(), iris.ID, nil, lecture11.SOMFit{})).Run(context.Background(), nil))
	var file bytes.Buffer
	must.M(som.Save(&file))
	loaded := must.M1(lecture11.LoadSOM(backend, &file))
	winners, _, err := som.Winners(iris.Tensor(), 1)
	must.M(err)
	again, _, err := loaded.Winners(iris.Tensor(), 1)
	must.M(err)
	fmt.Println("hexagonal:", loaded.Config().Hex, "same winners:", slices.Equal(winners, again))
	// Output: hexagonal: true same winners: true
}

// Two maps of different seeds are trained in one program, and both are read from one file. With Init "samples" the
// nodes start at random flowers, so the seed matters.
func ExampleTrainTogether() {
	backend := must.M1(gobackend.New(""))
	iris := must.M1(data.Iris()).Standardized()
	var maps []*lecture11.SOM
	for seed := range int64(2) {
		maps = append(maps, must.M1(lecture11.NewSOM(backend, lecture11.SOMConfig{
			Grid: lecture11.Grid{Width: 6, Height: 4}, Features: 4, Init: "samples", Seed: seed})))
	}
	training := must.M1(lecture11.TrainTogether(maps, iris.Tensor(), iris.ID, nil, []lecture11.SOMFit{{Epochs: 10}}))
	must.M(training.Run(context.Background(), nil))
	var file bytes.Buffer
	must.M(training.Save("weights", &file))
	for _, som := range must.M1(lecture11.LoadSOMs(backend, &file)) {
		fmt.Println("seed", som.Config().Seed, "weights", must.M1(som.Weights()).Shape())
	}
	// Output:
	// seed 0 weights (Float32)[24, 4]
	// seed 1 weights (Float32)[24, 4]
}

// One map for each size is trained, and all are measured. A larger map has a smaller quantisation error, but more of
// its nodes win no flower. UsualNodes is a first guess of the number of nodes.
func ExampleAdviseSize() {
	backend := must.M1(gobackend.New(""))
	iris := must.M1(data.Iris()).Standardized()
	fmt.Println("usual:", lecture11.UsualNodes(iris.Len()), "nodes")
	sizes := []lecture11.Grid{{Width: 4, Height: 3}, {Width: 12, Height: 9}}
	advice := must.M1(lecture11.AdviseSize(context.Background(), backend, iris.Tensor(), iris.ID,
		lecture11.SOMConfig{Features: 4}, sizes, lecture11.SOMFit{}))
	for _, a := range advice {
		fmt.Printf("%d × %d: quantisation error %.1f, ", a.Grid.Width, a.Grid.Height, a.Quality.Quantisation)
		fmt.Println("more than 10 unused nodes:", a.Quality.Unused > 10)
	}
	// Output:
	// usual: 61 nodes
	// 4 × 3: quantisation error 0.6, more than 10 unused nodes: false
	// 12 × 9: quantisation error 0.1, more than 10 unused nodes: true
}

// A map of the setosa flowers knows no others. The threshold is set so that one in twenty setosa flowers is called new
// by mistake. All flowers of the other two species are new to the map.
func ExampleNewNovelty() {
	backend := must.M1(gobackend.New(""))
	iris := must.M1(data.Iris()) // 50 flowers of each species, setosa first
	setosa, others := must.M1(data.FromRows(iris.Rows()[:50], nil)), must.M1(data.FromRows(iris.Rows()[50:], nil))
	som := must.M1(lecture11.NewSOM(backend, lecture11.SOMConfig{Grid: lecture11.Grid{Width: 4, Height: 3}, Features: 4}))
	must.M(must.M1(som.Training(setosa.Tensor(), setosa.ID, nil, lecture11.SOMFit{})).Run(context.Background(), nil))
	novelty := must.M1(lecture11.NewNovelty(backend, must.M1(som.Weights()), setosa.Tensor(), 1, 0.95))
	fmt.Printf("new: %.2f of setosa, ", novelty.New(must.M1(novelty.Scores(setosa.Tensor()))))
	fmt.Printf("%.2f of the others\n", novelty.New(must.M1(novelty.Scores(others.Tensor()))))
	// Output: new: 0.04 of setosa, 1.00 of the others
}

// Four nodes in a row are at 0, 1, 9 and 10. The wall between the two clusters is in the middle.
func ExampleUMatrix() {
	w := tensors.FromFlatDataAndDimensions([]float32{0, 1, 9, 10}, 4, 1)
	u, err := lecture11.UMatrix(w, lecture11.Grid{Width: 4, Height: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(u)
	// Output: [1 4.5 4.5 1]
}

// Five objects of two classes at three nodes.
func ExampleNewClassMap() {
	c, err := lecture11.NewClassMap([]int32{0, 0, 0, 2, 2}, []int{0, 0, 1, 1, 1}, 3, 2)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c.Majority, c.MeanPurity(), c.Shared(0))
	// Output: [0 -1 1] 0.8 1
}

// A rotated map is aligned with the original.
func ExampleAlign() {
	grid := lecture11.Grid{Width: 2, Height: 2}
	a := tensors.FromFlatDataAndDimensions([]float32{0, 1, 2, 3}, 4, 1)
	b := tensors.FromFlatDataAndDimensions([]float32{3, 2, 1, 0}, 4, 1)
	alignment, err := lecture11.Align(a, b, grid)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s: %g, before %.2f\n", alignment.Name, alignment.RMS, alignment.As)
	// Output: turned by 180°: 0, before 2.24
}

// A batch step with Heskes's winner never raises the energy of a map, here of four nodes in a row. Rises counts the
// steps that raise it.
func ExampleNewEnergy() {
	iris := must.M1(data.Iris()).Standardized()
	energy := must.M1(lecture11.NewEnergy(iris.Rows(), lecture11.Grid{Width: 4, Height: 1}, 0.7))
	values := energy.Descent(iris.Rows()[:4], 10, true)
	count, _ := lecture11.Rises(values)
	fmt.Println(count, "rises, lower at the end:", values[len(values)-1] < values[0])
	// Output: 0 rises, lower at the end: true
}

// The path of a sequence over a map of 3 × 2 nodes. Objects that stay at a node are one visit, and a jump is the
// distance on the grid to the next one.
func ExampleNewTrajectory() {
	t := must.M1(lecture11.NewTrajectory([]int32{0, 0, 1, 2, 5}, lecture11.Grid{Width: 3, Height: 2}))
	fmt.Println(t.Nodes, t.Stays, t.Jumps)
	// Output: [0 1 2 5] [2 1 1 1] [1 1 1]
}

// Five objects on a line and a map with a node at each: all neighbours on the map are neighbours in the data, so the
// numbers are 1.
func ExampleNewNeighbourhoods() {
	backend := must.M1(gobackend.New(""))
	x := tensors.FromValue([][]float32{{0}, {1}, {2.1}, {3.3}, {4.6}})
	n := must.M1(lecture11.NewNeighbourhoods(backend, x, x, lecture11.Grid{Width: 5, Height: 1}, 2))
	fmt.Printf("trustworthiness %.1f, continuity %.1f\n", n.Trustworthiness, n.Continuity)
	// Output: trustworthiness 1.0, continuity 1.0
}
