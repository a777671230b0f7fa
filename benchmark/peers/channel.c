/* What two processes in C need at least: `channel trip|ring <bytes>`.
 *
 * `trip` passes a turn forth and back by a word each and futexes. `ring` sends records of so many bytes
 * through one lane of memmap/channel's layout: the child writes, this process copies them out. Reads a
 * count from each line of standard input, and answers with the nanoseconds that it took.
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
  int trips = !strcmp(args[1], "trip");
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
        while (lane->tail == turn) sleep_while(&lane->tail, turn);
        lane->head += 1;
        wake(&lane->head);
      }
    }
  }
  uint32_t turn = 0;
  for (char line[64]; fgets(line, sizeof line, stdin);) {
    uint32_t count = atoi(line);
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    if (!trips) {
      lane->count = count;
      wake(&lane->count);
    }
    while (count--) {
      if (!trips) {
        get(text);
        continue;
      }
      lane->tail += 1;
      wake(&lane->tail);
      while (lane->head == turn) sleep_while(&lane->head, turn);
      turn++;
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("%lld\n", (end.tv_sec - begin.tv_sec) * 1000000000LL + end.tv_nsec - begin.tv_nsec);
    fflush(stdout);
  }
}
