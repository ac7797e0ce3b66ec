"""The x86 commands in stock gdb, on QEMU's stub: a machine of our own tables, entered by a hand-made Multiboot image.

The image lies at 1 MiB. Its 32-bit code switches to long mode with the tables below and leaves by IRETQ to ring 3,
where it loops. The tests stop it at the IRETQ and in the loop.
"""

import json
import subprocess
import time
from pathlib import Path

import pytest

from machine.x86 import control, descriptors, entries, paging, tss

ROOT = Path(__file__).parents[2]
LOADER = ROOT / "gdb-scripts" / "loader.py"

pytestmark = [pytest.mark.gdb, pytest.mark.qemu]

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


# ---- long mode, at the IRETQ in ring 0


COMMANDS = [
    "x86 gdt",
    "x86 idt",
    "x86 ldt",
    "x86 tss",
    "x86 cr",
    "x86 cr -v",
    "x86 frame",
    "x86 frame -e $rsp-8",
    f"x86 frame {FRAME + 0x50:#x}",
    "x86 frame 0x30000000",
    "x86 walk $rip",
    f"x86 walk {USER:#x}",
    f"x86 walk {DIRECT + 0x1234:#x}",
    "x86 walk -v 0x200000",
    "x86 walk 0x400000",
    "x86 walk 0x123456789abc",
    "x86 walk 0x800000000000",
    f"x86 walk 0x1000 {USER:#x}",
    "x86 selector 0x33",
    "x86 selector $cs",
    "x86 selector 7",
    "x86 selector 0xf",
    "x86 selector 0",
    "x86 selector 0x80",
    "x86 selector 0x12345",
    "x86 descriptor 0x00af9b000000ffff",
    f"x86 descriptor {GDT + 0x40:#x}",
    f"x86 descriptor {IDT_LINEAR + 8 * 16:#x}",
    "x86 descriptor 0x1a08e0100100bc0 0xffffffff",
    "x86 pte 0x8000000012345067",
    "x86 pte 0x80000000400001e3 pud",
    "x86 pte 0x2063 PML4",
    "x86 pte 0xfe",
    "x86 pte 1 xx",
    "x86 error 7",
    "x86 error 0x402 gp",
    "x86 error 0x15 14",
    "x86 error 1 ud",
    "x86 error 0x100000000",
    "p $cpl()",
    f"x86 gdt {GDT:#x} 0x1f",
    "x86 gdt 0x30000000",
    f"x86 idt {IDT_LINEAR:#x} 0x1f",
    f"x86 ldt {GDT + 0x80:#x} 7",
    f"x86 tss {TSS:#x}",
    "x86 tss 0x30000000",
    "x86 walk",
    "x86 walk -x 3",
    "x86 walk nosuch",
    "x86 walk $nosuch",
    "help x86",
    "help x86 walk",
    "maint packet qqemu.PhyMemMode",
]


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    yield from start(tmp_path_factory, image()[0])


@pytest.fixture(scope="module")
def ring0(machine):
    """Lines of every command, blanks squeezed, at the IRETQ."""
    stop = [f"hbreak *{image()[1]:#x}", "continue"]
    return machine.ask(COMMANDS, stop)


def test_gdt_has_columns_and_arrows(ring0):
    lines = ring0["x86 gdt"]
    assert lines[0] == f"GDT base {GDT:#018x} limit 0x5f"
    assert lines[1] == "# Sel Base Limit G D/B L AVL P DPL Type"
    assert lines[2] == "0 empty"
    code = "0x0000000000000000 0xffffffff 1 0 1 0 1"
    assert f"2 0x10 {code} 0 code Execute/Read, accessed <- cs, fs, gs" in lines
    assert f"6 0x30 {code} 3 code Execute/Read, accessed" in lines
    assert f"8 0x40 {TSS:#018x} 0x70 0 0 0 0 1 0 64-bit TSS (Busy) <- tr" in lines
    assert f"10 0x50 {GDT + 0x80:#018x} 0x17 0 0 0 0 1 0 LDT <- ldtr" in lines
    assert not any(line.startswith(("9 ", "11 ")) for line in lines), "16-byte descriptors are joined"


