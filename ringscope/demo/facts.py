"""What the demo expects, from the guest's tables and ELF files and from Linux's headers, never from gdb."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kernel.abi.tables import constant, syscalls
from kernel.errors import SymbolsError
from kernel.image import Image
from kernel.program import Program
from kernel.symbols import Symbols
from machine.x86.registers import RFLAGS

# Access bytes and flags as Linux gives them to GDT_ENTRY_INIT (arch/x86/kernel/cpu/common.c, gdt_page).
_GDT_FLAGS = {"__KERNEL_CS": 0xA09B, "__USER_DS": 0xC0F3, "__USER_CS": 0xA0FB}


@dataclass(frozen=True)
class Facts:
    """Numbers that gdb's answers are compared with."""

    int80: int
    """Address of the instruction in kernel_execve."""
    init: Program
    helper: Program
    int80_length: int = 2
    """Bytes of it: the gate pushes the address behind them."""

    @classmethod
    def of(cls, image: Image) -> Facts:
        """Read them from a built guest.  Raises `kernel.errors.Error` naming the file or symbol that is not there."""
        return cls(
            _address(image.vmlinux, "kernel_execve_int80"),
            Program.load(image.program("init")),
            Program.load(image.program("helper")),
        )

    def selector(self, name: str) -> int:
        """A selector of the guest's GDT, such as `__USER_CS`."""
        return constant(name)

    def descriptor(self, name: str) -> int:
        """The 8-byte descriptor that Linux puts behind a selector: flat, 4 GiB limit."""
        flags, limit = _GDT_FLAGS[name], 0xFFFFF
        return (flags & 0xF0FF) << 40 | (limit >> 16) << 48 | limit & 0xFFFF

    @property
    def direct_map(self) -> int:
        """Linear address at which the kernel has all physical memory."""
        return constant("PAGE_OFFSET")

    @property
    def user_flags(self) -> int:
        """RFLAGS that a new program starts with."""
        return RFLAGS.mask("IF")

    @property
    def execve(self) -> int:
        """The number of execve behind `int $0x80`, in i386's table."""
        return _number("execve", "i386")

    @property
    def write(self) -> int:
        """The number of write behind SYSCALL, in x86-64's table."""
        return _number("write", "x86_64")


def _address(path: Path, name: str) -> int:
    symbol = Symbols.load(path).lookup(name)
    if symbol is None:
        raise SymbolsError(f"{path} has no symbol {name}")
    return symbol.address


def _number(name: str, table: str) -> int:
    call = next(call for call in syscalls() if call.name == name)
    number = {"i386": call.i386, "x86_64": call.x86_64}[table]
    assert number is not None
    return number
