//go:build unix

#include "hook.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "_cgo_export.h"

// ARGS declares zeroed arguments of a function of the PJRT API.
#define ARGS(function, name)      \
  function##_Args name;           \
  memset(&name, 0, sizeof name);  \
  name.struct_size = function##_Args_STRUCT_SIZE

// HOOK defines the replaced function of one slot.
#define HOOK(slot) \
  static PJRT_Error* compile##slot(PJRT_Client_Compile_Args* args) { return hookCompile(slot, args); }

HOOK(0)
HOOK(1)
HOOK(2)
HOOK(3)
HOOK(4)
HOOK(5)
HOOK(6)
HOOK(7)

static PJRT_Client_Compile* const hooks[HOOK_SLOTS] = {
    compile0, compile1, compile2, compile3, compile4, compile5, compile6, compile7,
};

// failed frees an error, and reports whether there was one.
static int failed(const PJRT_Api* real, PJRT_Error* error) {
  if (error == NULL) return 0;
  ARGS(PJRT_Error_Destroy, args);
  args.error = error;
  real->PJRT_Error_Destroy(&args);
  return 1;
}

// because returns a text in two parts.
static char* because(const char* what, const char* detail) {
  char* text = malloc(strlen(what) + strlen(detail) + 1);
  if (text != NULL) strcat(strcpy(text, what), detail);
  return text;
}

const PJRT_Api* hook_open(const char* path, char** why) {
  void* library = dlopen(path, RTLD_LAZY | RTLD_LOCAL);  // never closed, as in go-xla
  if (library == NULL) {
    *why = because("it cannot be loaded: ", dlerror());
    return NULL;
  }
  const PJRT_Api* (*get)(void) = (const PJRT_Api* (*)(void))dlsym(library, "GetPjrtApi");
  if (get == NULL) {
    *why = because("it is not a PJRT plugin: ", dlerror());
    return NULL;
  }
  const PJRT_Api* real = get();
  if (real == NULL) *why = because("its GetPjrtApi returns nothing", "");
  return real;
}

PJRT_Api* hook_copy(const PJRT_Api* real, int slot) {
  // The functions below are part of the table of this size; an older plugin has a smaller one.
  if (real->struct_size < offsetof(PJRT_Api, PJRT_Client_Compile) + sizeof(void*) ||
      real->struct_size < offsetof(PJRT_Api, PJRT_Executable_DeserializeAndLoad) + sizeof(void*))
    return NULL;
  PJRT_Api* copy = malloc(real->struct_size);
  if (copy == NULL) return NULL;
  memcpy(copy, real, real->struct_size);
  copy->PJRT_Client_Compile = hooks[slot];
  return copy;
}

// append adds a text and its end to facts, and reports whether there was room for it.
static int append(char* facts, size_t size, size_t* used, const char* text, size_t length) {
  if (*used + length + 1 > size) return 0;
  memcpy(facts + *used, text, length);
  facts[*used + length] = '\n';
  *used += length + 1;
  return 1;
}

int hook_facts(const PJRT_Api* real, PJRT_Client* client, char* facts, size_t size) {
  size_t used = 0;
  ARGS(PJRT_Client_PlatformName, name);
  name.client = client;
  if (failed(real, real->PJRT_Client_PlatformName(&name)) ||
      !append(facts, size, &used, name.platform_name, name.platform_name_size))
    return -1;
  ARGS(PJRT_Client_PlatformVersion, version);
  version.client = client;
  if (failed(real, real->PJRT_Client_PlatformVersion(&version)) ||
      !append(facts, size, &used, version.platform_version, version.platform_version_size))
    return -1;
  ARGS(PJRT_Client_AddressableDevices, devices);
  devices.client = client;
  if (failed(real, real->PJRT_Client_AddressableDevices(&devices))) return -1;
  for (size_t i = 0; i < devices.num_addressable_devices; i++) {
    ARGS(PJRT_Device_GetDescription, get);
    get.device = devices.addressable_devices[i];
    if (failed(real, real->PJRT_Device_GetDescription(&get))) return -1;
    ARGS(PJRT_DeviceDescription_Kind, kind);
    kind.device_description = get.device_description;
    if (failed(real, real->PJRT_DeviceDescription_Kind(&kind)) ||
        !append(facts, size, &used, kind.device_kind, kind.device_kind_size))
      return -1;
  }
  return (int)used;
}

PJRT_Error* hook_compile(const PJRT_Api* real, PJRT_Client_Compile_Args* args) {
  return real->PJRT_Client_Compile(args);
}

int hook_load(const PJRT_Api* real, PJRT_Client_Compile_Args* args, const char* data, size_t size) {
  ARGS(PJRT_Executable_DeserializeAndLoad, load);
  load.client = args->client;
  load.serialized_executable = data;
  load.serialized_executable_size = size;
  if (failed(real, real->PJRT_Executable_DeserializeAndLoad(&load))) return 0;
  args->executable = load.loaded_executable;
  return 1;
}

int hook_serialize(const PJRT_Api* real, PJRT_Client_Compile_Args* args, hook_serialized* out) {
  ARGS(PJRT_LoadedExecutable_GetExecutable, get);
  get.loaded_executable = args->executable;
  if (failed(real, real->PJRT_LoadedExecutable_GetExecutable(&get))) return 0;
  ARGS(PJRT_Executable_Serialize, serialize);
  serialize.executable = get.executable;
  int ok = !failed(real, real->PJRT_Executable_Serialize(&serialize));
  if (ok) {
    out->data = serialize.serialized_bytes;
    out->size = serialize.serialized_bytes_size;
    out->owner = serialize.serialized_executable;
    out->deleter = serialize.serialized_executable_deleter;
  }
  ARGS(PJRT_Executable_Destroy, destroy);
  destroy.executable = get.executable;
  failed(real, real->PJRT_Executable_Destroy(&destroy));
  return ok;
}

void hook_release(hook_serialized* serialized) { serialized->deleter(serialized->owner); }
