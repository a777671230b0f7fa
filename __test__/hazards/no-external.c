/*
 * Preloaded into a child process: a runtime that takes no memory from outside its heap, as Electron
 * is one. The addon looks Node-API up by dlsym, which answers with these functions here.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

/* napi_no_external_buffers_allowed of Node's js_native_api_types.h. */
enum { REFUSED = 22 };

static int refuse_array_buffer(void *env, void *data, size_t length, void *finalize, void *hint,
                               void **result) {
  return REFUSED;
}

static int refuse_buffer(void *env, size_t length, void *data, void *finalize, void *hint,
                         void **result) {
  return REFUSED;
}

void *dlsym(void *handle, const char *name) {
  static void *(*real)(void *, const char *);
  if (real == NULL) {
    /* The versions under which glibc has had it, newest first; x86-64, then aarch64. */
    const char *versions[] = {"GLIBC_2.34", "GLIBC_2.2.5", "GLIBC_2.17"};
    for (int at = 0; real == NULL && at < 3; at++) {
      real = (void *(*)(void *, const char *))dlvsym(RTLD_NEXT, "dlsym", versions[at]);
    }
  }
  if (strcmp(name, "napi_create_external_arraybuffer") == 0) return (void *)refuse_array_buffer;
  if (strcmp(name, "napi_create_external_buffer") == 0) return (void *)refuse_buffer;
  if (strcmp(name, "node_api_create_external_sharedarraybuffer") == 0) return NULL;
  return real(handle, name);
}