def test_gdt_at_an_address_degrades(ring0):
    assert len(ring0[f"x86 gdt {GDT:#x} 0x1f"]) == 6
    assert ring0["x86 gdt 0x30000000"][2:] == ["0-15 unreadable"]


def test_idt_has_gates_and_unreadable_runs(ring0):
    lines = ring0["x86 idt"]
    assert lines[0] == f"IDT base {IDT_LINEAR:#x} limit 0xfff"
    assert lines[2] == "0x00 #DE Divide Error 1 0 - 0x10 0x0000000000100500 Interrupt Gate"
    assert "0x03 #BP Breakpoint 1 3 - 0x10 0x0000000000100530 Trap Gate" in lines
    assert "0x08 #DF Double Fault 1 0 1 0x10 0x00000000001005f0 Interrupt Gate" in lines
    assert lines[-2:] == ["0x20-0x7f empty", "0x80-0xff unreadable"]
    assert len(ring0[f"x86 idt {IDT_LINEAR:#x} 0x1f"]) == 4


def test_ldt(ring0):
    row = "0 0x04 0x0000000000000000 0xffffffff 1 1 0 0 1 3 data Read/Write, accessed"
    assert ring0["x86 ldt"] == [
        f"LDT base {GDT + 0x80:#018x} limit 0x17",
        "# Sel Base Limit G D/B L AVL P DPL Type",
        row,
        "1 0x0c 1 3 64-bit Call Gate to 0x10:0x100700",
    ]
    assert ring0[f"x86 ldt {GDT + 0x80:#x} 7"][-1] == row


def test_tss_has_stacks_and_ports(ring0):
    lines = ring0["x86 tss"]
    assert lines[0] == f"TSS base {TSS:#018x} limit 0x70 64-bit TSS"
    assert "rsp0 0x4 0x0000000000101800 stack on entry to ring 0" in lines
    assert "ist1 0x24 0x0000000000101f00 interrupt stack 1" in lines
    assert lines[-1] == "I/O bitmap: permits 0x8."
    assert ring0[f"x86 tss {TSS:#x}"][-1].startswith("I/O bitmap: offset 0x68 lies beyond the limit 0x67")
    assert ring0["x86 tss 0x30000000"] == ["error: The TSS at 0x30000000 is unreadable."]


def test_cr_names_flags_and_what_is_missing(ring0):
    lines = ring0["x86 cr"]
    assert "cr0 0x0000000080050033 PE MP ET NE WP AM PG" in lines
    assert "cr4 0x00000000003000b0 PSE PAE PGE SMEP SMAP" in lines
    assert "efer 0x0000000000000d01 SCE LME LMA NXE" in lines
    assert f"cr3 {PGD:#018x} top table at {PGD:#x}" in lines
    assert lines[-2] == "64-bit mode, 4-level paging, ring 0"
    missing = "xcr0 dr6 dr7 star lstar cstar fmask sysenter_cs sysenter_esp sysenter_eip"
    assert lines[-1] == f"Not given by the target: {missing}."
    assert "WP 16 1 ring 0 obeys read-only pages" in ring0["x86 cr -v"]
    assert ring0["p $cpl()"] == ["$1 = 0"]


def test_frame_says_what_iret_does(ring0):
    assert ring0["x86 frame"] == [
        f"64-bit interrupt frame at {FRAME:#x}",
        "Word At Value Meaning",
        f"rip {FRAME:#018x} {USER + 1:#018x}",
        f"cs {FRAME + 8:#018x} 0x0000000000000033 GDT index 6, RPL 3, 64-bit code of ring 3",
        f"rflags {FRAME + 16:#018x} 0x0000000000003002 IOPL=3",
        f"rsp {FRAME + 24:#018x} {USER + 0x800:#018x}",
        f"ss {FRAME + 32:#018x} 0x000000000000002b GDT index 5, RPL 3, data of ring 3",
        "iret goes from ring 0 to ring 3, interrupts disabled",
    ]
    with_code = ring0["x86 frame -e $rsp-8"]
    assert with_code[2] == f"error code {FRAME - 8:#018x} 0x0000000000000014"
    assert with_code[3:] == ring0["x86 frame"][2:]


