"""A QEMU with a hand-made Multiboot image, and gdb sessions on it with the x86 commands loaded.

The image lies at 1 MiB. Its 32-bit code switches to long mode with the tables below and leaves by IRETQ to ring 3,
where it loops.
"""

import json
import subprocess
import time
from pathlib import Path

from machine.x86 import control, descriptors, entries, tss

ROOT = Path(__file__).parents[2]
LOADER = ROOT / "gdb-scripts" / "loader.py"

# ---- the machine's memory, by physical address

BASE = 0x100000
GDT, TSS, FRAME = BASE + 0x1000, BASE + 0x1100, BASE + 0x1400
IDT = BASE + 0x2000
PGD, PUD, PMD, PTE, PUD_DIRECT = (BASE + 0x3000 + n * 0x1000 for n in range(5))
USER = BASE + 0x8000
END = BASE + 0x9000
DIRECT = 0xFFFF888000000000
# The IDT lies half a page from the end of an alias of its page: 128 gates are mapped, 128 are not.
IDT_LINEAR = 0xFFFFFFFF80110800
NX = 1 << 63

CR0 = control.CR0.build(PE=1, MP=1, ET=1, NE=1, WP=1, AM=1, PG=1)
CR4 = control.CR4.build(PSE=1, PAE=1, PGE=1, SMEP=1, SMAP=1)
EFER = control.EFER.build(SCE=1, LME=1, NXE=1)


def quad(value):
    return value.to_bytes(8, "little")


def word32(value):
    return value.to_bytes(4, "little")


HEADER_SIZE = 32


def flat_image(program, contents):
    """A Multiboot image at BASE whose 32-bit code is `program`, with `contents` (address to bytes)."""
    magic, flags = 0x1BADB002, 0x10000
    header = [magic, flags, -(magic + flags) & 0xFFFFFFFF, BASE, BASE, END, END, BASE + HEADER_SIZE]
    data = bytearray(END - BASE)
    data[: HEADER_SIZE + len(program)] = b"".join(map(word32, header)) + program
    for address, content in contents.items():
        data[address - BASE : address - BASE + len(content)] = content
    return bytes(data)


def code():
    """32-bit code, 64-bit code, and the address of the IRETQ that ends it."""
    far_jump_end = 52
    entry64 = BASE + HEADER_SIZE + far_jump_end
    start = b"".join(
        (
            b"\x0f\x01\x15" + word32(GDT + 0x60),  # lgdt
            b"\xb8" + word32(CR4) + b"\x0f\x22\xe0",  # cr4
            b"\xb8" + word32(PGD) + b"\x0f\x22\xd8",  # cr3
            b"\xb9" + word32(0xC0000080) + b"\x31\xd2\xb8" + word32(EFER) + b"\x0f\x30",  # wrmsr
            b"\xb8" + word32(CR0) + b"\x0f\x22\xc0",  # cr0
            b"\xea" + word32(entry64) + b"\x10\x00",  # ljmp 0x10
        )
    )
    assert len(start) == far_jump_end, len(start)
    long = b"".join(
        (
            b"\x66\xb8\x18\x00\x8e\xd8\x8e\xc0\x8e\xd0",  # ds es ss = 0x18
            b"\x0f\x01\x1c\x25" + word32(GDT + 0x70),  # lidt
            b"\x66\xb8\x40\x00\x0f\x00\xd8",  # ltr 0x40
            b"\x66\xb8\x50\x00\x0f\x00\xd0",  # lldt 0x50
            b"\x48\xc7\xc4" + word32(FRAME),  # rsp
            b"\x48\xcf",  # iretq
        )
    )
    return start + long, entry64 + len(long) - 2


