"""Searches a file through a fresh map: for each line with a count,
prints the nanoseconds and the answer.

Arguments: the file, `find`, `count`, `lines` or `re`, and the needle or the pattern.
"""

import mmap
import re
import sys
import time

path, kind, what = sys.argv[1:4]
pattern = re.compile(what.encode()) if kind == "re" else None


def find(m):
    return m.find(what.encode())


def occurrences(m):
    count, at = 0, m.find(what.encode())
    while at != -1:
        count, at = count + 1, m.find(what.encode(), at + 1)
    return count


def lines(m):
    return sum(1 for _ in iter(m.readline, b""))


def matches(m):
    return sum(1 for _ in pattern.finditer(m))


search = {"find": find, "count": occurrences, "lines": lines, "re": matches}[kind]

for count in sys.stdin:
    start = time.perf_counter_ns()
    for _ in range(int(count)):
        with open(path, "rb") as file:
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as m:
                answer = search(m)
    print(time.perf_counter_ns() - start, answer, flush=True)
