"""The ABI tables, and what is generated from them."""

import re

import pytest

from kernel.abi import headers
from kernel.abi.tables import (
    Parameter,
    constant,
    constants,
    linux_names,
    parse_constants,
    parse_names,
    parse_syscalls,
    syscalls,
)
from kernel.errors import AbiError

CALLS = {call.name: call for call in syscalls()}


@pytest.mark.parametrize(
    ("name", "x86_64", "i386"),
    [("read", 0, 3), ("write", 1, 4), ("execve", 59, 11), ("exit", 60, 1), ("fork", 57, 2), ("reboot", 169, 88)],
)
def test_numbers_are_linux_numbers(name, x86_64, i386):
    assert (CALLS[name].x86_64, CALLS[name].i386) == (x86_64, i386)


def test_parameters_are_types_and_names():
    assert CALLS["write"].parameters == (
        Parameter("unsigned int", "fd"),
        Parameter("const char *", "buf"),
        Parameter("size_t", "count"),
    )
    assert CALLS["getpid"].parameters == ()
    assert CALLS["execve"].parameters[1] == Parameter("const char *const *", "argv")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("__KERNEL_CS", 0x10),
        ("__KERNEL_DS", 0x18),
        ("__USER32_CS", 0x23),
        ("__USER_DS", 0x2B),
        ("__USER_CS", 0x33),
        ("GDT_TSS_SELECTOR", 0x40),
        ("PAGE_OFFSET", 0xFFFF888000000000),
        ("KERNEL_TEXT", 0xFFFFFFFF81000000),
        ("IA32_SYSCALL_VECTOR", 0x80),
    ],
)
def test_layout_is_linux_layout(name, value):
    assert constant(name) == value


def test_the_image_is_linked_where_it_is_loaded():
    assert constant("KERNEL_TEXT") - constant("__START_KERNEL_map") == constant("LOAD_PHYSICAL_ADDR")
    assert constant("LOAD_PHYSICAL_ADDR") % constant("PMD_SIZE") == 0


def test_an_unknown_constant_is_named():
    with pytest.raises(AbiError, match="'NOPE'"):
        constant("NOPE")


@pytest.mark.parametrize(
    ("parse", "text", "message"),
    [
        (parse_syscalls, "read 0", "table:1: want NAME"),
        (parse_syscalls, "read zero 3 void", "table:1: not a number: 'zero'"),
        (parse_syscalls, "read 0 3 void\nread 1 4 void", "more than one row for read"),
        (parse_syscalls, "# rows\nread 0 3 void\nwrite 0 4 void", "more than one row for x86_64 0"),
        (parse_syscalls, "read 0 3 void\nwrite 1 3 void", "more than one row for i386 3"),
        (parse_constants, "NAME 1", "table:1: want NAME"),
        (parse_constants, "NAME one meaning", "not a number"),
        (parse_constants, "A 1 x\nA 1 x", "more than one row for A"),
    ],
)
def test_a_bad_row_is_named(tmp_path, parse, text, message):
    table = tmp_path / "table"
    table.write_text(text)
    with pytest.raises(AbiError, match=re.escape(message)):
        parse(table)


def test_a_parameter_without_a_type_is_named(tmp_path):
    table = tmp_path / "table"
    table.write_text("read 0 3 fd")
    with pytest.raises(AbiError, match="'fd'"):
        _ = parse_syscalls(table)[0].parameters


def test_numbers_are_those_of_linux():
    known = {name: number for number, name in linux_names().items()}
    assert {call.name: call.x86_64 for call in syscalls() if call.x86_64 is not None}.items() <= known.items()


def test_what_programs_only_try_is_not_told_of(tmp_path):
    names = headers.generated_files()["asm/syscall_names.h"]
    assert '[41] = "socket",' in names
    assert not {"rseq", "membarrier", "clone3"} & set(re.findall('"(.*)"', names))
    table = tmp_path / "table"
    table.write_text("334 rseq perhaps")
    with pytest.raises(AbiError, match="334 rseq perhaps"):
        parse_names(table)


def test_tables_have_a_line_for_every_number():
    files = headers.generated_files()
    for name, column in (("asm/syscalls_64.h", "x86_64"), ("asm/syscalls_32.h", "i386")):
        lines = files[name].splitlines()
        last = max(number for call in syscalls() if (number := getattr(call, column)) is not None)
        assert [int(re.match(r"__SYSCALL\((\d+),", line)[1]) for line in lines] == list(range(last + 1))
    assert "__SYSCALL(11, sys_execve)" in files["asm/syscalls_32.h"]
    assert "__SYSCALL(134, sys_ni_syscall)" in files["asm/syscalls_64.h"]


def test_wide_constants_are_unsigned_long_in_c():
    layout = headers.generated_files()["asm/layout.h"]
    assert re.search(r"#define PAGE_OFFSET +_AC\(0xffff888000000000, UL\)", layout)
    assert re.search(r"#define __USER_CS +0x33 ", layout)


def test_stubs_pass_every_parameter():
    stubs = headers.generated_files()["user/syscalls.c"]
    assert "return syscall3(__NR_write, (long)fd, (long)buf, (long)count);" in stubs
    assert "long getpid(void)\n{\n\treturn syscall0(__NR_getpid);" in stubs
    assert "__user" not in stubs


def test_the_document_has_every_row():
    text = headers.document()
    for call in syscalls():
        assert f"| `{call.name}` |" in text
    for row in constants():
        assert f"| `{row.name}` | `{row.text}` |" in text
