"""The programs that check the machine from ring 3: how they are built, what they are made of, what they say."""

import re
import subprocess
import sys
from pathlib import Path

from ringscope.packages import cache_directory

HERE = Path(__file__).parent
PROGRAM, PROGRAM_32 = "selfcheck", "selfcheck32"
ZIG = (sys.executable, "-m", "ziglang")
FLAGS = (
    *("-std=c17", "-D_GNU_SOURCE", "-O2", "-g0", "-Wall", "-Wextra", "-Werror"),
    *("-fno-sanitize=all", "-fno-strict-aliasing"),
)
FREESTANDING = ("-fno-builtin", "-fno-pic", "-fno-stack-protector")

DIFFERS = {
    "stack_non_canonical": "signal 11 code 128 address 0, not signal 7",
    "alignment_check": "the status word is 0, not 7",
    "sse_exception": "signal 0 code 0, not SIGFPE",
    "sse_status_flags": "MXCSR's flags of a division is 0, not 32",
    "sse_denormals": "a denormal result was not flushed",
    "misaligned_movaps": "signal 0 code 0 address 0, not signal 11",
    "privileged_rdpmc": "signal 4 code 2",
    "x87_transcendentals": "the sine of 1 is 3ffe d76aa47848677000, not 3ffe d76aa47848677021",
    "x87_status_flags": "the flags of an inexact quotient is 0, not 32",
    "trace_hardware_watchpoint": "the child ran to its end: no trap at a write",
    f"{PROGRAM_32}/segment_limit_is_checked": "wrong result",
    "far_return_by_kernel_memory": "signal 11 code 128 address 0, not signal 11 code 1",
}
"""Checks that fail here and pass on hardware, and how their reason begins: rows of docs/machine.md."""

_LINE = re.compile(r"^(not ok|ok) (\w+)(?:: (.*))?$", re.MULTILINE)


def names():
    """All checks, the 32-bit program's with its name before them."""
    table = (HERE / PROGRAM / "checks.h").read_text()
    table_32 = (HERE / PROGRAM_32 / "int80.c").read_text()
    listed = re.findall(r"^CHECK\((\w+)\)", table, re.MULTILINE)
    return listed + [f"{PROGRAM_32}/{name}" for name in re.findall(r'^    \{"(\w+)", \w+\},', table_32, re.MULTILINE)]


def results(text, prefix=""):
    """What a program's lines tell: name of a check -> why it failed, None if it is ok."""
    found = _LINE.finditer(text.replace("\r\n", "\n"))
    return {prefix + name: why or ("" if ok != "ok" else None) for ok, name, why in (m.groups() for m in found)}


def build(directory):
    """Compile both programs into a directory; their paths."""
    program, program_32 = directory / PROGRAM, directory / PROGRAM_32
    sources = sorted((HERE / PROGRAM).glob("*.c"))
    _run("cc", "-target", "x86_64-linux-musl", "-static", *FLAGS, *sources, "-o", program)
    compiled = directory / "int80.o"
    source = HERE / PROGRAM_32 / "int80.c"
    _run("cc", "-target", "x86-linux-musl", *FLAGS, *FREESTANDING, "-c", source, "-o", compiled)
    _run("ld.lld", "-m", "elf_i386", "-static", "-e", "_start", compiled, "-o", program_32)
    return program, program_32


def _run(*words):
    """The compiler; it builds its C library once, in the user's cache."""
    environment = {"ZIG_GLOBAL_CACHE_DIR": str(cache_directory().parent / "zig"), "PATH": "/usr/bin:/bin"}
    subprocess.run([*ZIG, *map(str, words)], check=True, env=environment)
