"""Real mode as firmware leaves it, and Linux's 16-bit entry (Linux Documentation/arch/x86/boot.rst)."""

from __future__ import annotations

from machine.bios import firmware
from machine.boot.bootparams import OTHER_LOADER
from machine.boot.bzimage import BY_NAME, CAN_USE_HEAP, PLACE_KNOWN, BzImage
from machine.boot.entry import ESP, real_mode
from machine.boot.layout import HIGH_START, place, place_high
from machine.errors import BootError
from machine.machine import Machine
from machine.memory import Memory

SETUP_SEGMENT, HEAP_END = 0x9000, 0xE000
"""Where the real-mode part goes, and the end of its stack and heap in that segment; the command line stands behind."""

ENTRY_SEGMENT = 0x20
"""The entry is this many paragraphs behind the real-mode part's start, at offset 0: its second sector."""

_COMMAND_LINE_ROOM = 0x1000
_HEAP_MARGIN = 0x200
"""heap_end_ptr counts from the end of the boot sector."""


def boot(machine: Machine, image: BzImage, initrd: bytes | None, line: bytes) -> None:
    """Do what a boot loader does for the 16-bit entry, and enter it, with firmware to call.

    Raises `BootError` if the real-mode part or the command line is too long, or RAM too small.
    """
    memory = machine.memory
    setup = bytearray(image.data[: image.setup_size])
    if len(setup) > HEAP_END // 2:
        raise BootError(f"the real-mode part has {len(setup):#x} bytes: there is room for {HEAP_END // 2:#x}")
    firmware.install(machine)
    for name, value in _answers(memory, image, initrd, line).items():
        _, offset, size, _ = BY_NAME[name]
        setup[offset : offset + size] = value.to_bytes(size, "little")
    start = SETUP_SEGMENT << 4
    place(memory, start, bytes(setup), "the real-mode part")
    place(memory, start + HEAP_END, line + b"\0", "the command line")
    place(memory, HIGH_START, image.kernel, "the protected-mode part")
    real_mode(machine.cpu, SETUP_SEGMENT + ENTRY_SEGMENT, 0, {ESP: HEAP_END}, SETUP_SEGMENT)


def _answers(memory: Memory, image: BzImage, initrd: bytes | None, line: bytes) -> dict[str, int]:
    """The fields of the setup header that are the boot loader's to fill; puts the initial RAM disk into place."""
    most = min(image["cmdline_size"], _COMMAND_LINE_ROOM - 1)
    if len(line) > most:
        raise BootError(f"the command line has {len(line)} bytes: this kernel takes {most} (cmdline_size at 0x238)")
    answers = {
        "type_of_loader": OTHER_LOADER,
        "loadflags": image["loadflags"] | CAN_USE_HEAP,
        "heap_end_ptr": HEAP_END - _HEAP_MARGIN,
        "cmd_line_ptr": (SETUP_SEGMENT << 4) + HEAP_END,
        "code32_start": HIGH_START,
    }
    end = kernel_end(memory, image)
    if initrd:
        last = image["initrd_addr_max"]
        answers["ramdisk_image"] = place_high(memory, initrd, end, "the initial RAM disk", last=last)
        answers["ramdisk_size"] = len(initrd)
    return answers


def kernel_end(memory: Memory, image: BzImage) -> int:
    """The end of what the kernel uses before it reads the memory map, unpacking itself at its preferred address."""
    end = HIGH_START + len(image.kernel)
    if image.version >= PLACE_KNOWN:
        end = max(end, image["pref_address"] + image["init_size"])
    if end > memory.size:
        raise BootError(f"the kernel needs {end:#x} bytes of RAM ({end >> 20} MiB), there are {memory.size:#x}")
    return end
