"""Takes a lock: `python3 locks.py uncontended|guarded|contend|pass_turns`.

Reads a count from each line of standard input, and answers with the nanoseconds that it took and, where
both processes count under the lock, what they counted.
"""
import multiprocessing
import sys
import time


def uncontended(lock, count):
    acquire, release = lock.acquire, lock.release
    start = time.perf_counter_ns()
    for _ in range(count):
        acquire()
        release()
    return time.perf_counter_ns() - start


def guarded(lock, count):
    start = time.perf_counter_ns()
    for _ in range(count):
        with lock:
            pass
    return time.perf_counter_ns() - start


def contend(lock, condition, turn, counted, mine, count):
    acquire, release = lock.acquire, lock.release
    for _ in range(count):
        acquire()
        counted.value += 1
        release()


def pass_turns(lock, condition, turn, counted, mine, count):
    for _ in range(count):
        with condition:
            while turn.value != mine:
                condition.wait()
            counted.value += 1
            turn.value = 1 - mine
            condition.notify()


def other(barrier, work, *rest):
    barrier.wait()
    work(*rest)
    barrier.wait()


def together(work, count):
    """Does the work here and in another process; answers the time for one of both."""
    context = multiprocessing.get_context('fork')
    barrier = context.Barrier(2)
    turn, counted = (context.Value('i', 0, lock=False) for _ in range(2))
    shared = (context.Lock(), context.Condition(), turn, counted)
    process = context.Process(target=other, args=(barrier, work, *shared, 1, count))
    process.start()
    barrier.wait()
    start = time.perf_counter_ns()
    work(*shared, 0, count)
    barrier.wait()
    took = time.perf_counter_ns() - start
    process.join()
    return took // 2, counted.value


what = sys.argv[1]
for line in sys.stdin:
    count = int(line)
    if what in ('uncontended', 'guarded'):
        print(globals()[what](multiprocessing.Lock(), count), flush=True)
    else:
        print(*together(globals()[what], count), flush=True)
