"""Opens, maps, touches and closes a file: `python3 open_close.py <path>`.

Reads a count from each line of standard input, and answers with the nanoseconds that it took and the first byte.
"""
import mmap
import sys
import time

path = sys.argv[1]


def run(count):
    seen = 0
    start = time.perf_counter_ns()
    for _ in range(count):
        with open(path, 'rb') as f:
            m = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)
            seen += m[0]
            m.close()
    return time.perf_counter_ns() - start, seen // count


for line in sys.stdin:
    print(*run(int(line)), flush=True)
