// Package kernelext is what a cell of the lecture calls: it shows pictures, tables, plots and tensors, draws live
// curves and progress bars, trains models that outlive their cell, hands values to later cells, asks the reader, reads
// the parameters of the notebook and checks what the notebook claims.
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
//	checks, err := kernelext.Checks(".")       // what the notebooks of a folder have checked, from their stored outputs
//
// # One cell, one process
//
// GoNB compiles a cell into a program of its own, with the text of a "%%" cell as the body of func main. So there is
// no wrapper to call: [Context] ends at an interrupt, and every call that shows something has delivered it when it
// returns, after what was printed before it. A panic, os.Exit or log.Fatal after it loses nothing. What a [Curve] or a
// [Bar] collected after its last redraw is shown by Done.
//
// # The supervised kernel
//
// Under `lecture kernel` a cell gets more, without a call of its own. A display stands exactly between the texts that
// were printed before and after it. [Train] tells the kernel its steps and saves, so that an interrupted training has
// time to save, and the cell's answer names the step. Where the cell's memory is limited, Go's garbage collector gets
// a limit of 90 % of that (GOMEMLIMIT, if set, stays): it works harder before the kernel ends the cell. And %timing
// knows when the program had started, and with package device how long the plugin took to load and XLA to compile.
//
// # Notebook, terminal, pipe
//
// The same calls work everywhere. In a notebook a value is sent in a rich form (a PNG picture or HTML) together with
// a text that is useful alone. In a terminal and in a pipe the text is printed, and with the environment variable
// LECTURE_OUT set to a folder each picture is written there as out-001.png, out-002.png and so on. No call waits for
// a browser.
//
// # Exit codes
//
// Two kinds of call end the program, because a cell has nobody to return an error to: [Assert] and [AssertNear] with
// exit code 1 when the check fails, and [Param], [Mode] and [Quick] with exit code 2 when LECTURE_PARAMS or
// LECTURE_MODE cannot be read. [ParamE] and [ModeE] return the error instead. After an interrupt the exit code is 130:
// by a second signal ([Context]), or by [Train] under the supervised kernel.
package kernelext
