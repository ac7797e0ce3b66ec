"""A running kernel's objects: its memory seen through the layouts of its debug information."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

from kernel.errors import SymbolsError, UnreadableError
from kernel.structures import Member
from kernel.symbols import Symbols

MOST_LINKS = 1 << 15
"""Elements of a list after which it is taken for a ring that misses its head: Linux's default pid_max."""

_MASK = (1 << 64) - 1


class GuestMemory(Protocol):
    """The memory that the kernel runs in. Addresses are linear, lengths bytes."""

    def read(self, address: int, length: int, page_table: int | None = None) -> bytes:
        """All bytes, by the kernel's own view or the page table at a physical address. Raises UnreadableError."""
        ...

    def write(self, address: int, data: bytes) -> None:
        """Store all of it in the kernel's memory. Raises UnreadableError."""
        ...

    def physical(self, address: int) -> int:
        """Where a kernel's address lies. Raises UnreadableError."""
        ...


class Kernel:
    """Symbols, layouts and memory of a kernel that runs; ``processor`` tells which one is looked at, from 0."""

    def __init__(self, symbols: Symbols, memory: GuestMemory, processor: Callable[[], int] = lambda: 0) -> None:
        self.symbols = symbols
        self.memory = memory
        self.processor = processor
        self._members: dict[tuple[str, str], Member | None] = {}

    def address_of(self, name: str) -> int:
        """Linear address of a symbol. Raises SymbolsError."""
        symbol = self.symbols.lookup(name)
        if symbol is None:
            raise SymbolsError(f"{self.symbols.path}: no symbol {name!r}")
        return symbol.address

    def object(self, structure: str, address: int) -> Object:
        """What lies at an address; nothing is read yet."""
        return Object(self, structure, address)

    def variable(self, name: str, structure: str) -> Object:
        """A global variable. Raises SymbolsError."""
        return Object(self, structure, self.address_of(name))

    def number_at(self, address: int, length: int = 8) -> int:
        """An unsigned number. Raises UnreadableError."""
        return int.from_bytes(self.memory.read(address, length), "little")

    def find_member(self, structure: str, path: str) -> Member | None:
        """Where a member lies; None if this kernel's structure has none of that name."""
        key = structure, path
        if key not in self._members:
            try:
                self._members[key] = self.symbols.member(structure, path)
            except SymbolsError:
                self._members[key] = None
        return self._members[key]

    def member(self, structure: str, path: str) -> Member:
        """Where a member lies. Raises SymbolsError."""
        return self.find_member(structure, path) or self.symbols.member(structure, path)


class Object(NamedTuple):
    """A structure at a linear address. Every method raises UnreadableError, or SymbolsError for no such member."""

    kernel: Kernel
    structure: str
    address: int

    def has(self, path: str) -> bool:
        """Whether the structure has a member."""
        return self.kernel.find_member(self.structure, path) is not None

    def address_of(self, path: str) -> int:
        """Where a member lies."""
        return self.address + self.kernel.member(self.structure, path).offset & _MASK

    def number(self, path: str) -> int:
        """A member as an unsigned number."""
        member = self.kernel.member(self.structure, path)
        return self.kernel.number_at(self.address + member.offset & _MASK, member.length)

    def bytes(self, path: str) -> bytes:
        """A member as it lies there."""
        member = self.kernel.member(self.structure, path)
        return self.kernel.memory.read(self.address + member.offset & _MASK, member.length)

    def text(self, path: str) -> str:
        """An array of characters up to its end or a zero."""
        return self.bytes(path).partition(b"\0")[0].decode("utf-8", "replace")

    def inside(self, path: str) -> Object:
        """A member that is a structure."""
        member = self.kernel.member(self.structure, path)
        return Object(self.kernel, member.structure, self.address + member.offset & _MASK)

    def follow(self, path: str) -> Object | None:
        """What a member points to; None for a null pointer."""
        address = self.number(path)
        return Object(self.kernel, self.kernel.member(self.structure, path).structure, address) if address else None

    def string(self, path: str, most: int = 4096) -> str:
        """The string that a member points to."""
        return read_string(self.kernel, self.number(path), most)


def read_string(kernel: Kernel, address: int, most: int = 4096) -> str:
    """A string that ends with a zero, or after ``most`` bytes. Raises UnreadableError."""
    data = b""
    while len(data) < most and b"\0" not in data:
        at = address + len(data)
        data += kernel.memory.read(at, min(256 - at % 256, most - len(data)))
    return data.partition(b"\0")[0].decode("utf-8", "replace")


def for_each_entry(kernel: Kernel, head: int, structure: str, path: str) -> Iterator[Object]:
    """The objects of a list (Linux: include/linux/list.h) whose member ``path`` links them; the head is none of them.

    Raises UnreadableError where the list leaves memory or does not come back to its head.
    """
    offset = kernel.member(structure, path).offset
    link, seen = kernel.number_at(head), {head}
    while link not in seen and len(seen) <= MOST_LINKS:
        seen.add(link)
        yield Object(kernel, structure, link - offset & _MASK)
        link = kernel.number_at(link)
    if link != head:
        raise UnreadableError(f"the list of {structure} at {head:#x} leads to {link:#x}, not back to its head")
