"""Builds the native clock blob with the pinned ziglang wheel; its bytes depend on progress.c alone."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path

from machine.errors import Error

HERE = Path(__file__).parent
SOURCE = HERE / "progress.c"
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
    "-Wall",
    "-Wextra",
    "-Werror",
    "-c",
]
LINK = ["ld.lld", "--oformat", "binary", "-T"]


def blob(host: str) -> Path:
    """Where the blob for a host machine lies once it is built."""
    return HERE / f"progress-{host}.bin"


def stale() -> bool:
    """Whether a blob is missing or older than its source."""
    newest = max(path.stat().st_mtime for path in (SOURCE, LINKER_SCRIPT))
    return any(not blob(host).exists() or blob(host).stat().st_mtime < newest for host in TARGETS)


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
    """Compile and link every target's blob.

    Returns the written files.  Raises `Error` with the compiler's words when it fails.
    """
    with tempfile.TemporaryDirectory() as scratch:
        for host, target in TARGETS.items():
            compiled = Path(scratch) / f"{host}.o"
            _zig(*COMPILE, f"--target={target}", SOURCE, "-o", compiled)
            _zig(*LINK, LINKER_SCRIPT, compiled, "-o", blob(host))
    return [blob(host) for host in TARGETS]


if __name__ == "__main__":
    if stale():
        build()
