"""
A peer of memmap/channel in Python, written from docs/channel.md: for Linux, with GCC's libatomic.

    channel-peer.py send|receive <file> <lanes> <log2 of capacity>

`send` sends each line of the input, `receive` prints each message up to one that is "end". A number
before a "*" repeats the rest of a line that is sent: "9000*ab".
"""
import ctypes, mmap, os, platform, sys, threading

how, path, lanes, log2 = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
ring, units = 2**log2, 2 ** (log2 - 3)
memory = mmap.mmap(os.open(path, os.O_RDWR), 0)
base = ctypes.addressof(ctypes.c_char.from_buffer(memory))
atomic, libc = ctypes.CDLL("libatomic.so.1"), ctypes.CDLL(None)
FUTEX, U32, SC = 98 if platform.machine() == "aarch64" else 202, ctypes.c_uint32, 5
CONTINUES, MORE, PADDING = 1 << 29, 1 << 30, 1 << 31

def word(at): return ctypes.c_void_p(base + at)
def load(at): return atomic.__atomic_load_4(word(at), SC) & 0xFFFFFFFF
def store(at, value): atomic.__atomic_store_4(word(at), U32(value), SC)
def exchange(at, old, new):
    """Compare-exchange: answers what was there."""
    found = U32(old)
    atomic.__atomic_compare_exchange_4(word(at), ctypes.byref(found), U32(new), SC, SC)
    return found.value
def announce(at): return (atomic.__atomic_fetch_or_4(word(at), U32(1), SC) | 1) & 0xFFFFFFFF
def wait(at, value): libc.syscall(FUTEX, word(at), 0, U32(value), (ctypes.c_long * 2)(0, 50_000_000), None, 0)
def signal(at):
    while (value := load(at)) & 1:
        if exchange(at, value, value + 1) == value: libc.syscall(FUTEX, word(at), 1, 2**31 - 1, None, None, 0)

def hashed(number): return number * 0x9E3779B97F4A7C15 % 2**64
def sign(at):
    """Enters the namespaces, then signs the word at `at` if it is free. The dead are not looked for."""
    pid, time = (os.stat(f"/proc/self/ns/{name}").st_ino for name in ("pid", "time"))
    space = hashed(pid ^ time << 32) >> 32
    if exchange(at + 4, 0, space) not in (0, space): store(at + 4, 1)
    thread = threading.get_native_id()
    start = int(open(f"/proc/self/task/{thread}/stat").read().rpartition(")")[2].split()[19])
    return exchange(at, 0, thread | (hashed(start) >> 56 or 1) << 22) == 0

def send(lane, text):
    most, sent, flags = ring // 4 - 8, 0, 0
    while flags == 0 or sent < len(text):
        tail = load(lane)
        left = units - tail % units
        part = text[sent : sent + most]
        need = 1 + (len(part) + 7) // 8
        padding = left if need > left else 0
        while units - (tail - load(lane + 128)) % 2**32 < padding + need:
            value = announce(lane + 320)
            if units - (tail - load(lane + 128)) % 2**32 < padding + need: wait(lane + 320, value)
        at = lane + 4096 + tail % units * 8
        if padding: memory[at : at + 8] = (padding * 8 - 8).to_bytes(4, "little") + PADDING.to_bytes(4, "little")
        at, sent = lane + 4096 if padding else at, sent + len(part)
        flags = (CONTINUES if sent > len(part) else 0) | (MORE if sent < len(text) else 0)
        memory[at : at + 8 + len(part)] = len(part).to_bytes(4, "little") + flags.to_bytes(4, "little") + part
        store(lane, (tail + padding + need) % 2**32)
        signal(128)
        flags |= 1

def receive(lane, parts):
    """The messages of a lane that are there; `parts` has those of a message that goes on."""
    head, tail = load(lane + 128), load(lane)
    while head != tail:
        at = lane + 4096 + head % units * 8
        length, flags = (int.from_bytes(memory[at + i : at + i + 4], "little") for i in (0, 4))
        head = (head + 1 + (length + 7) // 8) % 2**32
        if not 0 < (tail - head) % 2**32 + 1 <= units: sys.exit("the lane lies")
        if flags & PADDING == 0:
            if not flags & CONTINUES: parts.clear()
            parts.append(memory[at + 8 : at + 8 + length])
            if not flags & MORE: yield b"".join(parts); parts.clear()
        store(lane + 128, head)
        if (tail - head) % 2**32 <= units // 2: signal(lane + 320)

for at, value in ((0, 0x48434D4D), (4, 1), (8, lanes), (12, log2)):
    if exchange(at, 0, value) not in (0, value): sys.exit("no such channel")
places = [4096 + lane * (4096 + ring) for lane in range(lanes)]
if how == "send":
    lane = next(lane for lane in places if load(lane) == load(lane + 128) and sign(lane + 256))
    atomic.__atomic_fetch_add_4(word(lane + 4), U32(1), SC)
    for line in sys.stdin:
        count, star, text = line.rstrip("\n").rpartition("*")
        send(lane, text.encode() * int(count or 1))
    exchange(lane + 256, load(lane + 256), 0)
else:
    sign(64) or sys.exit("there is a receiver")
    parts = {lane: [] for lane in places}
    text, value = b"", 0
    while text != b"end":
        for lane in places:
            for text in receive(lane, parts[lane]): print(text.decode(), flush=True)
        if value and text != b"end": wait(128, value)
        value = announce(128)
    exchange(64, load(64), 0)
