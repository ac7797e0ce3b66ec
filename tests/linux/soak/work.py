"""Python: hashes, big integers, floats, expressions, sorting, threads, processes. The argument: how much of it."""

import hashlib
import os
import re
import struct
import subprocess
import sys
import threading
import zlib

much = int(sys.argv[1])
data = bytes(range(256)) * (64 * much)
for name in ("md5", "sha1", "sha256", "sha512", "blake2b", "sha3_256"):
    print(name, hashlib.new(name, data).hexdigest())
packed = zlib.compress(data + os.fsencode("é") * 1000, 9)
print("zlib", len(packed), zlib.crc32(zlib.decompress(packed)))

words = [f"{i * 7919 % 99991:05}" for i in range(4000 * much)]
print("sort", hashlib.sha256("".join(sorted(words, key=lambda word: word[::-1])).encode()).hexdigest())
print("re", len(re.findall(r"(\d)\1(?!\1)", "".join(words))), re.sub(r"(\d\d)(\d)", r"\2\1", words[77]))

number = 3 ** (2000 * much)
print("int", number % (10**18 + 9), len(str(number)), pow(7, number, 2**127 - 1))
total = 0.0
for i in range(1, 20000 * much):
    total += (i**0.5) / (i + 0.25) - 1e-3 * i
print("float", total.hex(), struct.pack("<d", total).hex(), 0.1 + 0.2, float("1e-320"))

tree = {}
for i in range(3000 * much):
    tree.setdefault(i * 2654435761 % 1009, []).append(i)
print("dict", sum(key * sum(values) for key, values in tree.items()))

lock, shared = threading.Lock(), []


def add(thread):
    for i in range(200 * much):
        with lock:
            shared.append(thread * 1000 + i)


threads = [threading.Thread(target=add, args=(number,)) for number in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("threads", len(shared), sum(shared))

for i in range(3 * much):
    ran = subprocess.run(
        ["/bin/sh", "-c", f"read word; echo $word; exit {i}"], input=b"to a child\n", capture_output=True
    )
    print("process", ran.returncode, ran.stdout)
for i in range(5):
    child = os.fork()
    if child == 0:
        os._exit(sum(shared) % 7 + i)
    print("fork", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
