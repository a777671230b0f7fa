"""Maps the file given by Python's mmap and does what each line of the input says, one by one."""

import json
import mmap
import sys

file = open(sys.argv[1], "r+b")
memory = mmap.mmap(file.fileno(), 0)
reader = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

for line in sys.stdin:
    command, *arguments = json.loads(line)
    answer = None
    if command == "read":
        start, end = arguments
        answer = [memory[start:end].decode("latin1"), reader[start:end].decode("latin1")]
    elif command == "write":
        start, text = arguments
        memory[start : start + len(text)] = text.encode("latin1")
    elif command == "flush":
        memory.flush()
    elif command == "resize":
        memory.resize(arguments[0])
        reader = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        answer = len(memory)
    print(json.dumps(answer), flush=True)
