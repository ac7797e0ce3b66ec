"""From a kernel image on disk to a machine that is about to run its first instruction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from kernel.errors import Error as KernelError
from kernel.image import Image, find_image
from kernel.symbols import Symbols
from machine.boot.load import boot
from machine.machine import DEFAULT_MEMORY, Machine


@dataclass(frozen=True)
class Configuration:
    """What to boot.

    ``kernel`` None means ringscope's own kernel with its initial RAM disk; ``memory`` is in bytes.
    """

    kernel: Path | None = None
    initrd: Path | None = None
    append: str = ""
    memory: int = DEFAULT_MEMORY


@dataclass(frozen=True)
class Guest:
    """A machine at its first instruction, and what is known of the kernel in it."""

    machine: Machine
    kernel: Path
    protocol: str
    image: Image | None

    @cached_property
    def symbols(self) -> Symbols | None:
        """The kernel's symbols; None if the file has none that can be read."""
        try:
            return Symbols.load(self.kernel)
        except KernelError:
            return None


def power_on(configuration: Configuration, send: Callable[[bytes], None] = lambda data: None) -> Guest:
    """Make a machine and load the kernel; ``send`` gets what the guest writes to its serial console.

    Raises `kernel.errors.Error` if ringscope's own image is not built, `machine.errors.Error` if the image cannot be
    booted, OSError if a file cannot be read.
    """
    image = find_image() if configuration.kernel is None else None
    kernel = image.vmlinux if image else configuration.kernel
    assert kernel is not None
    initrd = configuration.initrd or (image.initramfs if image else None)
    machine = Machine(configuration.memory, send=send)
    protocol = boot(
        machine,
        kernel.read_bytes(),
        initrd=initrd.read_bytes() if initrd else None,
        command_line=configuration.append,
    )
    return Guest(machine, kernel, protocol, image)
