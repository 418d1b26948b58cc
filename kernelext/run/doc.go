// Package run executes notebooks through the Jupyter protocol, without a browser and without Python.
//
// [Notebook] starts the notebook's kernel, executes its code cells in order, stores their outputs as a front end would,
// and stops at the first cell that fails. It returns a [Report]. [Params] reads a notebook's parameters from its code.
// [Stale] reports stored outputs that do not belong to the code now in the notebook.
package run
