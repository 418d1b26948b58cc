package main

/*
#cgo LDFLAGS: -ldl
#include <dlfcn.h>
#include <stdlib.h>

// The head of PJRT_Api in pjrt_c_api.h; it is fixed for all versions.
struct pjrt_head {
	size_t struct_size;
	void *extension_start;
	struct { size_t struct_size; void *extension_start; int major, minor; } version;
};

static const struct pjrt_head *head_of(void *symbol) {
	return ((const struct pjrt_head *(*)(void))symbol)();
}
*/
import "C"

import (
	"fmt"
	"unsafe"
)

// The PJRT API that go-xla v0.4.1 is compiled against (PJRT_API_MAJOR, PJRT_API_MINOR in its pjrt_c_api.h). A plugin
// with an older one lacks functions at the end of its table, and go-xla would call invalid addresses.
const (
	wantMajor = 0
	wantMinor = 104
)

// apiVersion reads the PJRT API version of a plugin before it calls anything else in it.
func apiVersion(path string) (major, minor int, err error) {
	name := C.CString(path)
	defer C.free(unsafe.Pointer(name))
	handle := C.dlopen(name, C.RTLD_LAZY|C.RTLD_LOCAL)
	if handle == nil {
		return 0, 0, fmt.Errorf("it cannot be loaded: %s", C.GoString(C.dlerror()))
	}
	entry := C.CString("GetPjrtApi")
	defer C.free(unsafe.Pointer(entry))
	symbol := C.dlsym(handle, entry)
	if symbol == nil {
		return 0, 0, fmt.Errorf("it is not a PJRT plugin: %s", C.GoString(C.dlerror()))
	}
	head := C.head_of(symbol)
	if head == nil {
		return 0, 0, fmt.Errorf("its GetPjrtApi returns nothing")
	}
	return int(head.version.major), int(head.version.minor), nil
}
