package data_test

import (
	"fmt"

	"github.com/janpfeifer/must"

	"deeplearning.example/lecture11/data"
)

// A table with a header and a column of classes. The separator is detected.
func ExampleFromCSV() {
	flowers := must.M1(data.FromCSV("iris.csv", data.CSVOptions{Label: "species", Comment: '#'}))
	fmt.Println(flowers)
	fmt.Printf("%.2f\n", flowers.Standardized().Rows()[0])

	_, err := data.FromCSV("iris.csv", data.CSVOptions{Comment: '#'})
	fmt.Println(err)
	// Output:
	// iris.csv: 150 objects of 4 features (float64, 0.1 … 7.9), 3 classes: setosa 50, versicolor 50, virginica 50; scaling: none; read as comma-separated text with a header in line 5, classes from column 5 ("species"), sorted
	// [-0.90 1.02 -1.34 -1.32]
	// data: iris.csv:6:17: "setosa" in column 5 ("species") is not a number: set CSVOptions.Label to the column of the classes, or CSVOptions.Columns to those of numbers
}

// A folder of pictures with a subfolder for each class, in their own size and as small grey images.
func ExampleFromImages() {
	shapes := must.M1(data.FromImages("testdata/shapes", data.ImageOptions{}))
	fmt.Println(shapes)
	fmt.Println(shapes.Files[3], "is a", shapes.Classes[shapes.Labels[3]])

	small := must.M1(data.FromImages("testdata/shapes", data.ImageOptions{Grey: true, Width: 4, Height: 4}))
	fmt.Println(small.Tensor().Shape())
	// Output:
	// shapes: 9 images of 8×6 pixels (width × height), colour, 144 bytes each, 3 classes: cross 3, frame 3, spot 3; scaling: models read 0…255 as [0, 1]; read as PNG and JPEG files, subfolders as classes, sorted
	// frame/1.png is a frame
	// (Uint8)[9, 16]
}

// Two arrays of a .npz file. Objects that are images can be converted to Images.
func ExampleFromNPY() {
	shapes := must.M1(data.FromNPY("testdata/shapes.npz", data.NPYOptions{Array: "x", Labels: "y"}))
	fmt.Println(shapes)

	images := must.M1(shapes.Images(8, 6, 1)) // width, height, channels
	fmt.Println(images.Image(0).Bounds().Size())
	// Output:
	// shapes.npz:x: 9 objects of 48 features (float64, 0 … 255), 3 classes: cross 3, frame 3, spot 3; scaling: none; read as NumPy array of |u1 with shape [9, 6, 8], labels from shapes.npz:y
	// (8,6)
}

// Images in the format of MNIST. The labels are found beside them.
func ExampleFromIDX() {
	shapes := must.M1(data.FromIDX("testdata/shapes-images-idx3-ubyte.gz", ""))
	fmt.Println(shapes)
	// Output:
	// shapes-images-idx3-ubyte.gz: 9 images of 8×6 pixels (width × height), grey, 48 bytes each, 3 classes: 0 3, 1 3, 2 3; scaling: models read 0…255 as [0, 1]; read as IDX file of bytes with shape [9, 6, 8], labels from shapes-labels-idx1-ubyte
}

// Objects computed by a program. Equal IDs mean equal values and labels.
func ExampleFromRows() {
	points := must.M1(data.FromRows([][]float64{{0.5, 12}, {0.7, 15}, {3.1, 11}}, []string{"near", "near", "far"}))
	fmt.Println(points)
	fmt.Println(points.ID, points.Labels)
	// Output:
	// rows: 3 objects of 2 features (float64, 0.5 … 15), 2 classes: far 1, near 2; scaling: none
	// rows|a6deb986ad6bd013 [1 1 0]
}
