"""What is freed after the boot: nothing that stays calls it or knows where it is."""

import re

import pytest
from capstone import CS_ARCH_X86, CS_MODE_64, Cs
from elftools.elf.elffile import ELFFile

from kernel.image import find_image
from kernel.symbols import Symbols

MAY = {
    # They run while it is there, or want the fault.
    *("secondary_startup_64", "kernel_init", "free_initmem", "lkdtm_EXEC_INIT", "lkdtm_READ_INIT"),
}

ADDRESS = re.compile(r"0x[0-9a-f]{16}\b")


@pytest.fixture(scope="module")
def sections():
    """Bytes and address of each section that stays, by name."""
    with find_image().vmlinux.open("rb") as stream:
        elf = ELFFile(stream)
        named = {section.name: section for section in elf.iter_sections()}
        return {name: (named[name]["sh_addr"], named[name].data()) for name in (".text", ".rodata", ".data")}


@pytest.fixture(scope="module")
def symbols():
    return Symbols.load(find_image().vmlinux)


@pytest.fixture(scope="module")
def freed(symbols):
    return range(symbols.lookup("__init_begin").address, symbols.lookup("__init_end").address)


def targets(instruction):
    """Addresses of the kernel's image that an instruction names."""
    if "rip" in instruction.op_str:
        offset = re.search(r"rip ([+-]) (0x[0-9a-f]+|\d+)", instruction.op_str)
        yield instruction.address + instruction.size + int(offset[1] + offset[2], 0)
    for found in ADDRESS.findall(instruction.op_str):
        yield int(found, 16)


def test_code_that_stays_calls_nothing_that_goes(sections, symbols, freed):
    address, code = sections[".text"]
    disassembler = Cs(CS_ARCH_X86, CS_MODE_64)
    disassembler.skipdata = True
    found = {
        symbols.nearest(instruction.address)[0].name
        for instruction in disassembler.disasm(code, address)
        for target in targets(instruction)
        if target in freed
    }
    assert found <= MAY, "mark them __init, or what they call not"
    assert {"kernel_init", "lkdtm_EXEC_INIT", "lkdtm_READ_INIT"} <= found


@pytest.mark.parametrize("name", [".rodata", ".data"])
def test_data_that_stays_points_to_nothing_that_goes(sections, symbols, freed, name):
    address, data = sections[name]
    levels = symbols.lookup("initcall_levels")
    for offset in range(0, len(data) - 7, 8):
        if address + offset not in range(levels.address, levels.address + levels.size):
            word = int.from_bytes(data[offset : offset + 8], "little")
            assert word not in freed, f"{symbols.nearest(address + offset)} points to {symbols.nearest(word)}"


def test_start_kernel_and_the_initcalls_go(symbols, freed):
    for name in (
        "start_kernel",
        "x86_64_start_kernel",
        "do_initcalls",
        "do_one_initcall",
        "populate_rootfs",
        "setup_arch",
    ):
        assert symbols.lookup(name).address in freed, name
    for name in ("rest_init", "kernel_init", "cpu_idle", "run_init_process"):
        assert symbols.lookup(name).address not in freed, name
