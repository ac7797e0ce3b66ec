"""Chooses an image's boot protocol by what the file says of itself."""

from __future__ import annotations

import os

from machine.boot import bzimage, elf, linux, multiboot, pvh
from machine.boot.entry import protected_mode
from machine.boot.layout import check_entry, load_segments
from machine.errors import BootError
from machine.machine import Machine
from machine.tables.place import place_tables


def boot(
    machine: Machine,
    image: bytes,
    *,
    initrd: bytes | None = None,
    command_line: str = "",
    entry: str | None = None,
) -> str:
    """Put an image into a new machine's memory and the processor at its entry; nothing has run yet.

    A Linux bzImage by its setup header, at ``entry`` (a name in `machine.boot.linux.ENTRIES`, by default the fastest);
    PVH if an ELF note says so, Multiboot 1 if a header is found, else a plain ELF file entered in 32-bit protected
    mode.  Returns the protocol's name.  Raises `BootError` that names what is wrong.
    """
    line = os.fsencode(command_line)
    if not image:
        raise BootError("the kernel image is empty")
    place_tables(machine.memory, serial_ports=len(machine.serial_ports), processors=len(machine.cpus))
    if bzimage.matches(image):
        return f"linux {linux.boot(machine, image, initrd, line, entry)}"
    if entry is not None:
        raise BootError(f"entry {entry!r} is one into a Linux bzImage: this image has no HdrS at 0x202")
    return _boot_by_header(machine, image, initrd, line)


def _boot_by_header(machine: Machine, image: bytes, initrd: bytes | None, line: bytes) -> str:
    if multiboot.find_header(image):
        multiboot.boot(machine.cpu, image, initrd, line)
        return "multiboot"
    try:
        file = elf.parse(image)
    except BootError as error:
        broken = multiboot.broken_header(image)
        raise BootError(f"{error}; {broken}" if broken else str(error)) from None
    if pvh.entry_point(file) is not None:
        pvh.boot(machine.cpu, file, initrd, line)
        return "pvh"
    if initrd:
        raise BootError("a plain ELF file takes no initial RAM disk: it has neither a PVH note nor a Multiboot header")
    load_segments(machine.memory, file)
    check_entry(file)
    protected_mode(machine.cpu, file.entry, {})
    return "elf"
