"""The kernel's table of its own symbols: as Linux lays it out, and as the ELF file says."""

import struct
import subprocess

import pytest
from elftools.elf.elffile import ELFFile
from hypothesis import given
from hypothesis import strategies as st

from kernel import kallsyms
from kernel.errors import BuildError
from kernel.image import find_image
from kernel.symbols import Symbols


class Memory:
    """The image's bytes by symbol."""

    def __init__(self, path):
        with path.open("rb") as stream:
            self.parts = [(s["p_vaddr"], s.data()) for s in ELFFile(stream).iter_segments() if s["p_type"] == "PT_LOAD"]
        self.symbols = Symbols.load(path)

    def at(self, name, offset, length):
        address = self.symbols.lookup(name).address + offset
        start, data = next(part for part in self.parts if part[0] <= address < part[0] + len(part[1]))
        return data[address - start : address - start + length]

    def number(self, name, index, form):
        size = struct.calcsize(form)
        return struct.unpack(form, self.at(name, index * size, size))[0]

    def string(self, name, offset):
        return self.at(name, offset, 200).split(b"\0")[0].decode()


@pytest.fixture(scope="module")
def memory():
    return Memory(find_image().vmlinux)


def table(memory):
    """The table as Linux's readers decode it."""
    off = 0
    base = memory.number("kallsyms_relative_base", 0, "<Q")
    for index in range(memory.number("kallsyms_num_syms", 0, "<I")):
        if index % kallsyms.MARKER_EVERY == 0:
            assert memory.number("kallsyms_markers", index // kallsyms.MARKER_EVERY, "<I") == off
        length, *tokens = memory.at("kallsyms_names", off, 1 + memory.at("kallsyms_names", off, 1)[0])
        starts = [memory.number("kallsyms_token_index", token, "<H") for token in tokens]
        name = "".join(memory.string("kallsyms_token_table", start) for start in starts)
        yield base + memory.number("kallsyms_offsets", index, "<I"), name[0], name[1:]
        off += 1 + length


def test_the_image_holds_what_its_symbol_table_says(memory):
    found = list(table(memory))
    assert found == sorted(found, key=lambda row: row[0])
    known = {(symbol.address, symbol.name) for symbol in memory.symbols if symbol.kind == "function"}
    assert {row for row in known if row[0] >= 0xFFFFFFFF81000000} <= {(address, name) for address, _, name in found}
    letters = {name: letter for _, letter, name in found}
    assert (letters["do_syscall_64"], letters["init_task"], letters["jiffies"], letters["prb"]) == ("T", "D", "B", "D")
    assert letters["linux_banner"] == "R" and letters["vprintk_store"] == "T" and letters["write_line"] == "t"


def test_nm_agrees(memory):
    said = subprocess.run(["nm", find_image().vmlinux], capture_output=True, text=True, check=True).stdout
    known = {(int(address, 16), kind, name) for address, kind, name in (line.split() for line in said.splitlines())}
    high = {row for row in known if row[0] >= 0xFFFFFFFF81000000 and row[1] not in "aA"}
    assert high == set(table(memory))


@given(st.lists(st.text(st.characters(min_codepoint=48, max_codepoint=122), min_size=1, max_size=20), max_size=40))
def test_compression_loses_nothing(names):
    tokens, coded = kallsyms.compress(names)
    assert ["".join(tokens[token] for token in name) for name in coded] == names
    assert len(tokens) == kallsyms.TOKENS and all(len(c) <= len(n) for c, n in zip(coded, names, strict=True))


def test_a_name_that_is_too_long_is_refused():
    name = "t" + "".join(chr(48 + n % 10) + chr(65 + n // 10 % 26) + chr(97 + n % 26) for n in range(200))
    with pytest.raises(BuildError, match="too long a name"):
        kallsyms.assembly([kallsyms.Row(0xFFFFFFFF81000000, name)])
