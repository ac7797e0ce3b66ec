"""The benchmark's own guest: assembly loops of exactly known instruction counts, built when they are needed.

Protocol with the client: the guest waits in `bench_loop`; the client, stopped at `bench_ready`, writes `bench_cmd` and
`bench_arg` and continues; the guest runs that command, increments `bench_done` and comes back to `bench_ready`.
"""

import struct
import subprocess
import sys
from pathlib import Path

SOURCES = Path(__file__).parent / "workload"
SHT_SYMTAB = 2


def build(directory):
    """Assemble and link the workload with ziglang's clang and lld; the path of the ELF file."""
    zig = [sys.executable, "-m", "ziglang"]
    object_file, elf = directory / "kernel.o", directory / "workload.elf"
    target = ["--no-default-config", "--target=x86_64-unknown-none-elf", "-nostdinc"]
    subprocess.run([*zig, "clang", *target, "-c", SOURCES / "kernel.S", "-o", object_file], check=True)
    script = ["-T", SOURCES / "kernel.ld", "-z", "max-page-size=4096", "-z", "noexecstack", "--build-id=none"]
    subprocess.run([*zig, "ld.lld", "-static", "--no-pie", *script, object_file, "-o", elf], check=True)
    return elf


def symbols(path):
    """Name to address, from the symbol table of a little-endian ELF64 file."""
    data = path.read_bytes()
    (table,) = struct.unpack_from("<Q", data, 0x28)
    size, count = struct.unpack_from("<HH", data, 0x3A)
    sections = [struct.unpack_from("<IIQQQQIIQQ", data, table + index * size) for index in range(count)]
    symtab = next(section for section in sections if section[1] == SHT_SYMTAB)
    names = sections[symtab[6]][4]
    found = {}
    for offset in range(symtab[4], symtab[4] + symtab[5], 24):
        name, _, _, section, value, _ = struct.unpack_from("<IBBHQQ", data, offset)
        text = data[names + name : data.index(b"\0", names + name)].decode()
        if text and section:
            found[text] = value
    return found
