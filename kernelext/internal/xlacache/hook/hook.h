// Calls of a plugin's functions, and the function that replaces one of them. hook.go explains it.
#ifndef HOOK_H
#define HOOK_H

#include <stddef.h>

#include "pjrt_c_api.h"

// The number of plugins that a process can wrap.
#define HOOK_SLOTS 8

// Loads the plugin at path and returns its table. On failure it returns NULL and sets *why to a text that the caller frees.
const PJRT_Api* hook_open(const char* path, char** why);

// Returns a copy of the table, in which PJRT_Client_Compile calls hookCompile with the slot.
PJRT_Api* hook_copy(const PJRT_Api* real, int slot);

// Writes the names of the client's platform, its version and the kinds of its devices, at most size bytes. It returns the
// number of bytes, or -1 if the plugin does not tell them or they are too long.
int hook_facts(const PJRT_Api* real, PJRT_Client* client, char* facts, size_t size);

// Compiles as the plugin does.
PJRT_Error* hook_compile(const PJRT_Api* real, PJRT_Client_Compile_Args* args);

// Loads a serialised executable as the result of args. It returns 0 on failure.
int hook_load(const PJRT_Api* real, PJRT_Client_Compile_Args* args, const char* data, size_t size);

// A serialised executable. data belongs to the plugin until hook_release.
typedef struct {
  const char* data;
  size_t size;
  PJRT_SerializedExecutable* owner;
  void (*deleter)(PJRT_SerializedExecutable*);
} hook_serialized;

// Serialises the result of args. It returns 0 on failure.
int hook_serialize(const PJRT_Api* real, PJRT_Client_Compile_Args* args, hook_serialized* out);

void hook_release(hook_serialized* serialized);

#endif
