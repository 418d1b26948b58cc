package lecture11

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"deeplearning.example/internal/testx"
)

// naiveImage is one image of numbers, [h][w][c].
type naiveImage [][][]float64

func newNaiveImage(h, w, c int) naiveImage {
	image := make(naiveImage, h)
	for i := range image {
		image[i] = make([][]float64, w)
		for j := range image[i] {
			image[i][j] = make([]float64, c)
		}
	}
	return image
}

// naiveFrom reads an image from its components, in the layout of the configurations.
func naiveFrom(flat []float64, h, w, c int) naiveImage {
	image := newNaiveImage(h, w, c)
	for i := range h {
		for j := range w {
			for k := range c {
				image[i][j][k] = flat[(i*w+j)*c+k]
			}
		}
	}
	return image
}

func (x naiveImage) flat() []float64 {
	var flat []float64
	for _, row := range x {
		for _, pixel := range row {
			flat = append(flat, pixel...)
		}
	}
	return flat
}

func (x naiveImage) relu() naiveImage {
	for _, row := range x {
		for _, pixel := range row {
			for k := range pixel {
				pixel[k] = max(0, pixel[k])
			}
		}
	}
	return x
}

// doubled repeats each pixel, up to the given height and width.
func (x naiveImage) doubled(h, w int) naiveImage {
	y := newNaiveImage(h, w, len(x[0][0]))
	for i := range h {
		for j := range w {
			copy(y[i][j], x[i/2][j/2])
		}
	}
	return y
}

// naiveConvolution is the 3×3 convolution of convolution's comment written as loops, with the weights under a scope.
func naiveConvolution(t *testing.T, store *model.Store, scope string, x naiveImage, stride int) naiveImage {
	t.Helper()
	kernel, bias := naiveWeights(t, store, scope)
	channels, c := len(bias), len(x[0][0])
	y := newNaiveImage((len(x)+stride-1)/stride, (len(x[0])+stride-1)/stride, channels)
	for i := range y {
		for j := range y[i] {
			for o := range channels {
				sum := bias[o]
				for tap := range taps {
					r, s := stride*i+tap/3-1, stride*j+tap%3-1
					if r < 0 || r >= len(x) || s < 0 || s >= len(x[0]) {
						continue
					}
					for k := range c {
						sum += x[r][s][k] * kernel[(tap*c+k)*channels+o]
					}
				}
				y[i][j][o] = sum
			}
		}
	}
	return y
}

func naiveAffine(t *testing.T, store *model.Store, scope string, x []float64) []float64 {
	t.Helper()
	weights, bias := naiveWeights(t, store, scope+"/dense")
	y := slices.Clone(bias)
	for i, v := range x {
		for o := range y {
			y[o] += v * weights[i*len(y)+o]
		}
	}
	return y
}

func naiveWeights(t *testing.T, store *model.Store, scope string) (weights, bias []float64) {
	t.Helper()
	for name, to := range map[string]*[]float64{weightsName: &weights, biasName: &bias} {
		v := store.GetVariable(scope + "/" + name)
		if v == nil {
			t.Fatalf("no variable %s/%s", scope, name)
		}
		flat, err := numbersOf(v)
		if err != nil {
			t.Fatal(err)
		}
		*to = flat
	}
	return weights, bias
}

