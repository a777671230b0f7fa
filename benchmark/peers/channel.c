/* What two processes in C need at least: `channel trip|spin|ring <bytes>`.
 *
 * `trip` passes a turn forth and back by a word each and futexes; `spin` looks at the word for 50 us before it
 * sleeps, as memmap/channel does unless it is told otherwise. `ring` sends records of so many bytes
 * through one lane of memmap/channel's layout: the child writes, this process copies them out. Reads a
 * count from each line of standard input, and answers with the nanoseconds that it took and, for `ring`, the
 * mean length of what arrived.
 */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#define RING (1u << 22)
#define UNITS (RING / 8)
typedef _Atomic uint32_t word;

/* As in a lane: the tail, the head, and the two words of changes, each in a cache line of its own. */
static struct {
  _Alignas(128) word tail;
  _Alignas(128) word head;
  _Alignas(128) word data;
  _Alignas(128) word room;
  _Alignas(128) word count;
  _Alignas(4096) char ring[RING];
} *lane;

static void sleep_while(word *w, uint32_t value) { syscall(SYS_futex, w, FUTEX_WAIT, value, 0, 0, 0); }
static void wake(word *w) { syscall(SYS_futex, w, FUTEX_WAKE, 1, 0, 0, 0); }
static void changed(word *w) {
  uint32_t value = *w;
  if (value & 1 && atomic_compare_exchange_strong(w, &value, value + 1)) wake(w);
}

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static int64_t spin = 0;

/* Waits until the word of a turn is no longer `value`. The other side wakes only whom `sleeps` names. */
static void await_turn(word *w, word *sleeps, uint32_t value) {
  if (spin) for (int64_t end = now() + spin; *w == value && now() < end;);
  while (*w == value) {
    *sleeps = 1;
    if (*w == value) sleep_while(w, value);
  }
}
static void pass_turn(word *w, word *sleeps) {
  *w += 1;
  if (atomic_exchange(sleeps, 0)) wake(w);
}

static void put(uint32_t length, const char *text) {
  uint32_t tail = lane->tail, left = UNITS - tail % UNITS, need = 1 + (length + 7) / 8;
  uint32_t padding = need > left ? left : 0;
  while (UNITS - (uint32_t)(tail - lane->head) < padding + need) {
    uint32_t value = atomic_fetch_or(&lane->room, 1) | 1;
    if (UNITS - (uint32_t)(tail - lane->head) < padding + need) sleep_while(&lane->room, value);
  }
  uint32_t *record = (uint32_t *)(lane->ring + tail % UNITS * 8);
  if (padding) record[0] = padding * 8 - 8, record[1] = 1u << 31, record = (uint32_t *)lane->ring;
  memcpy(record + 2, text, length);
  record[0] = length, record[1] = 0;
  lane->tail = tail + padding + need;
  changed(&lane->data);
}

static uint32_t get(char *text) {
  for (;;) {
    uint32_t head = lane->head;
    while (lane->tail == head) {
      uint32_t value = atomic_fetch_or(&lane->data, 1) | 1;
      if (lane->tail == head) sleep_while(&lane->data, value);
    }
    uint32_t *record = (uint32_t *)(lane->ring + head % UNITS * 8), length = record[0], flags = record[1];
    if (!(flags >> 31)) memcpy(text, record + 2, length);
    lane->head = head + 1 + (length + 7) / 8;
    if (lane->tail - lane->head <= UNITS / 2) changed(&lane->room);
    if (!(flags >> 31)) return length;
  }
}

int main(int argc, char **args) {
  if (argc != 3) return 2;
  int trips = strcmp(args[1], "ring") != 0;
  if (!strcmp(args[1], "spin")) spin = 50000;
  uint32_t length = atoi(args[2]);
  lane = mmap(0, sizeof *lane, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  char *text = calloc(1, length);
  if (fork() == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (uint32_t turn = 0;; turn++) {
      if (!trips) {
        uint32_t count;
        while (!(count = atomic_exchange(&lane->count, 0))) sleep_while(&lane->count, 0);
        while (count--) put(length, text);
      } else {
        await_turn(&lane->tail, &lane->data, turn);
        pass_turn(&lane->head, &lane->room);
      }
    }
  }
  uint32_t turn = 0;
  for (char line[64]; fgets(line, sizeof line, stdin);) {
    uint32_t count = atoi(line), total = count;
    uint64_t bytes = 0;
    int64_t begin = now();
    if (!trips) {
      lane->count = count;
      wake(&lane->count);
    }
    while (count--) {
      if (!trips) {
        bytes += get(text);
        continue;
      }
      pass_turn(&lane->tail, &lane->data);
      await_turn(&lane->head, &lane->room, turn);
      turn++;
    }
    int64_t took = now() - begin;
    if (trips) printf("%lld\n", (long long)took);
    else printf("%lld %g\n", (long long)took, (double)bytes / total);
    fflush(stdout);
  }
}
