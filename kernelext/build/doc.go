// Package build builds the program of a notebook cell faster than the go command does, with the same result.
//
// For each cell the go command loads some hundreds of packages to find out that none of them has changed, and writes
// the places of their compiled forms for the compiler and the linker. This package runs it once (`go list -export`, `go
// build -n`) and keeps the answer as a package set: the compiled file, the name and the imports of each package, and
// the command lines of the compiler and the linker. A cell whose imports are in the set is then compiled and linked by
// calling the two tools directly. The set can be used for any subset of its packages. It is stored on disk too, so that
// set-up can prepare one (Warm) for the first cell of each kernel.
//
// A set is used only while it is certainly valid. The version and settings of Go, the module files and the sources of
// all packages outside the module cache are compared before each cell. Doubtful cases are left to the go command: flags
// that this package does not know, embedded files, cgo in the cell, an import that is not in the set and cannot be
// added, an error of the linker.
package build
