"""Symbols and layouts of the built kernel, against binutils and against the sources; broken files."""

import random
import re
import shutil
import subprocess

import pytest

from kernel import build
from kernel.errors import ImageError, SymbolsError
from kernel.image import find_image
from kernel.symbols import Symbol, Symbols


@pytest.fixture(scope="module")
def image():
    if build.stale(build.IMAGE):
        build.build(build.IMAGE)
    return find_image()


@pytest.fixture(scope="module")
def symbols(image):
    return Symbols.load(image.vmlinux)


LANDMARKS = """
    pvh_start_xen startup_64 x86_64_start_kernel
    start_kernel rest_init kernel_thread kernel_init run_init_process kernel_execve system_call
    sys_execve do_execve do_execveat_common search_binary_handler load_elf_binary start_thread start_thread_common
    entry_SYSCALL_64 do_syscall_64 syscall_exit_to_user_mode call_usermodehelper cpu_idle printk panic exc_page_fault
    exc_general_protection schedule context_switch __switch_to_asm __switch_to ret_from_fork
"""
DATA = "current_task init_task gdt_page idt_table cpu_tss_rw prb linux_banner jiffies init_top_pgt"


@pytest.mark.parametrize("name", LANDMARKS.split())
def test_landmarks_are_functions(symbols, name):
    assert symbols.lookup(name).kind == "function"
    assert symbols.lookup(name).size > 0


@pytest.mark.parametrize("name", DATA.split())
def test_data_are_objects(symbols, name):
    assert symbols.lookup(name).kind == "object"


def test_a_name_that_is_not_there(symbols):
    assert symbols.lookup("no_such_function") is None


def test_first_and_last_byte_of_a_function(symbols):
    function = symbols.lookup("start_thread")
    assert symbols.nearest(function.address) == (function, 0)
    assert symbols.nearest(function.address + function.size - 1) == (function, function.size - 1)


def test_a_label_inside_a_function_is_the_function(symbols):
    label, function = symbols.lookup("native_sysret"), symbols.lookup("entry_SYSCALL_64")
    assert label.kind == "label"
    assert symbols.nearest(label.address) == (function, label.address - function.address)


def test_addresses_that_belong_to_nothing(symbols):
    last = max(symbol.address + symbol.size for symbol in symbols)
    for address in (0, 0x400000, 0xFFFFFFFF80FFFFFF, last, 1 << 64):
        assert symbols.nearest(address) is None


def test_labels_reach_to_the_next_symbol(tmp_path):
    names = [Symbol("a", 0x10, 0, "label"), Symbol("f", 0x20, 8, "function"), Symbol("end", 0x40, 0, "label")]
    table = Symbols(tmp_path, names[::-1])
    assert list(table) == names and len(table) == 3
    assert table.nearest(0x1F) == (names[0], 0xF)
    assert table.nearest(0x27) == (names[1], 7)
    assert table.nearest(0x28) is None
    assert table.nearest(0x40) is None
    assert table.nearest(0xF) is None


def test_iteration_is_by_address(symbols):
    addresses = [symbol.address for symbol in symbols]
    assert addresses == sorted(addresses)


@pytest.mark.skipif(shutil.which("nm") is None, reason="binutils are not installed")
def test_addresses_are_those_of_nm(image, symbols):
    listed = subprocess.run(["nm", image.vmlinux], capture_output=True, text=True, check=True).stdout
    theirs = {(int(line[:16], 16), line[19:]) for line in listed.splitlines() if line[17] not in "aAU"}
    assert {(symbol.address, symbol.name) for symbol in symbols} == theirs


@pytest.mark.parametrize(
    ("structure", "member", "offset"),
    [
        ("struct pt_regs", "r15", 0),
        ("struct pt_regs", "orig_ax", 15 * 8),
        ("struct pt_regs", "ip", 16 * 8),
        ("struct pt_regs", "cs", 17 * 8),
        ("struct pt_regs", "ss", 20 * 8),
        ("pt_regs", "ss", 20 * 8),
        ("struct x86_hw_tss", "sp0", 4),
        ("struct x86_hw_tss", "ist", 36),
        ("struct tss_struct", "x86_tss.io_bitmap_base", 102),
        ("struct list_head", "prev", 8),
    ],
)
def test_offsets(symbols, structure, member, offset):
    assert symbols.offset_of(structure, member) == offset


def test_nested_members_add_up(symbols):
    assert symbols.offset_of("struct task_struct", "thread.sp0") == symbols.offset_of(
        "struct task_struct", "thread"
    ) + symbols.offset_of("struct thread_struct", "sp0")
    assert symbols.size_of("struct pt_regs") == 21 * 8


@pytest.mark.parametrize(
    ("structure", "member", "message"),
    [
        ("struct nothing", "x", "has no 'struct nothing'"),
        ("union pt_regs", "ip", "has no 'union pt_regs'"),
        ("struct pt_regs", "eip", "struct pt_regs has no member 'eip'"),
        ("struct pt_regs", "ip.x", "has no member 'ip.x'"),
        ("struct desc_struct", "dpl", "'dpl' is a bit-field"),
    ],
)
def test_what_has_no_offset_is_named(symbols, structure, member, message):
    with pytest.raises(SymbolsError, match=re.escape(message)):
        symbols.offset_of(structure, member)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(SymbolsError, match="nothing: No such file"):
        Symbols.load(tmp_path / "nothing")


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"not an ELF file" * 100])
def test_a_file_that_is_no_elf_is_named(tmp_path, content):
    path = tmp_path / "broken"
    path.write_bytes(content)
    with pytest.raises(SymbolsError, match="broken"):
        Symbols.load(path)


def test_a_program_without_debug_information(tmp_path, image):
    data = bytearray(image.program("echo").read_bytes())
    path = tmp_path / "stripped"
    path.write_bytes(data.replace(b".debug_info\0", b".gone_info_\0"))
    with pytest.raises(SymbolsError, match="stripped"):
        Symbols.load(path).offset_of("struct pt_regs", "ip")


@pytest.mark.parametrize("seed", range(40))
def test_damage_raises_one_error_or_none(tmp_path, image, seed):
    randomness = random.Random(seed)
    data = bytearray(image.program("echo").read_bytes())
    header, tables = range(64), range(len(data) - 3000, len(data))
    for _ in range(randomness.randint(1, 20)):
        data[randomness.choice(randomness.choice([header, tables, range(len(data))]))] = randomness.randrange(256)
    path = tmp_path / "damaged"
    path.write_bytes(data[: randomness.choice([len(data), randomness.randrange(len(data))])])
    try:
        symbols = Symbols.load(path)
        symbols.nearest(0x401000)
        symbols.offset_of("struct linux_dirent64", "d_name")
    except SymbolsError as error:
        assert "damaged" in str(error)


def test_an_image_that_is_not_built(tmp_path):
    with pytest.raises(ImageError, match=r"vmlinux is missing; run `python -m kernel\.build`"):
        find_image(tmp_path)


def test_a_program_that_is_not_there(image):
    with pytest.raises(ImageError, match=r"no user program 'nothing'.*there are .*echo"):
        image.program("nothing")


def test_debug_paths_lead_to_the_sources(image):
    assert (image.sources / "guest" / "fs" / "exec.c").is_file()
    assert (image.sources / "_image" / "generated" / "user" / "syscalls.c").is_file()
