/*
 * Preloaded into a child process: its first msync fails, as on a disk that breaks once. Where
 * MSYNC_GATE names a file, it makes that file and fails once the file is gone.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

int msync(void *address, size_t length, int flags) {
  static int failed;
  if (!__atomic_exchange_n(&failed, 1, __ATOMIC_SEQ_CST)) {
    const char *gate = getenv("MSYNC_GATE");
    if (gate != NULL) {
      close(open(gate, O_CREAT | O_WRONLY, 0600));
      while (access(gate, F_OK) == 0) usleep(1000);
    }
    errno = atoi(getenv("MSYNC_ERRNO"));
    return -1;
  }
  return (int)syscall(SYS_msync, address, length, flags);
}
