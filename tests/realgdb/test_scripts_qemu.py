"""The x86 commands in stock gdb, on QEMU's stub: long mode in ring 0 at an IRETQ, and in ring 3 after it."""

import pytest

from tests.realgdb.qemu_machine import (
    BASE,
    DIRECT,
    FRAME,
    GDT,
    IDT_LINEAR,
    PGD,
    PMD,
    PTE,
    PUD,
    TSS,
    USER,
    image,
    start,
)

pytestmark = [pytest.mark.gdb, pytest.mark.qemu]

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
    assert "reserved bits 0x2000 are set in the PMD entry" in ring0["x86 walk 0x400000"]
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
    assert lines[1] == f"0x00affb000000ffff at {GDT + 0x30:#x} 64-bit code of ring 3"
    assert "limit 51:48,15:0 0xfffff last offset 0xffffffff" in lines
    assert "64-bit code of ring 0" in ring0["x86 selector $cs"][1]
    assert ring0["x86 selector 7"][0] == "0x0007 LDT index 0 (offset 0x0), RPL 3"
    assert ring0["x86 selector 0xf"][1].endswith("64-bit Call Gate, DPL 3")
    assert ring0["x86 selector 0"][1] == "A null selector: no descriptor."
    assert ring0["x86 selector 0x80"] == ["error: 0x80 lies beyond the GDT's limit 0x5f: #GP if loaded."]
    assert ring0["x86 selector 0x12345"] == ["error: 0x12345 is no selector: it has more than 16 bits."]


def test_descriptors_by_value_and_address(ring0):
    assert ring0["x86 descriptor 0x00af9b000000ffff"][0] == "0x00af9b000000ffff 64-bit code of ring 0"
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
    assert ring0["x86 pte 1 xx"] == [
        "error: no level 'xx' in 4-level paging: pgd (pml4), pud (pdpt), pmd (pd), pte (pt)"
    ]


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
    names = "break catch cr descriptor disassemble error frame gdt idt ldt mode pte selector tss walk"
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
