"""The exceptions, vectors 0 to 31, and how a second one during delivery ends (SDM 3A tables 6-1 and 6-5).

Real mode's vectors are here too: they are no descriptors.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from .bits import Layout


class Kind(StrEnum):
    """What an exception is to the instruction it interrupts (SDM 3A 6.5)."""

    FAULT = "fault"
    TRAP = "trap"
    FAULT_OR_TRAP = "fault/trap"
    ABORT = "abort"
    INTERRUPT = "interrupt"
    RESERVED = "reserved"


class DoubleFaultClass(StrEnum):
    """What an exception is to a second one during its delivery (SDM 3A table 6-4)."""

    BENIGN = "benign"
    CONTRIBUTORY = "contributory"
    PAGE_FAULT = "page fault"
    DOUBLE_FAULT = "double fault"


class Nested(StrEnum):
    """What the processor does with an exception met while it delivers another (SDM 3A table 6-5)."""

    SERIAL = "handled after the first"
    DOUBLE_FAULT = "double fault"
    SHUTDOWN = "shutdown"


class Vector(NamedTuple):
    """One row of SDM 3A table 6-1; `pushes_error_code` is whether delivery pushes one."""

    number: int
    mnemonic: str
    name: str
    kind: Kind
    pushes_error_code: bool
    double_fault_class: DoubleFaultClass


# fmt: off
_FAULT, _TRAP, _ABORT, _NONE = Kind.FAULT, Kind.TRAP, Kind.ABORT, Kind.RESERVED
_BENIGN, _CONTRIBUTORY = DoubleFaultClass.BENIGN, DoubleFaultClass.CONTRIBUTORY
_PAGE_FAULT, _DOUBLE_FAULT = DoubleFaultClass.PAGE_FAULT, DoubleFaultClass.DOUBLE_FAULT

VECTORS: tuple[Vector, ...] = (
    #       nr mnemonic name                               kind               error  class
    Vector( 0, "#DE",  "Divide Error",                     _FAULT,            False, _CONTRIBUTORY),
    Vector( 1, "#DB",  "Debug",                            Kind.FAULT_OR_TRAP, False, _BENIGN),
    Vector( 2, "NMI",  "Non-Maskable Interrupt",           Kind.INTERRUPT,    False, _BENIGN),
    Vector( 3, "#BP",  "Breakpoint",                       _TRAP,             False, _BENIGN),
    Vector( 4, "#OF",  "Overflow",                         _TRAP,             False, _BENIGN),
    Vector( 5, "#BR",  "BOUND Range Exceeded",             _FAULT,            False, _BENIGN),
    Vector( 6, "#UD",  "Invalid Opcode",                   _FAULT,            False, _BENIGN),
    Vector( 7, "#NM",  "Device Not Available",             _FAULT,            False, _BENIGN),
    Vector( 8, "#DF",  "Double Fault",                     _ABORT,            True,  _DOUBLE_FAULT),
    Vector( 9, "",     "Coprocessor Segment Overrun",      _FAULT,            False, _BENIGN),
    Vector(10, "#TS",  "Invalid TSS",                      _FAULT,            True,  _CONTRIBUTORY),
    Vector(11, "#NP",  "Segment Not Present",              _FAULT,            True,  _CONTRIBUTORY),
    Vector(12, "#SS",  "Stack-Segment Fault",              _FAULT,            True,  _CONTRIBUTORY),
    Vector(13, "#GP",  "General Protection",               _FAULT,            True,  _CONTRIBUTORY),
    Vector(14, "#PF",  "Page Fault",                       _FAULT,            True,  _PAGE_FAULT),
    Vector(15, "",     "Reserved",                         _NONE,             False, _BENIGN),
    Vector(16, "#MF",  "x87 Floating-Point Error",         _FAULT,            False, _BENIGN),
    Vector(17, "#AC",  "Alignment Check",                  _FAULT,            True,  _BENIGN),
    Vector(18, "#MC",  "Machine Check",                    _ABORT,            False, _BENIGN),
    Vector(19, "#XM",  "SIMD Floating-Point Exception",    _FAULT,            False, _BENIGN),
    Vector(20, "#VE",  "Virtualization Exception",         _FAULT,            False, _PAGE_FAULT),
    Vector(21, "#CP",  "Control Protection Exception",     _FAULT,            True,  _CONTRIBUTORY),
    Vector(22, "",     "Reserved",                         _NONE,             False, _BENIGN),
    Vector(23, "",     "Reserved",                         _NONE,             False, _BENIGN),
    Vector(24, "",     "Reserved",                         _NONE,             False, _BENIGN),
    Vector(25, "",     "Reserved",                         _NONE,             False, _BENIGN),
    Vector(26, "",     "Reserved",                         _NONE,             False, _BENIGN),
    Vector(27, "",     "Reserved",                         _NONE,             False, _BENIGN),
    Vector(28, "#HV",  "Hypervisor Injection (AMD)",       Kind.INTERRUPT,    False, _BENIGN),
    Vector(29, "#VC",  "VMM Communication (AMD)",          _FAULT,            True,  _CONTRIBUTORY),
    Vector(30, "#SX",  "Security Exception (AMD)",         _FAULT,            True,  _CONTRIBUTORY),
    Vector(31, "",     "Reserved",                         _NONE,             False, _BENIGN),
)

# The row is the first exception's class, the column the second's (SDM 3A table 6-5).
_NESTED: dict[DoubleFaultClass, tuple[Nested, Nested, Nested]] = {
    #               benign         contributory         page fault
    _BENIGN:       (Nested.SERIAL, Nested.SERIAL,       Nested.SERIAL),
    _CONTRIBUTORY: (Nested.SERIAL, Nested.DOUBLE_FAULT, Nested.SERIAL),
    _PAGE_FAULT:   (Nested.SERIAL, Nested.DOUBLE_FAULT, Nested.DOUBLE_FAULT),
    _DOUBLE_FAULT: (Nested.SERIAL, Nested.SHUTDOWN,     Nested.SHUTDOWN),
}
_COLUMN = {_BENIGN: 0, _CONTRIBUTORY: 1, _PAGE_FAULT: 2, _DOUBLE_FAULT: 1}
# fmt: on

# fmt: off
IVT_ENTRY = Layout(
    "real-mode interrupt vector", 32,
    # SDM 3B figure 20-2
    ("offset",    0, 15, "IP of the handler"),
    ("segment",  16, 31, "CS of the handler"),
)
# fmt: on

BY_MNEMONIC: dict[str, Vector] = {vector.mnemonic: vector for vector in VECTORS if vector.mnemonic}


def vector_name(number: int) -> str:
    """`#PF Page Fault` for an exception, `interrupt 0x80` for vectors from 32; ValueError beyond 255."""
    if not 0 <= number <= 255:
        raise ValueError(f"vector {number} is not in 0..255")
    if number >= len(VECTORS):
        return f"interrupt {number:#x}"
    vector = VECTORS[number]
    return f"{vector.mnemonic} {vector.name}".strip()


def pushes_error_code(number: int) -> bool:
    """Whether the exception with this vector pushes an error code; never true of INT n and interrupts."""
    return number < len(VECTORS) and VECTORS[number].pushes_error_code


def nested(first: int, second: int) -> Nested:
    """What happens when exception `second` arises while `first` is delivered (SDM 3A table 6-5).

    Interrupts (vectors from 32) are benign: what delivering them meets is handled as the first exception.
    """
    return _NESTED[_class(first)][_COLUMN[_class(second)]]


def _class(number: int) -> DoubleFaultClass:
    return VECTORS[number].double_fault_class if number < len(VECTORS) else _BENIGN
