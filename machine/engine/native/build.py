"""Builds the native blobs with the pinned ziglang wheel; their bytes depend on their sources alone."""

from __future__ import annotations

import hashlib
import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path

from machine.errors import Error

HERE = Path(__file__).parent
BLOBS = {
    "progress": ("progress.c", "trace.c", "flags.c"),
    "fast": (
        *("entries.c", "clock.c", "lookup.c", "strings.c", "tlb.c", "watch.c", "system.c", "delivery.c"),
        *("breakpoint.c", "trace.c", "flags.c"),
    ),
}
"""Blobs by name, with their sources; each begins with its entry, or with a table of entries."""

HEADERS = (HERE / "fast.h", HERE / "trace.h")
LINKER_SCRIPT = HERE / "flat.lds"

TARGETS = {"x86_64": "x86_64-unknown-linux-gnu"}
"""Host machine names that have a blob, with the compiler's target for its calling convention (System V)."""

COMPILE = [
    "clang",
    "--no-default-config",
    "-std=c17",
    "-O2",
    "-ffreestanding",
    "-nostdinc",
    "-fPIC",
    "-fno-stack-protector",
    "-fno-asynchronous-unwind-tables",
    "-fcf-protection=none",
    "-mno-sse",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-c",
]
LINK = ["ld.lld", "--oformat", "binary", "-T"]


def blob(name: str, host: str) -> Path:
    """Where a blob for a host machine lies once it is built."""
    return HERE / f"{name}-{host}.bin"


def outdated(name: str, host: str) -> bool:
    """Whether a blob was built from other sources than are here; not where none are."""
    mark = _mark(name)
    return mark is not None and not blob(name, host).read_bytes().endswith(mark)


def _mark(name: str) -> bytes | None:
    """What a blob ends with: a hash of its sources and of how they are compiled; None without the sources."""
    sources = (LINKER_SCRIPT, *HEADERS, *(HERE / source for source in BLOBS[name]))
    if not all(source.exists() for source in sources):
        return None
    said = repr((COMPILE, LINK, [source.read_bytes() for source in sources]))
    return hashlib.sha256(said.encode()).digest()


def stale() -> bool:
    """Whether a blob is missing or was built from other sources."""
    return any(not blob(name, host).exists() or outdated(name, host) for name in BLOBS for host in TARGETS)


def _zig(*arguments: str | Path) -> None:
    # A child process, not an import: the wheel is needed at build time only.
    if importlib.util.find_spec("ziglang") is None:
        raise Error("building the native clock needs the package ziglang (pip install ziglang==0.16.0)")
    done = subprocess.run(
        [sys.executable, "-m", "ziglang", *map(str, arguments)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Error(f"zig {arguments[0]} failed:\n{done.stderr}")


def build() -> list[Path]:
    """Compile and link every target's blobs.

    Returns the written files.  Raises `Error` with the compiler's words when it fails.
    """
    with tempfile.TemporaryDirectory() as scratch:
        for host, target in TARGETS.items():
            for name, sources in BLOBS.items():
                objects = [Path(scratch) / f"{source}-{host}.o" for source in sources]
                for source, compiled in zip(sources, objects, strict=True):
                    _zig(*COMPILE, f"--target={target}", HERE / source, "-o", compiled)
                linked = Path(scratch) / f"{name}-{host}"
                _zig(*LINK, LINKER_SCRIPT, *objects, "-o", linked)
                blob(name, host).write_bytes(linked.read_bytes() + (_mark(name) or b""))
    return [blob(name, host) for name in BLOBS for host in TARGETS]


if __name__ == "__main__":
    if stale():
        build()