def tables():
    """Address to bytes of every table."""
    low = {"present": 1, "accessed": 1}
    page = low | {"writable": 1}
    segments = [0, 0x00CF9B000000FFFF, 0x00AF9B000000FFFF, 0x00CF93000000FFFF]
    segments += [0x00CFFB000000FFFF, 0x00CFF3000000FFFF, 0x00AFFB000000FFFF, 0]
    blank = descriptors.SegmentDescriptor(TSS, 0x68 + 8, 9, 0, 0, 1, 0, 0, 0, 0)
    ldt = blank._replace(base=GDT + 0x80, limit=0x17, type=2)
    call = descriptors.Gate(BASE + 0x700, 0x10, descriptors.CALL_GATE, 0, 3, 1, 0)
    gate = descriptors.Gate(BASE + 0x500, 0x10, descriptors.INTERRUPT_GATE, 0, 0, 1, 0)
    gates = [gate._replace(offset=gate.offset + n * 16).build(wide=True) for n in range(32)]
    gates[8] = gate._replace(offset=BASE + 0x5F0, ist=1).build(wide=True)
    gates[3] = gate._replace(offset=BASE + 0x530, dpl=3, type=descriptors.TRAP_GATE).build(wide=True)
    ptes = [entries.PTE.build(**page, frame=n, no_execute=n != 0x100) for n in range(0x109)]
    ptes[0x108] = entries.PTE.build(**low, user=1, frame=0x108)
    next_table = page | {"user": 1}
    return {
        GDT: b"".join(map(quad, segments)),
        GDT + 0x40: blank.build(wide=True).to_bytes(16, "little"),
        GDT + 0x50: ldt.build(wide=True).to_bytes(16, "little"),
        GDT + 0x60: (0x5F).to_bytes(2, "little") + quad(GDT),
        GDT + 0x70: (0xFFF).to_bytes(2, "little") + quad(IDT_LINEAR),
        GDT + 0x80: quad(0x00CFF3000000FFFF) + call.build(wide=True).to_bytes(16, "little"),
        TSS: tss.TSS64.build(rsp0=0x101800, ist1=0x101F00, iomap=0x68) + b"\xff\xfe" + b"\xff" * 7,
        FRAME - 8: quad(0x14),
        # Interrupts stay off: the BIOS has left the timer running, and the PIC at vector 8.
        FRAME: tss.IRET_FRAME64.build(rip=USER + 1, cs=0x33, rflags=0x3002, rsp=USER + 0x800, ss=0x2B),
        IDT + 0x800: b"".join(value.to_bytes(16, "little") for value in gates),
        PGD: quad(entries.PGD.build(**next_table, frame=PUD >> 12)),
        PGD + 273 * 8: quad(entries.PGD.build(**page, frame=PUD_DIRECT >> 12)),
        PGD + 511 * 8: quad(entries.PGD.build(**page, frame=PUD >> 12)),
        PUD: quad(entries.PUD.build(**next_table, frame=PMD >> 12)),
        PUD + 510 * 8: quad(entries.PUD.build(**page, frame=PMD >> 12)),
        PUD_DIRECT: quad(entries.PUD_1G.build(**page, large=1, global_page=1, no_execute=1)),
        PMD: quad(entries.PMD.build(**next_table, frame=PTE >> 12)),
        PMD + 8: quad(entries.PMD_2M.build(**page, large=1, dirty=1, frame=1)),
        PMD + 16: quad(entries.PMD_2M.build(**page, large=1, frame=2) | 1 << 13),
        PTE: b"".join(map(quad, ptes[:0x109])),
        PTE + 0x110 * 8: quad(entries.PTE.build(**page, frame=IDT >> 12, no_execute=1)),
        USER: b"\x90\x90\xeb\xfd",  # nop; nop; jmp to the second
    }


def image():
    program, iretq = code()
    return flat_image(program, tables()), iretq


# ---- gdb on it

DRIVER = """
import json
import gdb
answers = []
gdb.execute("target remote SOCKET")
for command in SETUP:
    gdb.execute(command, to_string=True)
gdb.execute("source LOADER")
for command in COMMANDS:
    try:
        answers.append(gdb.execute(command, to_string=True))
    except gdb.error as error:
        answers.append(f"error: {error}")
with open("ANSWERS", "w") as file:
    json.dump(answers, file)
"""


class Machine:
    """A QEMU with the image, and gdb sessions on it; the machine runs on when a session ends."""

    def __init__(self, directory, data, arguments=()):
        self.directory = directory
        kernel = directory / "kernel.bin"
        kernel.write_bytes(data)
        self.socket = directory / "gdb.sock"
        # fmt: off
        self.process = subprocess.Popen(
            ["qemu-system-x86_64", "-machine", "pc", "-cpu", "max", "-accel", "tcg", "-m", "64", "-nodefaults",
             "-display", "none", "-kernel", kernel, "-S", "-no-reboot", *arguments,
             "-gdb", f"unix:{self.socket},server=on,wait=off"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )
        # fmt: on
        deadline = time.monotonic() + 30
        while not self.socket.exists():
            assert self.process.poll() is None, self.process.stderr.read().decode()
            assert time.monotonic() < deadline, "QEMU opened no socket"

    def ask(self, commands, setup=()):
        """Each command's lines, blanks squeezed (or `error: …`), in one gdb session after the `setup` commands."""
        answers = self.directory / "answers.json"
        script = self.directory / "driver.py"
        text = DRIVER.replace("SOCKET", str(self.socket)).replace("LOADER", str(LOADER))
        text = text.replace("ANSWERS", str(answers))
        script.write_text(text.replace("SETUP", repr(list(setup))).replace("COMMANDS", repr(list(commands))))
        ran = subprocess.run(
            ["gdb", "-nx", "-q", "-batch", "-x", script], capture_output=True, text=True, timeout=60, check=False
        )
        assert "Traceback" not in ran.stderr, ran.stderr
        texts = dict(zip(commands, json.loads(answers.read_text()), strict=True))
        return {key: [" ".join(line.split()) for line in text.splitlines()] for key, text in texts.items()}

    def close(self):
        self.process.kill()
        self.process.communicate()


def start(tmp_path_factory, data, *arguments):
    machine = Machine(tmp_path_factory.mktemp("qemu"), data, arguments)
    try:
        yield machine
    finally:
        machine.close()
