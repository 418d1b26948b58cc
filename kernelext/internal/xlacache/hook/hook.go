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
	"sync"
	"time"
	"unsafe"

	"github.com/gomlx/go-xla/pjrt"

	"deeplearning.example/kernelext/internal/xlacache"
)

// wrapped is a plugin that go-xla calls through the cache.
type wrapped struct {
	cache  *xlacache.Cache
	path   string
	real   *C.PJRT_Api
	build  string      // identifies the plugin's file and this machine
	notify func(Event) // called after each compilation
}

var (
	slotsMu sync.Mutex
	slots   [C.HOOK_SLOTS]*wrapped // read without a lock: a slot is set before its function is handed out
	used    int
)

// Wrap loads the plugin at path and makes go-xla use it through the cache whenever it is asked for a plugin of this path.
// identity is the hash of the plugin's file. notify is called after each compilation, from any goroutine. Wrap does not
// wrap a plugin twice: the second call changes nothing. It must not run at the same time as go-xla's own search for plugins.
func Wrap(c *xlacache.Cache, path, identity string, notify func(Event)) error {
	slotsMu.Lock()
	defer slotsMu.Unlock()
	for _, w := range slots[:used] {
		if w.path == path {
			return nil
		}
	}
	if used == len(slots) {
		return fmt.Errorf("hook: a process can wrap %d plugins at most", len(slots))
	}
	real, err := open(path)
	if err != nil {
		return fmt.Errorf("hook: %s: %w", path, err)
	}
	table := C.hook_copy(real, C.int(used))
	if table == nil {
		return fmt.Errorf("hook: %s has an older PJRT API, without a function that loads executables", path)
	}
	slots[used] = &wrapped{cache: c, path: path, real: real, build: identity + machine(), notify: notify}
	used++
	if err := pjrt.RegisterPreloadedPlugin(path, uintptr(unsafe.Pointer(table))); err != nil {
		return fmt.Errorf("hook: %s: %w", path, err)
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
	key, ok := w.key(args)
	if ok && w.load(key, args, begin) {
		return nil
	}
	begin = time.Now()
	failure := C.hook_compile(w.real, args)
	if failure != nil {
		return failure
	}
	took := time.Since(begin)
	if ok {
		w.store(key, args, took)
	}
	w.notify(Event{Took: took})
	return nil
}

// factsSize is the space for the names of a client's platform and devices, in bytes.
const factsSize = 1 << 12

// key hashes everything on which the result of a compilation depends. It reports false if the plugin does not tell what it
// compiles for.
func (w *wrapped) key(args *C.PJRT_Client_Compile_Args) (xlacache.Key, bool) {
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

// load loads the program of a key from the cache, if it is there. An entry that the plugin refuses is removed.
func (w *wrapped) load(key xlacache.Key, args *C.PJRT_Client_Compile_Args, begin time.Time) bool {
	e, found := w.cache.Get(key)
	if !found {
		return false
	}
	data := unsafe.SliceData(e.Payload) // without pointers; the plugin reads it during the call only
	if C.hook_load(w.real, args, (*C.char)(unsafe.Pointer(data)), C.size_t(len(e.Payload))) == 0 {
		w.cache.Drop(key)
		return false
	}
	took := time.Since(begin)
	w.notify(Event{Hit: true, Took: took, Saved: max(0, e.Took-took)})
	return true
}

// store writes a compiled program to the cache. A plugin that cannot serialise stores nothing.
func (w *wrapped) store(key xlacache.Key, args *C.PJRT_Client_Compile_Args, took time.Duration) {
	var s C.hook_serialized
	if !w.cache.Writable() || C.hook_serialize(w.real, args, &s) == 0 {
		return
	}
	defer C.hook_release(&s)
	_ = w.cache.Put(key, xlacache.Entry{Payload: bytesAt(s.data, s.size), Took: took}) // the program is compiled, only a later process loses time
}