def test_a_frame_that_iret_refuses(ring0):
    assert ring0[f"x86 frame {FRAME + 0x50:#x}"][-1] == "iret would fail: #GP(0), CS is a null selector"
    assert ring0["x86 frame 0x30000000"] == ["error: The frame at 0x30000000 is unreadable."]


def test_walk_is_a_chain_and_a_verdict(ring0):
    rip = image()[1]
    assert ring0["x86 walk $rip"] == [
        f"{rip:#018x} CR3 {PGD:#x} 4-level paging",
        "Level Intel Index Entry at Entry Points to Flags",
        f"PGD PML4 0 {PGD:#x} {PUD | 0x27:#018x} {PUD:#x} present writable user accessed",
        f"PUD PDPT 0 {PUD:#x} {PMD | 0x27:#018x} {PMD:#x} present writable user accessed",
        f"PMD PD 0 {PMD:#x} {PTE | 0x27:#018x} {PTE:#x} present writable user accessed",
        f"PTE PT 256 {PTE + 0x800:#x} {BASE | 0x23:#018x} {BASE:#x} present writable accessed",
        f"physical {rip:#x} in a 4 KiB page at {BASE:#x}, rights rwx supervisor",
        "Ring Access OK Exception Because",
        "0 read yes - present at every level",
        "0 write yes - writable at every level",
        "0 execute yes - executable at every level",
        "3 read no #PF(0x5) P US PTE entry is supervisor (U/S=0)",
        "3 write no #PF(0x7) P WR US PTE entry is supervisor (U/S=0)",
        "3 execute no #PF(0x15) P US ID PTE entry is supervisor (U/S=0)",
    ]


def test_walk_of_a_user_page_obeys_smep_and_smap(ring0):
    lines = ring0[f"x86 walk {USER:#x}"]
    refused = "and the page is a user page (U/S=1 at every level)"
    assert lines[-6:] == [
        f"0 read no #PF(0x1) P CR4.SMAP=1, RFLAGS.AC=0 {refused}",
        f"0 write no #PF(0x3) P WR CR4.SMAP=1, RFLAGS.AC=0 {refused}",
        f"0 execute no #PF(0x11) P ID CR4.SMEP=1 {refused}",
        "3 read yes - user and present at every level",
        "3 write no #PF(0x7) P WR US PTE entry is read-only (R/W=0)",
        "3 execute yes - user and executable at every level",
    ]


def test_walk_of_large_pages(ring0):
    direct = ring0[f"x86 walk {DIRECT + 0x1234:#x}"]
    assert "physical 0x1234 in a 1 GiB page at 0x0, rights rw- supervisor" in direct
    assert "0 execute no #PF(0x11) P ID PUD entry is no-execute (XD=1)" in direct
    verbose = ring0["x86 walk -v 0x200000"]
    assert "physical 0x200000 in a 2 MiB page at 0x200000, rights rwx supervisor" in verbose
    assert "frame 51:21 0x1 physical address of the page >> 21" in verbose


def test_walk_without_a_page(ring0):
    assert "reserved bits 0x2000 set in the PMD entry" in ring0["x86 walk 0x400000"]
    assert "3 write no #PF(0xf) P WR US RSVD PMD entry has reserved bits 0x2000" in ring0["x86 walk 0x400000"]
    assert "not mapped: the PGD entry is not present" in ring0["x86 walk 0x123456789abc"]
    assert "0 read no #PF(0x0) PGD entry is not present" in ring0["x86 walk 0x123456789abc"]
    assert "not canonical: bits 63:47 differ" in ring0["x86 walk 0x800000000000"]
    assert ring0["x86 walk 0x800000000000"][-1] == "3 execute no #GP(0x0) not canonical in 48 bits"
    assert f"CR3 {USER:#x}" in ring0[f"x86 walk 0x1000 {USER:#x}"][0]


def test_physical_reads_are_switched_off_again(ring0):
    assert ring0["maint packet qqemu.PhyMemMode"][1] == 'received: "0"'


