/*
 * Preloaded into a child process: outside the main thread fstat takes for as long as the file
 * SLOW_DISK_GATE names is there, as on a disk that does not answer.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *gate;
static char entered[4096];

__attribute__((constructor)) static void prepare(void) {
  gate = getenv("SLOW_DISK_GATE");
  snprintf(entered, sizeof entered, "%s.entered", gate);
}

static int slow_fstat(int descriptor, struct stat *metadata) {
  if (syscall(SYS_gettid) != getpid() && access(gate, F_OK) == 0) {
    close(open(entered, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    while (access(gate, F_OK) == 0) usleep(1000);
  }
  return (int)syscall(SYS_fstat, descriptor, metadata);
}

int fstat(int descriptor, struct stat *metadata) { return slow_fstat(descriptor, metadata); }

/* The same on the 64-bit platforms for which memmap is built. */
int fstat64(int descriptor, struct stat64 *metadata) {
  return slow_fstat(descriptor, (struct stat *)metadata);
}
