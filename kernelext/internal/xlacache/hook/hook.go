//go:build unix

package hook

/*
#cgo linux LDFLAGS: -ldl
#include <stdlib.h>
#include "hook.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"
	"unsafe"

	"github.com/gomlx/go-xla/pjrt"

	"deeplearning.example/kernelext/internal/xlacache"
)

// wrapped is a plugin whose compilations go through this package.
type wrapped struct {
	Plugin
	real  *C.PJRT_Api
	build string // identifies the plugin's file and this machine
}

var (
	slotsMu sync.Mutex
	slots   [C.HOOK_SLOTS]*wrapped // read without a lock: a slot is set before its function is handed out
	used    int
)

// Wrap loads a plugin and makes go-xla use it through this package whenever it is asked for a plugin of this path. Wrap
// does not wrap a plugin twice: the second call changes nothing. It must not run at the same time as go-xla's own search
// for plugins.
func Wrap(p Plugin) error {
	slotsMu.Lock()
	defer slotsMu.Unlock()
	for _, w := range slots[:used] {
		if w.Path == p.Path {
			return nil
		}
	}
	if used == len(slots) {
		return fmt.Errorf("hook: a process can wrap %d plugins at most", len(slots))
	}
	real, err := open(p.Path)
	if err != nil {
		return fmt.Errorf("hook: %s: %w", p.Path, err)
	}
	table := C.hook_copy(real, C.int(used))
	if table == nil {
		return fmt.Errorf("hook: %s has an older PJRT API, without a function that loads executables", p.Path)
	}
	slots[used] = &wrapped{Plugin: p, real: real, build: p.Identity + machine()}
	used++
	if err := pjrt.RegisterPreloadedPlugin(p.Path, uintptr(unsafe.Pointer(table))); err != nil {
		return fmt.Errorf("hook: %s: %w", p.Path, err)
	}
	return nil
}

// The version of the PJRT API with which go-xla is compiled. An older plugin lacks functions at the end of its table, and
// go-xla would call invalid addresses.
const (
	APIMajor = C.PJRT_API_MAJOR
	APIMinor = C.PJRT_API_MINOR
)

// APIVersion loads the plugin at path and reads the version of its PJRT API. It calls nothing else in it; the place of the
// version is the same in all versions.
func APIVersion(path string) (major, minor int, err error) {
	real, err := open(path)
	if err != nil {
		return 0, 0, err
	}
	return int(real.pjrt_api_version.major_version), int(real.pjrt_api_version.minor_version), nil
}

// open loads a plugin and returns its table.
func open(path string) (*C.PJRT_Api, error) {
	name := C.CString(path)
	defer C.free(unsafe.Pointer(name))
	var why *C.char
	real := C.hook_open(name, &why)
	if real == nil {
		defer C.free(unsafe.Pointer(why))
		return nil, errors.New(C.GoString(why))
	}
	return real, nil
}

// hookCompile is called in place of the plugin's PJRT_Client_Compile.
//
//export hookCompile
func hookCompile(slot C.int, args *C.PJRT_Client_Compile_Args) *C.PJRT_Error {
	w := slots[slot]
	begin := time.Now()
	changed, restore := w.setOptions(args)
	defer restore()
	key, ok := w.key(args)
	if ok {
		if saved, found := w.load(key, args, begin); found {
			w.Notify(Event{Hit: true, Options: changed, Saved: saved})
			return nil
		}
	}
	begin = time.Now()
	failure := C.hook_compile(w.real, args)
	if failure != nil {
		return failure
	}
	if ok {
		w.store(key, args, time.Since(begin))
	}
	w.Notify(Event{Options: changed})
	return nil
}

// setOptions appends the options for the program to those of go-xla, and reports whether there are any. restore frees
// them and sets go-xla's again.
func (w *wrapped) setOptions(args *C.PJRT_Client_Compile_Args) (changed bool, restore func()) {
	if w.Options == nil {
		return false, func() {}
	}
	added := w.Options(bytesAt(args.program.code, args.program.code_size))
	if len(added) == 0 {
		return false, func() {}
	}
	own, size := args.compile_options, args.compile_options_size
	both := slices.Concat(bytesAt(own, size), added)
	copied := C.CBytes(both)
	args.compile_options, args.compile_options_size = (*C.char)(copied), C.size_t(len(both))
	return true, func() {
		args.compile_options, args.compile_options_size = own, size
		C.free(copied)
	}
}

// factsSize is the space for the names of a client's platform and devices, in bytes.
const factsSize = 1 << 12

// key hashes everything on which the result of a compilation depends. It reports false if the plugin does not tell what it
// compiles for, or if there is no cache.
func (w *wrapped) key(args *C.PJRT_Client_Compile_Args) (xlacache.Key, bool) {
	if w.Cache == nil {
		return xlacache.Key{}, false
	}
	facts := make([]byte, factsSize)
	n := C.hook_facts(w.real, args.client, (*C.char)(unsafe.Pointer(&facts[0])), factsSize)
	if n < 0 {
		return xlacache.Key{}, false
	}
	p := args.program
	return xlacache.NewKey([]byte(w.build), facts[:n], []byte(os.Getenv("XLA_FLAGS")),
		bytesAt(p.format, p.format_size), bytesAt(args.compile_options, args.compile_options_size),
		bytesAt(p.code, p.code_size)), true
}

// bytesAt returns n bytes of C's memory as a slice, without a copy.
func bytesAt(p *C.char, n C.size_t) []byte { return unsafe.Slice((*byte)(unsafe.Pointer(p)), int(n)) }

// load loads the program of a key from the cache, if it is there, and returns the time that this has saved since begin.
// An entry that the plugin refuses is removed.
func (w *wrapped) load(key xlacache.Key, args *C.PJRT_Client_Compile_Args, begin time.Time) (saved time.Duration, found bool) {
	e, found := w.Cache.Get(key)
	if !found {
		return 0, false
	}
	data := unsafe.SliceData(e.Payload) // without pointers; the plugin reads it during the call only
	if C.hook_load(w.real, args, (*C.char)(unsafe.Pointer(data)), C.size_t(len(e.Payload))) == 0 {
		w.Cache.Drop(key)
		return 0, false
	}
	return max(0, e.Took-time.Since(begin)), true
}

// store writes a compiled program to the cache. A plugin that cannot serialise stores nothing.
func (w *wrapped) store(key xlacache.Key, args *C.PJRT_Client_Compile_Args, took time.Duration) {
	var s C.hook_serialized
	if !w.Cache.Writable() || C.hook_serialize(w.real, args, &s) == 0 {
		return
	}
	defer C.hook_release(&s)
	_ = w.Cache.Put(key, xlacache.Entry{Payload: bytesAt(s.data, s.size), Took: took}) // the program is compiled, only a later process loses time
}
