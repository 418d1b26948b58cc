// Package kernelext has the functions that cells of the lecture call. They show pictures, tables, plots and tensors, draw
// live curves and progress bars, and train models that outlive their cell. They also hand values to later cells, ask the
// reader, read the parameters of the notebook, and check its claims.
//
//	kernelext.Show(v)                          // anything: picture, plot, tensor, table, error, slice, map
//	kernelext.Grid(digits, 10)                 // many small pictures as one
//	kernelext.SheetMap(sheet, plane)           // a reading of a Kohonen map, as squares or hexagons
//	curve := kernelext.NewCurve("ELBO", "reconstruction", "KL")
//	epochs := kernelext.Param("epochs", 2, 30) // quick, full
//	result, err := kernelext.Train(kernelext.Context(), model, kernelext.WithCurve())
//	err = kernelext.Keep("codes", codes)       // a later cell: kernelext.Fetch[*tensors.Tensor]("codes")
//	digit, err := kernelext.Ask("Which digit?", "7", time.Minute)
//	kernelext.AssertNear("loss", got, math.Ln2, 0.01)
//	checks, err := kernelext.Checks(".")       // the checks in the stored outputs of a folder's notebooks
//
// # One cell, one process
//
// GoNB compiles each cell into a separate program, with the text of a "%%" cell as the body of func main. No wrapper is
// needed: [Context] ends at an interrupt, and every call that shows something has delivered it when it returns, after the
// text that was printed before it. A panic, os.Exit or log.Fatal after the call loses nothing. Done shows the values that
// a [Curve] or a [Bar] collected after its last redraw.
//
// # The supervised kernel
//
// Under `lecture kernel` a cell gets more without further calls. A display appears exactly between the texts that were
// printed before and after it. [Train] reports its steps and its saves to the kernel, so that an interrupted training has
// time to save, and the reply of the cell names the step. If the memory of the cell is limited, Go's garbage collector
// gets a limit of 90 % of it (GOMEMLIMIT, if set, is kept), so that it works harder before the kernel ends the cell.
// %timing shows when the program had started and, with package device, how long the plugin took to load and XLA to
// compile.
//
// # Notebook, terminal, pipe
//
// The same calls work everywhere. In a notebook a value is sent in a rich form (a PNG picture or HTML), together with a
// text that is useful alone. In a terminal and in a pipe the text is printed. If the environment variable LECTURE_OUT
// names a folder, each picture is also written there as out-001.png, out-002.png and so on. No call waits for a browser.
//
// # Exit codes
//
// Two kinds of call end the program, because a cell cannot return an error. [Assert] and [AssertNear] end it with exit code
// 1 when the check fails; [Param], [Mode] and [Quick] with exit code 2 when LECTURE_PARAMS or LECTURE_MODE cannot be read.
// [ParamE] and [ModeE] return the error instead. After an interrupt the exit code is 130: by a second signal ([Context]),
// or by [Train] under the supervised kernel.
package kernelext
