"""Real mode as firmware leaves it, and Linux's 16-bit entry (Linux Documentation/arch/x86/boot.rst)."""

from __future__ import annotations

from unicorn import x86_const as x86

from machine.bios import firmware
from machine.boot.bootparams import OTHER_LOADER
from machine.boot.bzimage import BY_NAME, CAN_USE_HEAP, PLACE_KNOWN, BzImage
from machine.boot.entry import ESP
from machine.boot.layout import HIGH_START, place, place_high
from machine.cpu import Cpu
from machine.engine.state import CS, DS, ES, FS, GS, HF_ADDSEG, SS
from machine.errors import BootError
from machine.machine import Machine
from machine.memory import Memory

CODE_16, DATA_16, TSS_16 = 0x00009B00, 0x00009300, 0x00008B00
"""Hidden flags of segments and of TR at power-on (SDM 3A table 9-1)."""

LIMIT, IVT_LIMIT = 0xFFFF, 0x3FF
CR0_ET = 1 << 4

SETUP_SEGMENT, HEAP_END = 0x9000, 0xE000
"""Where the real-mode part goes, and the end of its stack and heap in that segment; the command line stands behind."""

ENTRY_SEGMENT = 0x20
"""The entry is this many paragraphs behind the real-mode part's start, at offset 0: its second sector."""

_COMMAND_LINE_ROOM = 0x1000
_HEAP_MARGIN = 0x200
"""heap_end_ptr counts from the end of the boot sector."""

_DATA_SEGMENTS = (ES, SS, DS, FS, GS)


def real_mode(cpu: Cpu, cs: int, ip: int, registers: dict[int, int], data_segment: int = 0) -> None:
    """Real mode at CS:IP, interrupts off, the vector table at 0 with 256 entries, ``data_segment`` in all others.

    ``registers`` maps an encoding number (`machine.boot.entry.EAX`, ...) to a value; the rest are 0.
    """
    state = cpu.state
    state.load()
    front = state.front
    for index in range(16):
        front.regs[index] = registers.get(index, 0)
    for index in _DATA_SEGMENTS:
        state.set_segment(index, data_segment, data_segment << 4, LIMIT, DATA_16)
    state.set_segment(CS, cs, cs << 4, LIMIT, CODE_16)
    front.gdt.base, front.gdt.limit = 0, LIMIT
    front.idt.base, front.idt.limit = 0, IVT_LIMIT
    front.ldt.selector, front.ldt.base, front.ldt.limit, front.ldt.flags = 0, 0, LIMIT, 0x8200
    front.tr.selector, front.tr.base, front.tr.limit, front.tr.flags = 0, 0, LIMIT, TSS_16
    front.efer = 0  # writing the MSR would keep LMA
    front.hflags = HF_ADDSEG
    state.set_flags(2)
    front.eip = ip
    state.event.old_exception = -1
    state.store()
    cpu.uc.reg_write(x86.UC_X86_REG_CR4, 0)
    cpu.uc.reg_write(x86.UC_X86_REG_CR0, CR0_ET)
    cpu.moved()


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
