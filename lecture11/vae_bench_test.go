package lecture11

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"testing"

	"deeplearning.example/internal/testx"
	"deeplearning.example/lecture11/data"
)

func TestQuickVAE(t *testing.T) {
	train, test, err := data.MNIST(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	epochs, _ := strconv.Atoi(os.Getenv("EPOCHS"))
	var hidden []int
	fmt.Sscanf(os.Getenv("HIDDEN"), "%d", new(int))
	switch os.Getenv("HIDDEN") {
	case "512x2":
		hidden = []int{512, 512}
	case "":
		hidden = []int{512}
	}
	vae, err := NewVAE(testx.Backend(t), VAEConfig{Features: 784, Latent: 20, Hidden: hidden, Seed: 1, Encoder: os.Getenv("NET"), Decoder: os.Getenv("NET")})
	if err != nil {
		t.Fatal(err)
	}
	tr, err := vae.Training(train.Binarized(1).Tensor(), train.ID, FitConfig{Epochs: epochs, Decay: os.Getenv("DECAY"), Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	fixed := test.Binarized(2).Tensor()
	err = tr.Run(context.Background(), func(step int, l map[string]float64) error {
		if step%2000 < 50 {
			e, err := vae.ELBO(fixed, 1)
			if err != nil {
				return err
			}
			fmt.Println(step, l, e)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	e, err := vae.ELBO(fixed, 1)
	fmt.Println(e, err)
	b, err := vae.ImportanceBound(fixed, 50, 1)
	fmt.Println(b, err)
}
