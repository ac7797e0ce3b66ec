"""System calls in words: flags, strings, results, and the summary."""

import pytest

from kernel.abi.tables import Parameter, linux_names, syscalls
from ringscope.strace.arguments import argument, quote, result_in_words, signal_name
from ringscope.strace.summary import Summary
from ringscope.strace.values import FLAGS, OPEN, PROTECTION, WORDS, flags_in_words, open_flags

ROWS = {row.name: row for row in syscalls()}
MEMORY = {0x1000: b"/etc/motd\0", 0x2000: (0x1000).to_bytes(8, "little") + bytes(8), 0x3000: b"x" * 100}


def read(address, length):
    for start, data in MEMORY.items():
        if start <= address and address + length <= start + len(data):
            return data[address - start : address - start + length]
    raise MemoryError(hex(address))


def shown(name, *values, result=None):
    row = ROWS[name]
    values = (*values, *[0] * (6 - len(values)))
    return ", ".join(argument(row, index, values, read, result) for index in range(len(row.parameters)))


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (
            shown("openat", -100 & 0xFFFFFFFF, 0x1000, 0o1102, 0o644),
            'AT_FDCWD, "/etc/motd", O_RDWR|O_CREAT|O_TRUNC, 0644',
        ),
        (shown("open", 0x9999, 0, 0), "0x9999, O_RDONLY, 00"),
        (shown("write", 1, 0x3000, 40), '1, "' + "x" * 32 + '"..., 40'),
        (shown("read", 0, 0x3000, 100, result=3), '0, "xxx", 100'),
        (shown("read", 0, 0x3000, 100, result=-4), "0, 0x3000, 100"),
        (shown("execve", 0x1000, 0x2000, 0), '"/etc/motd", ["/etc/motd"], NULL'),
        (
            shown("mmap", 0, 4096, 3, 0x22, (1 << 64) - 1, 0),
            "0, 4096, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, 0xffffffffffffffff, 0",
        ),
        (shown("kill", (1 << 64) - 1, 9), "-1, SIGKILL"),
        (shown("lseek", 3, (1 << 64) - 5, 2), "3, -5, SEEK_END"),
        (shown("wait4", 5, 0x8, 1, 0), "5, 0x8, WNOHANG, NULL"),
        (result_in_words("open", 3), "3"),
        (result_in_words("open", -2 & (1 << 64) - 1), "-1 ENOENT (No such file or directory)"),
        (result_in_words("open", -512 & (1 << 64) - 1), "-1 errno 512"),
        (result_in_words("mmap", 0x7FFFF000), "0x7ffff000"),
        (quote(b'a"\n\x01', more=False), r'"a\"\n\x01"'),
        (flags_in_words(0, PROTECTION), "0"),
        (flags_in_words(0x19, PROTECTION), "PROT_READ|0x18"),
        (open_flags(3), "O_ACCMODE"),
        (signal_name(99), "99"),
    ],
)
def test_words(words, text):
    assert words == text


def test_the_tables_name_parameters_that_there_are():
    names = set(linux_names().values())
    for call, parameter in [*FLAGS, *WORDS]:
        assert call in names
        assert call not in ROWS or parameter in {each.name for each in ROWS[call].parameters}, (call, parameter)
    assert all(bit & bit - 1 == 0 for bit, _ in OPEN)


def test_every_argument_of_every_call_has_words():
    for row in syscalls():
        for value in (0, 1, 0x1000, 1 << 63, (1 << 64) - 1):
            for index, parameter in enumerate(row.parameters):
                assert isinstance(parameter, Parameter)
                assert argument(row, index, (value,) * 6, read, None)


def test_a_summary():
    summary = Summary()
    summary.add("read", 3000, 5)
    summary.add("read", 1000, (1 << 64) - 2)
    summary.add("exit", None, None)
    lines = list(summary.lines())
    assert lines[2].split() == ["100.00", "0.000004", "2", "2", "1", "read"]
    assert lines[3].split() == ["0.00", "0.000000", "0", "1", "exit"]
    assert lines[-1].split() == ["100.00", "0.000004", "1", "3", "1", "total"]