// newImageAutoencoder returns an autoencoder with the initial weights of a training, and biases that are not 0.
func newImageAutoencoder(t *testing.T, cfg AutoencoderConfig) *Autoencoder {
	t.Helper()
	m, err := NewAutoencoder(testx.Backend(t), cfg)
	if err != nil {
		t.Fatal(err)
	}
	training, err := m.Training(colourBars(4, cfg.Height, cfg.Width), "bars", FitConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if err := training.initialise(); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for v := range m.store.IterVariables() {
		if v.Name() == biasName && v.Trainable {
			flat := make([]float32, v.Shape().Size())
			for i := range flat {
				flat[i] = float32(0.3 * rng.NormFloat64())
			}
			if err := v.SetValue(tensors.FromFlatDataAndDimensions(flat, v.Shape().Dimensions...)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return m
}

// colourBars returns l images of three channels, as bytes [l, h·w·3]. Each has a bright bar at its own height, in one
// of three colours on one of three backgrounds.
func colourBars(l, h, w int) *tensors.Tensor {
	rng := rand.New(rand.NewPCG(2, 2))
	flat := make([]uint8, 0, l*h*w*3)
	for range l {
		at, colour, ground := rng.IntN(h), rng.IntN(3), rng.IntN(3)
		for i := range h {
			for range w {
				pixel := [3]uint8{20, 20, 20}
				pixel[ground] += 60
				if i == at {
					pixel[colour] += 170
				}
				flat = append(flat, pixel[:]...)
			}
		}
	}
	return tensors.FromFlatDataAndDimensions(flat, l, h*w*3)
}

// TestConvNets compares a convolutional encoder and decoder of colour images of odd sizes with loops in float64.
func TestConvNets(t *testing.T) {
	long(t)
	for _, size := range [][2]int{{5, 3}, {1, 1}, {7, 10}, {8, 8}} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			h, w := size[0], size[1]
			m := newImageAutoencoder(t, AutoencoderConfig{Height: h, Width: w, Channels: 3, Latent: 4, Encoder: "conv", Decoder: "conv", Seed: 5})
			x := colourBars(3, h, w)
			pixels, err := Components(x)
			if err != nil {
				t.Fatal(err)
			}
			z, err := m.Encode(x)
			if err != nil {
				t.Fatal(err)
			}
			out, err := m.Decode(z)
			if err != nil {
				t.Fatal(err)
			}
			codes, images := tensors.MustCopyFlatData[float32](z), tensors.MustCopyFlatData[float32](out)
			n := h * w * 3
			if m.Config().Features != n || len(images) != 3*n {
				t.Fatalf("Features = %d and %d numbers for 3 objects, want %d and %d", m.Config().Features, len(images), n, 3*n)
			}
			for object := range 3 {
				image := naiveFrom(pixels[object*n:(object+1)*n], h, w, 3)
				image = naiveConvolution(t, m.store, "/encoder/conv_0", image, 2).relu()
				image = naiveConvolution(t, m.store, "/encoder/conv_1", image, 2).relu()
				code := naiveAffine(t, m.store, "/encoder/output", image.flat())
				for i, want := range code {
					near(t, fmt.Sprintf("code %d of object %d", i, object), float64(codes[object*4+i]), want, 1e-5)
				}
				for i, want := range naiveDecode(t, m.store, code, h, w).flat() {
					near(t, fmt.Sprintf("component %d of object %d", i, object), float64(images[object*n+i]), want, 1e-5)
				}
			}
		})
	}
}

// naiveDecode is the decoder written as loops. Pixels outside an odd image are convolved and then dropped.
func naiveDecode(t *testing.T, store *model.Store, code []float64, h, w int) naiveImage {
	t.Helper()
	half := func(n int) int { return int(math.Ceil(float64(n) / 2)) }
	h1, w1 := half(h), half(w)
	h2, w2 := half(h1), half(w1)
	image := naiveFrom(naiveAffine(t, store, "/decoder/input", code), h2, w2, convChannels2).relu()
	image = naiveConvolution(t, store, "/decoder/conv_0", image.doubled(2*h2, 2*w2), 1).relu().part(h1, w1)
	return naiveConvolution(t, store, "/decoder/conv_1", image.doubled(2*h1, 2*w1), 1).part(h, w)
}

// part returns the image without its last rows and columns.
func (x naiveImage) part(h, w int) naiveImage {
	x = x[:h]
	for i := range x {
		x[i] = x[i][:w]
	}
	return x
}

// TestColourImages: a convolutional autoencoder learns small colour images of an odd size. Its error falls to a tenth
// of that of the mean image.
func TestColourImages(t *testing.T) {
	const h, w = 7, 5
	m, err := NewAutoencoder(testx.Backend(t), AutoencoderConfig{Height: h, Width: w, Channels: 3, Latent: 8, Encoder: "conv", Decoder: "conv", Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	x := colourBars(300, h, w)
	training, err := m.Training(x, "bars", FitConfig{Epochs: 150, Batch: 50, LearningRate: 3e-3})
	if err != nil {
		t.Fatal(err)
	}
	runTraining(t, training)
	loss, err := m.Loss(x)
	if err != nil {
		t.Fatal(err)
	}
	_, variance, err := meanObject(x)
	if err != nil {
		t.Fatal(err)
	}
	if !(loss.Mean < variance/10) {
		t.Errorf("squared error %g after the training, want less than a tenth of %g, the mean image's", loss.Mean, variance)
	}
}

// TestImageShapes checks the image shapes that a configuration describes, and the fields that it may leave out.
func TestImageShapes(t *testing.T) {
	for _, c := range []struct {
		features    int
		asked, want imageShape
	}{
		{784, imageShape{}, imageShape{28, 28, 1}},
		{3072, imageShape{channels: 3}, imageShape{32, 32, 3}},
		{45, imageShape{height: 5, channels: 3}, imageShape{5, 3, 3}},
		{15, imageShape{width: 3}, imageShape{5, 3, 1}},
		{45, imageShape{5, 3, 3}, imageShape{5, 3, 3}},
	} {
		if got := c.asked.of(c.features); got != c.want || c.asked.check("C", c.features) != nil {
			t.Errorf("%v of %d features is %v (%v), want %v", c.asked, c.features, got, c.asked.check("C", c.features), c.want)
		}
	}
	for _, c := range []struct {
		features int
		asked    imageShape
	}{{10, imageShape{}}, {784, imageShape{channels: 3}}, {45, imageShape{5, 3, 1}}, {15, imageShape{-5, -3, 1}}, {15, imageShape{height: 4}}, {15, imageShape{5, 3, -1}}} {
		err := c.asked.check("VAEConfig", c.features)
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("VAEConfig.Features = %d with Height = %d", c.features, c.asked.height)) {
			t.Errorf("%v of %d features: error %v, want one that names the fields", c.asked, c.features, err)
		}
	}
}

// TestImageConfigs: each model of images accepts colour images that are not square, with Features left out.
func TestImageConfigs(t *testing.T) {
	long(t)
	backend, x := testx.Backend(t), colourBars(40, 5, 3)
	labels := make([]int, 40)
	for i := range labels {
		labels[i] = i % 2
	}
	trainings := map[string]func() (*Training, error){
		"VAE": func() (*Training, error) {
			m, err := NewVAE(backend, VAEConfig{Height: 5, Width: 3, Channels: 3, Latent: 2, Encoder: "conv", Decoder: "conv"})
			if err != nil {
				return nil, err
			}
			return m.Training(x, "bars", FitConfig{})
		},
		"Classifier": func() (*Training, error) {
			m, err := NewClassifier(backend, ClassifierConfig{Height: 5, Width: 3, Channels: 3, Classes: 2, Encoder: "conv"})
			if err != nil {
				return nil, err
			}
			return m.Training(x, labels, "bars", FitConfig{})
		},
		"PrototypeNet": func() (*Training, error) {
			m, err := NewPrototypeNet(backend, PrototypeNetConfig{Height: 5, Width: 3, Channels: 3, Episodes: 8, Episode: EpisodeConfig{Ways: 2, Shots: 1, Queries: 2}})
			if err != nil {
				return nil, err
			}
			return m.Training(x, labels, "bars", FitConfig{})
		},
		"GAN": func() (*Training, error) {
			m, err := NewGAN(backend, GANConfig{Height: 5, Width: 3, Channels: 3, Latent: 2, Nets: "conv", Generator: []int{8, 4},
				Discriminator: []int{4, 8, 8}, Hidden: 8, Loss: "wasserstein", Penalty: 10, Output: "sigmoid"})
			if err != nil {
				return nil, err
			}
			return m.Training(x, "bars", FitConfig{Batch: 20})
		},
	}
	for name, start := range trainings {
		t.Run(name, func(t *testing.T) {
			training, err := start()
			if err != nil {
				t.Fatal(err)
			}
			if calls := len(runTraining(t, training)); calls == 0 || training.Step() != training.Steps() {
				t.Errorf("trained %d of %d steps", training.Step(), training.Steps())
			}
		})
	}
}
