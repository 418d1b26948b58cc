// Package onnx writes networks of trained models as ONNX files with GoMLX's own exporter. Other programs can run them, such
// as ONNX Runtime in C++, C#, Java, JavaScript or Python.
//
// The models with a method Network can be exported: [lecture11.VAE], [lecture11.Autoencoder], [lecture11.VQVAE],
// [lecture11.Classifier], [lecture11.GAN], [lecture11.MultiTask] and the encoder of a [lecture11.PrototypeNet]. A
// [lecture11.SOM] and a [lecture11.Meta] cannot; see [lecture11.Network].
//
// The exporter needs a program that is built with `-tags onnx` and cgo, and ONNX Runtime's shared library, whose path
// ONNXRUNTIME_SHARED_LIBRARY_PATH names. The library is part of the Python package onnxruntime, in its folder capi. Without
// the variable GoMLX downloads one.
package onnx

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/model/onnx"

	"deeplearning.example/lecture11"
)

// backendName is the name of GoMLX's backend that exports.
const backendName = "onnxruntime"

// Input is the name of the input of each file.
const Input = "input"

// Backend returns the backend that Export builds networks on. It is an error if the program was built without the tag onnx,
// or if ONNX Runtime cannot be loaded.
func Backend() (compute.Backend, error) {
	if !slices.Contains(compute.List(), backendName) {
		return nil, errors.New("lecture11/onnx: this program was built without ONNX, want `go build -tags onnx` and cgo")
	}
	backend, err := compute.NewWithConfig(backendName + ":cpu")
	if err != nil {
		return nil, fmt.Errorf("lecture11/onnx: %w; want the path of ONNX Runtime's library in ONNXRUNTIME_SHARED_LIBRARY_PATH", err)
	}
	return backend, nil
}

// Export writes a network with its weights to w as an ONNX file, for batches of a fixed number of objects. Its input is
// called [Input] and is [batch, n.Inputs] of type n.DType, float32 by default, with pixels in [0, 1]. Its outputs are called
// as in n.Outputs. backend comes from [Backend]. An operation that the exporter lacks is an error that names it.
//
//	network, err := vae.Network("decoder")
//	...
//	err = onnx.Export(backend, w, network, 1)
func Export(backend compute.Backend, w io.Writer, n lecture11.Network, batch int) error {
	if batch < 1 {
		return fmt.Errorf("lecture11/onnx: Export: batch = %d, want at least 1", batch)
	}
	exec, err := model.NewExec(backend, n.Store, n.Build)
	if err != nil {
		return fmt.Errorf("lecture11/onnx: %s: %w", n.Name, err)
	}
	defer exec.Finalize()
	input := shapes.Make(cmp.Or(n.DType, dtypes.Float32), batch, n.Inputs)
	if err := onnx.Save(backend, exec, w, []shapes.Shape{input}, []string{Input}, n.Outputs); err != nil {
		return fmt.Errorf("lecture11/onnx: %s cannot be exported: %w", n.Name, err)
	}
	return nil
}