def test_selectors(ring0):
    lines = ring0["x86 selector 0x33"]
    assert lines[0] == "0x0033 GDT index 6 (offset 0x30), RPL 3"
    assert lines[1] == f"0x00affb000000ffff at {GDT + 0x30:#x} 64-bit code, ring 3"
    assert "limit 51:48,15:0 0xfffff last offset 0xffffffff" in lines
    assert "64-bit code, ring 0" in ring0["x86 selector $cs"][1]
    assert ring0["x86 selector 7"][0] == "0x0007 LDT index 0 (offset 0x0), RPL 3"
    assert ring0["x86 selector 0xf"][1].endswith("64-bit Call Gate, DPL 3")
    assert ring0["x86 selector 0"][1] == "A null selector: no descriptor."
    assert ring0["x86 selector 0x80"] == ["error: 0x80 lies beyond the GDT's limit 0x5f: #GP if loaded."]
    assert ring0["x86 selector 0x12345"] == ["error: 0x12345 is no selector: it has more than 16 bits."]


def test_descriptors_by_value_and_address(ring0):
    assert ring0["x86 descriptor 0x00af9b000000ffff"][0] == "0x00af9b000000ffff 64-bit code, ring 0"
    task = ring0[f"x86 descriptor {GDT + 0x40:#x}"]
    assert task[0].endswith(f"at {GDT + 0x40:#x} 64-bit TSS (Busy), DPL 0")
    assert f"base 95:64,63:56,39:16 {TSS:#x} linear address of the segment" in task
    assert "64-bit Interrupt Gate, DPL 0" in ring0[f"x86 descriptor {IDT_LINEAR + 8 * 16:#x}"][0]
    gate = ring0["x86 descriptor 0x1a08e0100100bc0 0xffffffff"]
    assert "offset 95:64,63:48,15:0 0xffffffff01a00bc0 entry point" in gate
    assert "ist 34:32 0x1 interrupt stack table entry, 0 for none" in gate


def test_entries_by_value(ring0):
    assert ring0["x86 pte 0x8000000012345067"][0] == "PTE 0x8000000012345067"
    assert "frame 51:12 0x12345 physical address of the page >> 12" in ring0["x86 pte 0x8000000012345067"]
    assert ring0["x86 pte 0x80000000400001e3 pud"][0].startswith("PUD entry of a 1 GiB page")
    assert ring0["x86 pte 0x2063 PML4"][0] == "PGD entry (PML4E or PML5E) 0x0000000000002063"
    assert ring0["x86 pte 0xfe"][-1] == "Not present: the processor ignores all other bits."
    assert ring0["x86 pte 1 xx"] == ["error: No level xx in 4-level paging: pgd/pml4 pud/pdpt pmd/pd pte/pt."]


def test_error_codes(ring0):
    assert ring0["x86 error 7"][0] == "#PF 0x7 [P WR US] user write: protection violation"
    assert len(ring0["x86 error 7"]) == 2
    assert ring0["x86 error 0x402 gp"] == ["#GP 0x402 [IDT index=0x80] IDT gate 0x80 (interrupt 0x80)"]
    assert ring0["x86 error 0x15 14"] == ["#PF 0x15 [P US ID] user instruction fetch: protection violation"]
    assert ring0["x86 error 1 ud"] == ["error: #UD Invalid Opcode pushes no error code."]
    assert ring0["x86 error 0x100000000"] == ["error: 0x100000000 is no error code: it has more than 32 bits."]


def test_wrong_arguments(ring0):
    usage = "x86 walk [-v] ADDRESS [CR3]"
    assert ring0["x86 walk"] == [f"error: Usage: {usage}"]
    assert ring0["x86 walk -x 3"] == [f"error: Unknown option -x. Usage: {usage}"]
    assert ring0["x86 walk nosuch"][0].startswith("error: nosuch: No symbol")
    assert ring0["x86 walk $nosuch"] == ["error: $nosuch has no value."]


