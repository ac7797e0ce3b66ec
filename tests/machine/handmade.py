"""What every hand-made guest can do, whatever its mode: run, and be looked at. Its code is assembly text."""

import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

SIZE = 16 << 20
"""Bytes of memory."""


@cache
def assemble(source: str, address: int) -> bytes:
    """Machine code of AT&T assembly text linked at an address."""
    with tempfile.TemporaryDirectory() as directory:
        text, compiled, flat = (Path(directory) / name for name in ("a.S", "a.o", "a.bin"))
        text.write_text(f".globl _start\n_start:\n{source}\n")
        zig = [sys.executable, "-m", "ziglang"]
        target = ["--no-default-config", "--target=x86_64-unknown-none-elf", "-c", str(text), "-o", str(compiled)]
        subprocess.run([*zig, "clang", *target], check=True)
        link = ["--oformat", "binary", "--image-base=0", f"-Ttext={address:#x}", str(compiled), "-o", str(flat)]
        subprocess.run([*zig, "ld.lld", *link], check=True)
        return flat.read_bytes()


class Guest:
    """A machine with one processor to look at; ``word`` is the length of its words."""

    word = 8

    def __init__(self, machine):
        self.machine = machine
        self.cpu = machine.cpu

    def poke(self, address, value, size=None):
        self.machine.memory.write(address, value.to_bytes(size or self.word, "little"))

    def peek(self, address, size=None):
        return int.from_bytes(self.machine.memory.read(address, size or self.word), "little")

    def reg(self, name):
        return self.cpu.read_register(name)

    def run(self, limit=1000):
        """Run until the machine stops; fails if it does not."""
        for _ in range(limit):
            stop = self.machine.run()
            if stop is not None:
                return stop
        raise AssertionError(f"no stop: {self.reg('cs'):#x}:{self.reg('rip'):#x}")
