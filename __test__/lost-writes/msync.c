/* Preloaded into a child process: its first msync fails, as on a disk that breaks once. */
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

int msync(void *address, size_t length, int flags) {
  static int failed;
  if (!__atomic_exchange_n(&failed, 1, __ATOMIC_SEQ_CST)) {
    errno = atoi(getenv("MSYNC_ERRNO"));
    return -1;
  }
  return (int)syscall(SYS_msync, address, length, flags);
}