def test_help_is_the_docstring(ring0):
    listed = [line.split(" -- ")[0] for line in ring0["help x86"] if " -- " in line]
    names = "cr descriptor error frame gdt idt ldt pte selector tss walk"
    assert listed == [f"x86 {name}" for name in names.split()]
    assert ring0["help x86 walk"][1] == "Usage: x86 walk [-v] ADDRESS [CR3]"


# ---- the same machine in ring 3


def test_ring_3(machine, ring0):
    """The session before let the machine run on into its loop."""
    found = machine.ask(["p $cpl()", "x86 gdt", "x86 cr", "x86 walk $rip", "x86 frame"])
    assert found["p $cpl()"] == ["$1 = 3"]
    assert any(line.endswith("<- cs") and line.startswith("6 0x30") for line in found["x86 gdt"])
    assert any(line.endswith("<- ss") and line.startswith("5 0x28") for line in found["x86 gdt"])
    assert "64-bit mode, 4-level paging, ring 3" in found["x86 cr"]
    assert "3 execute yes - user and executable at every level" in found["x86 walk $rip"]
    assert found["x86 frame"][-1] == "iret would fail: #GP(0), CS is a null selector"


def test_walk_through_the_direct_map(machine, ring0):
    """Where the packet is not known; a root that does not map all memory at Linux's place is no way."""
    no_packet = "python import ringscope_gdb.memory as memory; memory.WAYS = memory.WAYS[1:]"
    other_root = f"x86 walk 0x1000 {USER:#x}"
    found = machine.ask([no_packet, f"x86 walk {USER:#x}", other_root])
    assert found[f"x86 walk {USER:#x}"] == ring0[f"x86 walk {USER:#x}"]
    assert found[other_root][0].startswith("error: Physical memory cannot be read: the target has neither")


# ---- real mode, at reset


def test_real_mode(tmp_path_factory):
    commands = ["x86 cr", "p $cpl()", "x86 idt", "x86 gdt", "x86 frame", "x86 walk 0x1234", "x86 pte 0x63 pmd"]
    for machine in start(tmp_path_factory, image()[0], "-smp", "2"):
        found = machine.ask(commands)
    assert found["x86 cr"][-2] == "real mode, paging off, ring 0"
    assert found["p $cpl()"] == ["$1 = 0"]
    assert found["x86 idt"][0] == "IVT base 0x0000000000000000 limit 0xffff"
    assert found["x86 idt"][2] == "0x00 #DE Divide Error 0000:0000"
    assert len(found["x86 idt"]) == 2 + 256
    assert found["x86 gdt"][-1] == "0-8191 empty"
    assert found["x86 frame"][0] == "16-bit interrupt frame at 0x0"
    assert found["x86 walk 0x1234"][1] == "physical 0x1234 (paging is off)"
    assert found["x86 walk 0x1234"][-1] == "3 execute yes - paging is off"
    assert found["x86 pte 0x63 pmd"][0] == "PMD entry (PDE) 0x0000000000000063"


# ---- our own kernel, with symbols

IMAGE = ROOT / "kernel" / "_image"


@pytest.mark.skipif(not (IMAGE / "vmlinux").is_file(), reason="the kernel is not built (python -m kernel.build)")
def test_symbols_of_our_kernel(tmp_path_factory):
    kernel = (IMAGE / "vmlinux").read_bytes()
    stop = [f"file {IMAGE / 'vmlinux'}", "hbreak start_thread", "continue"]
    commands = ["x86 idt", "x86 idt -v", "x86 tss", "x86 walk start_thread", "x86 frame &regs->ip"]
    for machine in start(tmp_path_factory, kernel, "-initrd", IMAGE / "initramfs.cpio"):
        found = machine.ask(commands, stop)
    gates = found["x86 idt"]
    assert any(line.startswith("0x0e #PF Page Fault 1 0 -") and "<asm_exc_page_fault>" in line for line in gates)
    assert any(line.startswith("0x80 1 3 - 0x10") and line.endswith("<system_call>") for line in gates)
    assert any(line.startswith("0x20-0x7f 96 handlers, ") for line in gates)
    assert len(found["x86 idt -v"]) > 200
    assert any(line.startswith("rsp0 0x4 0xffff") for line in found["x86 tss"])
    assert "0 execute yes - executable at every level" in found["x86 walk start_thread"]
    assert "3 execute no #PF(0x15) P US ID PGD entry is supervisor (U/S=0)" in found["x86 walk start_thread"]
    assert "<kernel_execve+" in found["x86 frame &regs->ip"][2]
    assert found["x86 frame &regs->ip"][-1] == "iret stays in ring 0, interrupts enabled"


