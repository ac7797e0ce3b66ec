"""The x86 commands on QEMU's stub in real mode, in every paging mode, and with our own kernel's symbols."""

import pytest

from machine.x86 import control, entries, paging
from ringscope.serve import gdb_word
from tests.realgdb.qemu_machine import BASE, CR0, HEADER_SIZE, PGD, ROOT, flat_image, image, start, word32

pytestmark = [pytest.mark.gdb, pytest.mark.qemu]

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
    stop = [f"file {gdb_word(IMAGE / 'vmlinux')}", "hbreak start_thread", "continue"]
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
