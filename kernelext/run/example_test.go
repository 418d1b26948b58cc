package run_test

import (
	"context"
	"fmt"
	"log"

	"deeplearning.example/kernelext/nbformat"
	"deeplearning.example/kernelext/run"
)

// Params finds the parameters of a notebook without running it.
func ExampleParams() {
	nb := &nbformat.Notebook{Cells: []*nbformat.Cell{{Type: nbformat.Code, Source: `%%
epochs := kernelext.Param("epochs", 2, 30)
rate := kernelext.Param("rate", 0.01, 0.001)
fmt.Println(epochs, rate)`}}}
	params, err := run.Params(nb)
	if err != nil {
		log.Fatal(err)
	}
	for _, p := range params {
		fmt.Printf("%s (%s): %v quick, %v full, read in cell %d, line %d\n", p.Name, p.Type(), p.Quick, p.Full, p.Cell, p.Line)
	}
	fmt.Println(run.ParseParam(params, "epochs=5"))
	_, _, err = run.ParseParam(params, "epochs=many")
	fmt.Println(err)
	// Output:
	// epochs (int): 2 quick, 30 full, read in cell 1, line 2
	// rate (float64): 0.01 quick, 0.001 full, read in cell 1, line 3
	// epochs 5 <nil>
	// run: parameter epochs=many: want int, like 2
}

// A notebook is executed by its own kernel, with its parameters, and keeps its outputs.
func ExampleNotebook() {
	nb, err := nbformat.Read("12_vae.ipynb")
	if err != nil {
		log.Fatal(err)
	}
	report, err := run.Notebook(context.Background(), nb, run.Options{
		Name: "12_vae.ipynb", Mode: run.Quick, Params: map[string]any{"epochs": 3},
		OnEvent: func(e run.Event) { fmt.Println(e.Kind, "cell", e.CodeCell) },
	})
	if err != nil {
		log.Fatal(err) // a *CellError names the cell and what it printed last
	}
	fmt.Println(report.Status, report.Seconds)
	if err := nbformat.Write("12_vae.ipynb", nb); err != nil {
		log.Fatal(err)
	}
}