# ---- all paging modes, against QEMU's own walk

PSE, PAE, LA57 = (control.CR4.mask(name) for name in ("PSE", "PAE", "LA57"))
LME = control.EFER.build(LME=1, NXE=1)
MODES = {
    "32-bit paging": (PSE, 0, 4),
    "PAE paging": (PAE, 0, 8),
    "4-level paging": (PAE, LME, 8),
    "5-level paging": (PAE | LA57, LME, 8),
}


def tables_of(mode):
    """Tables of one mode: a tree whose every table maps the image's 2 or 4 MiB, and pages of each size."""
    cr4, efer, size = MODES[mode]
    lma = control.EFER.mask("LMA") if efer else 0
    levels = paging.paging_mode(paging.PagingState(CR0, cr4, efer | lma)).levels
    contents, table = {}, PGD
    for level in levels[:-1]:
        child = table + 0x1000
        low = 1 if level.table is entries.PAE_PDPTE else 3
        contents[table] = child | low
        if level.page is not None:
            contents[table + 1 * size] = level.page.build(present=1, user=1, writable=1, large=1, frame=6)
            contents[table + 3 * size] = level.page.build(present=1, large=1, frame=5)
        table = child
    for page in range(0x200):
        contents[table + page * size] = page << 12 | (3 if page % 3 else 1)
    contents[table + 7 * size] = 0
    return {address: value.to_bytes(size, "little") for address, value in contents.items()}


def mode_program(mode):
    """32-bit code that enters a mode and jumps to itself by its last two bytes."""
    cr4, efer, _ = MODES[mode]
    cr0 = control.CR0.build(PE=1, ET=1, WP=1, PG=1)
    steps = [b"\xb8" + word32(cr4) + b"\x0f\x22\xe0", b"\xb8" + word32(PGD) + b"\x0f\x22\xd8"]
    if efer:
        steps.append(b"\xb9" + word32(0xC0000080) + b"\x31\xd2\xb8" + word32(efer) + b"\x0f\x30")
    return b"".join([*steps, b"\xb8" + word32(cr0) + b"\x0f\x22\xc0", b"\xeb\xfe"])


@pytest.mark.parametrize("mode", MODES)
def test_walks_agree_with_qemu(mode, tmp_path_factory):
    addresses = [0x1234, 0x7123, 0x100456, 0x1FFFFF, 0x200000, 0x3FFFFF, 0x400000, 0x612345, 0xC12345, 0xFFFFFFFF]
    addresses += [0x40000123, 0x80000123, 0xC0000123]
    if "level" in mode:
        addresses += [1 << 39, 0xFFFF800000000000, 0xFFFFFFFFFFFFFFFF]
    if mode.startswith("5"):
        addresses += [1 << 48, 0xFF00000000000000]
    walks = [f"x86 walk {address:#x}" for address in addresses]
    commands = ["x86 cr", *walks, *(f"monitor gva2gpa {address:#x}" for address in addresses)]
    program = mode_program(mode)
    jump = BASE + HEADER_SIZE + len(program) - 2
    for machine in start(tmp_path_factory, flat_image(program, tables_of(mode))):
        found = machine.ask(commands, [f"hbreak *{jump:#x}", "continue"])
    assert any(mode in line for line in found["x86 cr"])
    agreed = 0
    for address in addresses:
        walked = [line for line in found[f"x86 walk {address:#x}"] if line.startswith("physical ")]
        (theirs,) = found[f"monitor gva2gpa {address:#x}"]
        if theirs == "Unmapped":
            assert not walked, (hex(address), walked)
        else:
            assert int(walked[0].split()[1], 16) == int(theirs.removeprefix("gpa: "), 16), hex(address)
            agreed += 1
    assert agreed >= 6
