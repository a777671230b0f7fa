/* Opens, maps, touches and closes a file by bare system calls: `open_close <path>`.
 *
 * Reads a count from each line of standard input, and answers with the nanoseconds that it took and the first byte.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static volatile unsigned char seen;

static void fail(const char *call) {
  perror(call);
  exit(1);
}

static void open_close(const char *path) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) fail("open");
  struct stat facts;
  if (fstat(file, &facts) != 0) fail("fstat");
  size_t length = (size_t)facts.st_size;
  unsigned char *bytes = mmap(NULL, length, PROT_READ, MAP_SHARED, file, 0);
  if (bytes == MAP_FAILED) fail("mmap");
  seen = bytes[0];
  if (munmap(bytes, length) != 0) fail("munmap");
  if (close(file) != 0) fail("close");
}

int main(int count, char **arguments) {
  if (count != 2) return 2;
  long times;
  while (scanf("%ld", &times) == 1) {
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (long i = 0; i < times; i++) open_close(arguments[1]);
    clock_gettime(CLOCK_MONOTONIC, &end);
    long long took = (end.tv_sec - start.tv_sec) * 1000000000LL + (end.tv_nsec - start.tv_nsec);
    printf("%lld %d\n", took, seen);
    fflush(stdout);
  }
  return 0;
}
