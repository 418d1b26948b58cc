// Package frontends runs Jupyter's own programs, of pinned versions, against the kernel: its test suite for kernels,
// nbclient, papermill, nbconvert, jupyter console, and JupyterLab in a real browser (folder browser). The tests that use
// it need some minutes and download about 200 MB once, so they run only with the flag -frontends or LECTURE_FRONTENDS=1:
//
//	go test ./internal/peers/frontends ./kernelext/kernel/conformance -frontends
package frontends
