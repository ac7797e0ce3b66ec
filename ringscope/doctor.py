"""What is here and what is missing: the engine that runs, the guest, gdb."""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version

from kernel.errors import Error as KernelError
from kernel.image import find_image
from machine.engine.choice import Engine, best
from machine.engine.progress import executable_blob
from machine.engine.proof import refusal


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; ``good`` says that nothing is missing because of it."""

    what: str
    text: str
    good: bool = True

    def __str__(self) -> str:
        return f"{self.what + ':':<9}{self.text}"


def examine() -> Iterator[Finding]:
    """Look at everything that ringscope needs; nothing is changed."""
    host = f"{sys.platform} on {platform.machine()}"
    yield Finding("host", f"{host}, Python {platform.python_version()}, Unicorn {version('unicorn')}")
    yield _engine()
    yield _guest()
    yield _gdb()


def _engine() -> Finding:
    if best() is Engine.FAST:
        return Finding("engine", "fast: this library is the known one, and a few instructions proved it")
    form = "its clock in machine code" if executable_blob() else "its clock in Python, which is slow"
    return Finding("engine", f"portable, {form}; not the fast one: {refusal()}")


def _guest() -> Finding:
    try:
        return Finding("guest", str(find_image().vmlinux))
    except KernelError as error:
        return Finding("guest", str(error), good=False)


def _gdb() -> Finding:
    found = shutil.which("gdb")
    return Finding("gdb", found or "missing; `ringscope debug` and `demo` need it", good=bool(found))
