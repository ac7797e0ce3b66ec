"""The page tables that the kernel leaves in memory: what is mapped, and with which rights."""

import re
from typing import NamedTuple

import pytest

from kernel.abi.tables import constant
from kernel.image import find_image
from kernel.symbols import Symbols
from kernel.tasks import for_each_process_thread
from machine.boot.load import boot as load
from machine.machine import Machine
from tests.guest.boot import initrd, vmlinux
from tests.guest.places import at_the_prompt

PRESENT, WRITE, USER, LARGE, GLOBAL, NX = 1, 2, 4, 0x80, 0x100, 1 << 63
FRAME = 0x000FFFFFFFFFF000
MIB = 1 << 20
DUMP = "/sys/kernel/debug/page_tables/kernel"


class Page(NamedTuple):
    """One mapping: linear and physical address, size in bytes, and the rights that all its levels leave."""

    linear: int
    physical: int
    size: int
    writable: bool
    user: bool
    executable: bool
    is_global: bool


def pages(memory, table, level=4, linear=0, rights=(True, True, True)):
    """Every mapping below a table, by the rules of 4-level paging (SDM 3A 4.5)."""
    for index in range(512):
        entry = memory.read_u64(table + 8 * index)
        if not entry & PRESENT:
            continue
        size = 1 << (12 + 9 * (level - 1))
        address = linear + index * size
        if level == 4 and index >= 256:
            address |= 0xFFFF << 48
        here = bool(entry & WRITE), bool(entry & USER), not entry & NX
        left = tuple(a and b for a, b in zip(rights, here, strict=True))
        if level == 1 or entry & LARGE:
            yield Page(address, entry & FRAME, size, *left, bool(entry & GLOBAL))
        else:
            yield from pages(memory, entry & FRAME, level - 1, address, left)


@pytest.fixture(scope="module", params=[64, 256])
def stopped(request):
    """A machine of so many MiB that panicked after init had run: its memory, and all mappings of its last task."""
    machine = Machine(request.param * MIB)
    load(machine, vmlinux(), initrd=initrd(None), command_line="init=/bin/segv")
    while machine.run() is None:
        pass
    return request.param, list(pages(machine.memory, machine.cpu.read_register("cr3") & FRAME))


@pytest.fixture(scope="module")
def symbols():
    return Symbols.load(find_image().vmlinux)


def test_no_page_is_writable_and_executable(stopped):
    assert [page for page in stopped[1] if page.writable and page.executable] == []


def test_no_kernel_page_is_a_users(stopped):
    assert [page for page in stopped[1] if page.user != (page.linear < constant("TASK_SIZE"))] == []


def test_the_kernels_pages_are_global(stopped):
    assert [page for page in stopped[1] if page.is_global == page.user] == []


def test_there_is_no_identity_map(stopped):
    assert [page for page in stopped[1] if page.linear == page.physical] == []


def test_the_image_has_the_rights_of_its_parts(stopped, symbols):
    names = ("_text", "__start_rodata", "_sdata", "__init_begin", "__init_end", "_end")
    text, rodata, data, init, after_init, end = (symbols.lookup(name).address for name in names)
    base, fixmap = constant("__START_KERNEL_map"), constant("FIX_APIC_BASE")
    image = [page for page in stopped[1] if base <= page.linear < fixmap]
    assert [page.linear for page in image] == [*range(text, init, 4096), *range(after_init, end, 4096)]
    for page in image:
        assert page.physical == page.linear - base
        assert page.executable == (page.linear < rodata)
        assert page.writable == (page.linear >= data)


def test_the_local_apic_is_mapped_for_the_kernel_alone(stopped):
    (page,) = (page for page in stopped[1] if page.linear == constant("FIX_APIC_BASE"))
    assert page.physical == 0xFEE00000
    assert page.writable and not page.executable and not page.user


