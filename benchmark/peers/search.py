"""Searches a file through a fresh map: prints the nanoseconds for each line with a count.

Arguments: the file, `find`, `lines` or `re`, and the needle or the pattern.
"""

import mmap
import re
import sys
import time

path, kind, what = sys.argv[1:4]
pattern = re.compile(what.encode()) if kind == "re" else None


def find(m):
    return m.find(what.encode())


def lines(m):
    return sum(1 for _ in iter(m.readline, b""))


def matches(m):
    return sum(1 for _ in pattern.finditer(m))


search = {"find": find, "lines": lines, "re": matches}[kind]

for count in sys.stdin:
    start = time.perf_counter_ns()
    for _ in range(int(count)):
        with open(path, "rb") as file:
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as m:
                search(m)
    print(time.perf_counter_ns() - start, flush=True)
