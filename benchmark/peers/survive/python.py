"""What survivors.js asks of Python's mmap: `python3 python.py <scenario> <path>`."""
import mmap
import sys

scenario, path = sys.argv[1:]
with open(path, 'rb' if scenario == 'stray write' else 'r+b') as file:
    access = mmap.ACCESS_READ if scenario == 'stray write' else mmap.ACCESS_WRITE
    m = mmap.mmap(file.fileno(), 0, access=access)
print('mapped', flush=True)
sys.stdin.readline()
try:
    if scenario == 'truncated':
        print(f'reads {m[len(m) - 1]}', flush=True)
    elif scenario == 'disk full':
        m[:] = bytes([2]) * len(m)
        m.flush()
        print('writes, says nothing', flush=True)
    else:
        m[0] = 2
        print('writes, says nothing', flush=True)
except Exception as error:
    print(f'throws {type(error).__name__}', flush=True)