def test_the_direct_map_is_all_memory_and_nothing_else(stopped):
    first = constant("PAGE_OFFSET")
    mapped = [page for page in stopped[1] if first <= page.linear < constant("VMALLOC_START")]
    assert sum(page.size for page in mapped) == stopped[0] * MIB
    assert all(page.linear - first == page.physical and not page.executable for page in mapped)
    small = {page.physical // (2 * MIB) for page in mapped if page.size == 4096}
    assert small == {constant("LOAD_PHYSICAL_ADDR") // (2 * MIB)}


def told(console):
    """The lines of a dump of page tables: first and last address, size of the entries' pages, rights."""
    sizes = {"pte": 1 << 12, "pmd": 2 << 20, "pud": 1 << 30}
    line = r"^0x([0-9a-f]{16})-0x([0-9a-f]{16}) +\d+[KMGT] (USR|   ) (RW|ro) (?:PWT|   ) (?:PCD|   ) .{8}(NX|x ) (p..)$"
    for start, end, user, writable, execute, level in re.findall(line, console, re.MULTILINE):
        rights = writable == "RW", user == "USR", execute == "x "
        yield int(start, 16), int(end, 16), sizes[level], *rights


def test_the_kernel_tells_of_its_tables_what_is_there():
    """Two walks of one set of tables: the guest's, by its own C, and the one above."""
    console = bytearray()
    machine = Machine(64 << 20, send=console.extend)
    load(machine, vmlinux(), initrd=initrd(None), command_line="panic=-1 quiet init=/bin/cat -- " + DUMP)
    while machine.run() is None:
        pass
    lines = list(told(console.replace(b"\r", b"").decode()))
    assert len(lines) > 8, console
    found = {
        page.linear: page for page in pages(machine.memory, machine.cpu.read_register("cr3") & FRAME) if not page.user
    }
    for start, end, size, *rights in lines:
        for address in range(start, end, size):
            page = found.pop(address)
            assert (page.size, page.writable, page.user, page.executable) == (size, *rights), hex(address)
    assert not found


def test_pages_of_a_gigabyte_where_they_fit():
    """Of 3 GiB the first has the image in it, and read-only pages; the others are an entry each."""
    console = bytearray()
    machine = Machine(3 << 30, send=console.extend)
    load(machine, vmlinux(), initrd=initrd(None), command_line="panic=-1 init=/bin/usertests -- gigabytes_are_told")
    while machine.run() is None:
        pass
    assert b"ok   gigabytes_are_told" in console
    first, sizes = constant("PAGE_OFFSET"), {}
    for page in pages(machine.memory, machine.cpu.read_register("cr3") & FRAME):
        if first <= page.linear < constant("VMALLOC_START"):
            sizes[page.size] = sizes.get(page.size, 0) + 1
    assert sizes == {1 << 30: 2, 2 << 20: 511, 4096: 512}


def test_text_is_read_only_in_the_direct_map_too(stopped, symbols):
    text = {page.physical for page in stopped[1] if page.executable and not page.user}
    aliases = [page for page in stopped[1] if page.physical in text and page.size == 4096]
    assert len(aliases) == 2 * len(text)
    assert not any(page.writable for page in aliases)


def test_what_was_freed_after_the_boot_is_memory_like_any_other(stopped, symbols):
    first, after = (symbols.lookup(name).address for name in ("__init_begin", "__init_end"))
    offset = constant("PAGE_OFFSET") - constant("__START_KERNEL_map")
    freed = range(first + offset, after + offset, 4096)
    aliases = [page for page in stopped[1] if page.linear in freed]
    assert len(aliases) == len(freed) > 0
    assert all(page.writable and not page.executable and not page.user for page in aliases)


def test_kernel_stacks_have_guards(stopped):
    size = constant("THREAD_SIZE")
    stacks = [page.linear for page in stopped[1] if 0 <= page.linear - constant("VMALLOC_START") < 1 << 30]
    assert stacks and len(stacks) % (size // 4096) == 0
    assert all((address - constant("VMALLOC_START")) % (2 * size) >= size for address in stacks)


def test_two_processes_at_one_address_have_frames_of_their_own():
    guest = at_the_prompt()
    table = {task.comm: task.page_table for task in for_each_process_thread(guest.running_kernel)}
    init, shell = (
        {page.linear: page for page in pages(guest.machine.memory, table[name] & FRAME) if page.user}
        for name in ("init", "sh")
    )
    both = init.keys() & shell.keys()
    assert constant("ELF_BASE") + 0x1000 in both and constant("STACK_TOP") - 0x1000 in both
    shared = [page for page in both if init[page].physical == shell[page].physical]
    assert not [page for page in shared if init[page].writable or page < constant("ELF_BASE") + 0x100000]
