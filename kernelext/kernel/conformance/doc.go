// Package conformance holds the tests of the kernel with Jupyter's own programs: its test suite for kernels
// (jupyter_kernel_test), a session with jupyter console, and the outputs of one notebook as nbclient, papermill,
// nbconvert and `lecture run` write them. See package frontends for how they are run.
package conformance
