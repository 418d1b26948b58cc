// Package run executes notebooks through the Jupyter protocol, without a browser and without Python.
//
// [Notebook] starts the notebook's kernel, executes its code cells in order, stores their outputs as a front end
// would, and stops at the first cell that fails. What it found is a [Report]. [Params] reads a notebook's parameters
// from its code; [Stale] tells whether stored outputs are those of the code that stands in the notebook.
package run
