// Package hook makes go-xla use a cache of compiled programs, and other options of XLA for some programs.
//
// go-xla loads a plugin, a shared library with a table of functions (the PJRT C API). [Wrap] gives go-xla a copy of that
// table, in which PJRT_Client_Compile is replaced. The new function looks for the program in the cache and loads it
// (PJRT_Executable_DeserializeAndLoad), or compiles it and stores the result (PJRT_Executable_Serialize).
//
// A program is found only if everything on which the result depends is equal: the program, the compile options, the
// plugin's file, the processor and the number of its cores, the device, the versions of platform and driver, and XLA_FLAGS.
// So the numbers are the same with and without the cache: the machine code is the same.
package hook

import (
	"time"

	"deeplearning.example/kernelext/internal/xlacache"
	"deeplearning.example/kernelext/internal/xlaoptions"
)

// Plugin describes a plugin to wrap.
type Plugin struct {
	Path     string
	Identity string                                  // hash of the file
	Cache    *xlacache.Cache                         // nil: none
	Options  func(program []byte) xlaoptions.Options // for a program in StableHLO's text form; nil: those of go-xla for all
	Notify   func(Event)                             // called after each compilation, from any goroutine
}

// Event is a compilation.
type Event struct {
	Hit     bool          // the program was in the cache
	Options bool          // the program has other options than go-xla's
	Saved   time.Duration // for a hit: the time that the compilation had taken, minus the time to load the program
}
