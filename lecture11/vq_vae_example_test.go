package lecture11_test

import (
	"bytes"
	"context"
	"fmt"

	"github.com/gomlx/compute/gobackend"
	"github.com/janpfeifer/must"

	"deeplearning.example/lecture11"
	"deeplearning.example/lecture11/data"
)

// The file of a VQ-VAE holds its code book too. The loaded model encodes each flower as the same number, an index in
// the book.
func ExampleLoadVQVAE() {
	backend := must.M1(gobackend.New(""))
	iris := must.M1(data.Iris()).Standardized()
	m := must.M1(lecture11.NewVQVAE(backend, lecture11.VQVAEConfig{
		Grid: lecture11.Grid{Width: 4, Height: 1}, Features: 4, Latent: 2, Hidden: []int{8}, Seed: 1}))
	must.M(must.M1(m.Training(iris.Tensor(), iris.ID, lecture11.FitConfig{Epochs: 5})).Run(context.Background(), nil))
	var file bytes.Buffer
	must.M(m.Save(&file))
	loaded := must.M1(lecture11.LoadVQVAE(backend, &file))
	codes, again := must.M1(m.Encode(iris.Tensor())), must.M1(loaded.Encode(iris.Tensor()))
	fmt.Println("codes", codes.Shape(), "book", must.M1(loaded.Codebook()).Shape())
	fmt.Println("same codes:", codes.Equal(again))
	// Output:
	// codes (Int32)[150, 1] book (Float32)[4, 2]
	// same codes: true
}
