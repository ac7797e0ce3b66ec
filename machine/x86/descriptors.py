"""Selectors, segment and gate descriptors, hidden parts of segment registers (SDM 3A 3.4, 5.8, 6.11, 7.2).

A descriptor is passed as an integer, little-endian as in memory: 8 bytes, or 16 for the system segments
and gates of IA-32e mode. Decoded limits are in bytes (the last valid offset), whatever the granularity bit.
"""

from __future__ import annotations

from typing import NamedTuple

from .bits import Layout

# fmt: off
SELECTOR = Layout(
    "selector", 16,
    # name          low high  meaning (SDM 3A figure 3-6)
    ("rpl",           0,   1, "requested privilege level"),
    ("ti",            2,   2, "table indicator", {0: "GDT", 1: "LDT"}),
    ("index",         3,  15, "index in the table"),
)

_SEGMENT_ROWS = (
    # SDM 3A figure 3-8
    ("base",         16,  39, "linear address of the segment"),
    ("base",         56,  63, "linear address of the segment"),
    ("limit",         0,  15, "last offset, in bytes or 4 KiB units"),
    ("limit",        48,  51, "last offset, in bytes or 4 KiB units"),
    ("type",         40,  43, "kind of segment"),
    ("s",            44,  44, "code or data", {0: "system", 1: "code or data"}),
    ("dpl",          45,  46, "descriptor privilege level"),
    ("present",      47,  47, "segment is present"),
    ("avl",          52,  52, "for software"),
    ("long",         53,  53, "L: 64-bit code"),
    ("db",           54,  54, "D/B: 32-bit code or stack"),
    ("granularity",  55,  55, "G: limit counts 4 KiB units"),
)
SEGMENT = Layout("segment descriptor", 64, *_SEGMENT_ROWS)
SYSTEM_SEGMENT_64 = Layout(
    "16-byte system-segment descriptor", 128,
    # SDM 3A figure 7-4
    *_SEGMENT_ROWS[:2],
    ("base",         64,  95, "linear address of the segment"),
    *_SEGMENT_ROWS[2:],
)

_GATE_ROWS = (
    # SDM 3A figures 5-8, 6-2
    ("offset",        0,  15, "entry point"),
    ("offset",       48,  63, "entry point"),
    ("selector",     16,  31, "code segment of the entry point, or TSS"),
    ("type",         40,  43, "kind of gate"),
    ("s",            44,  44, "system", {0: "system", 1: "code or data"}),
    ("dpl",          45,  46, "least privilege that INT n or CALL needs"),
    ("present",      47,  47, "gate is present"),
    ("parameters",   32,  36, "call gate: parameters to copy"),
)
GATE = Layout("gate descriptor", 64, *_GATE_ROWS)
GATE_64 = Layout(
    "16-byte gate descriptor", 128,
    # SDM 3A figures 5-9, 6-8
    *_GATE_ROWS[:2],
    ("offset",       64,  95, "entry point"),
    *_GATE_ROWS[2:7],
    ("ist",          32,  34, "interrupt stack table entry, 0 for none"),
)
# fmt: on

# SDM 3A table 3-1; the index is the type field.
CODE_DATA_TYPES = (
    "Read-Only",
    "Read-Only, accessed",
    "Read/Write",
    "Read/Write, accessed",
    "Read-Only, expand-down",
    "Read-Only, expand-down, accessed",
    "Read/Write, expand-down",
    "Read/Write, expand-down, accessed",
    "Execute-Only",
    "Execute-Only, accessed",
    "Execute/Read",
    "Execute/Read, accessed",
    "Execute-Only, conforming",
    "Execute-Only, conforming, accessed",
    "Execute/Read, conforming",
    "Execute/Read, conforming, accessed",
)

TSS_16_AVAILABLE, LDT, TSS_16_BUSY, CALL_GATE_16 = 1, 2, 3, 4
TASK_GATE, INTERRUPT_GATE_16, TRAP_GATE_16 = 5, 6, 7
TSS_AVAILABLE, TSS_BUSY, CALL_GATE, INTERRUPT_GATE, TRAP_GATE = 9, 11, 12, 14, 15

# SDM 3A table 3-2: legacy protected mode, IA-32e mode.
SYSTEM_TYPES = (
    ("Reserved", "Reserved"),
    ("16-bit TSS (Available)", "Reserved"),
    ("LDT", "LDT"),
    ("16-bit TSS (Busy)", "Reserved"),
    ("16-bit Call Gate", "Reserved"),
    ("Task Gate", "Reserved"),
    ("16-bit Interrupt Gate", "Reserved"),
    ("16-bit Trap Gate", "Reserved"),
    ("Reserved", "Reserved"),
    ("32-bit TSS (Available)", "64-bit TSS (Available)"),
    ("Reserved", "Reserved"),
    ("32-bit TSS (Busy)", "64-bit TSS (Busy)"),
    ("32-bit Call Gate", "64-bit Call Gate"),
    ("Reserved", "Reserved"),
    ("32-bit Interrupt Gate", "64-bit Interrupt Gate"),
    ("32-bit Trap Gate", "64-bit Trap Gate"),
)

_GATES = frozenset((CALL_GATE_16, TASK_GATE, INTERRUPT_GATE_16, TRAP_GATE_16, CALL_GATE, INTERRUPT_GATE, TRAP_GATE))
_GATES_16 = frozenset((CALL_GATE_16, INTERRUPT_GATE_16, TRAP_GATE_16))
_WIDE = frozenset((LDT, TSS_AVAILABLE, TSS_BUSY, CALL_GATE, INTERRUPT_GATE, TRAP_GATE))
_S = SEGMENT.mask("s")
_PRESENT = SEGMENT.mask("present")
_TYPE_SHIFT = SEGMENT["type"].low
# QEMU's DESC_* attribute bits: type, S, DPL, P, then AVL, L, D/B, G of the descriptor's high dword.
HIDDEN_FLAGS = 0x00F0_FF00


class Selector(NamedTuple):
    """A segment selector: RPL, table (0 GDT, 1 LDT) and index."""

    rpl: int
    ti: int
    index: int  # type: ignore[assignment]

    @property
    def table(self) -> str:
        """The table it points into: GDT or LDT."""
        return "LDT" if self.ti else "GDT"

    @property
    def offset(self) -> int:
        """Offset of its descriptor in the table, in bytes."""
        return self.index << 3

    @property
    def is_null(self) -> bool:
        """The GDT's entry 0, whatever the RPL (SDM 3A 3.4.2)."""
        return not (self.index or self.ti)

    @property
    def value(self) -> int:
        """The selector as a register holds it."""
        return self.index << 3 | self.ti << 2 | self.rpl


class SegmentDescriptor(NamedTuple):
    """A code, data, TSS or LDT descriptor; `limit` is the last offset in bytes."""

    base: int
    limit: int
    type: int
    s: int
    dpl: int
    present: int
    avl: int
    long: int
    db: int
    granularity: int

    @property
    def raw_limit(self) -> int:
        """The limit as the descriptor holds it: 20 bits, in 4 KiB units if `granularity`."""
        return self.limit >> 12 if self.granularity else self.limit

    @property
    def is_code(self) -> bool:
        """A code segment."""
        return self.s == 1 and self.type >= 8

    @property
    def is_data(self) -> bool:
        """A data segment (of which a stack is one)."""
        return self.s == 1 and self.type < 8

    @property
    def is_conforming(self) -> bool:
        """Conforming code: a less privileged caller keeps its CPL."""
        return self.s == 1 and self.type & 0xC == 0xC

    @property
    def is_writable(self) -> bool:
        """Data that may be written."""
        return self.s == 1 and self.type & 0xA == 2

    def build(self, *, wide: bool = False) -> int:
        """The descriptor in memory, 8 bytes or, if `wide`, 16; ValueError if a field does not fit."""
        fields = self._asdict() | {"limit": self.raw_limit}
        return (SYSTEM_SEGMENT_64 if wide else SEGMENT).build(**fields)


class Gate(NamedTuple):
    """A call, interrupt, trap or task gate; `selector` is a task gate's TSS, else the handler's CS."""

    offset: int
    selector: int
    type: int
    s: int
    dpl: int
    present: int
    ist: int
    parameters: int = 0

    @property
    def is_interrupt(self) -> bool:
        """An interrupt gate: delivery through it clears IF."""
        return self.type in (INTERRUPT_GATE, INTERRUPT_GATE_16)

    @property
    def is_trap(self) -> bool:
        """A trap gate: delivery through it leaves IF alone."""
        return self.type in (TRAP_GATE, TRAP_GATE_16)

    @property
    def is_task(self) -> bool:
        """A task gate."""
        return self.type == TASK_GATE

    def build(self, *, wide: bool = False) -> int:
        """The gate in memory, 8 bytes or, if `wide`, 16; ValueError if a field does not fit."""
        absent = "parameters" if wide else "ist"
        if getattr(self, absent):
            raise ValueError(f"a {16 if wide else 8}-byte gate has no {absent}")
        fields = self._asdict()
        del fields[absent]
        return (GATE_64 if wide else GATE).build(**fields)


Descriptor = SegmentDescriptor | Gate


class HiddenPart(NamedTuple):
    """A segment register's descriptor cache: base, last offset in bytes, attribute word (`HIDDEN_FLAGS`)."""

    base: int
    limit: int
    flags: int


def decode_selector(value: int) -> Selector:
    """A selector's parts; bits above 15 are ignored."""
    return Selector(value & 3, value >> 2 & 1, value >> 3 & 0x1FFF)


def decode_segment(raw: int) -> SegmentDescriptor:
    """An 8-byte code, data or system-segment descriptor."""
    values = SEGMENT.values(raw)
    if values[9]:
        values[1] = values[1] << 12 | 0xFFF
    return SegmentDescriptor(*values)


def decode_system_segment(raw: int) -> SegmentDescriptor:
    """A 16-byte TSS or LDT descriptor (IA-32e mode)."""
    values = SYSTEM_SEGMENT_64.values(raw)
    if values[9]:
        values[1] = values[1] << 12 | 0xFFF
    return SegmentDescriptor(*values)


def decode_gate(raw: int, *, wide: bool = True) -> Gate:
    """A gate of 16 bytes, or of 8 if not `wide`; a 16-bit gate's offset has 16 bits."""
    if wide:
        return Gate(*GATE_64.values(raw))
    *shared, parameters = GATE.values(raw)
    gate = Gate._make((*shared, 0, parameters))
    return gate._replace(offset=gate.offset & 0xFFFF) if gate.type in _GATES_16 else gate


def decode(raw: int, *, long_mode: bool = True) -> Descriptor:
    """Any descriptor by its S bit and type; `raw` holds `descriptor_size` bytes."""
    kind = raw >> _TYPE_SHIFT & 15
    wide = descriptor_size(raw, long_mode=long_mode) == 16
    if not raw & _S and kind in _GATES:
        return decode_gate(raw, wide=wide)
    return decode_system_segment(raw) if wide else decode_segment(raw)


def descriptor_size(low: int, *, long_mode: bool = True) -> int:
    """Size in bytes of the GDT or LDT entry that starts with `low`: 16 for system types of IA-32e mode."""
    return 16 if long_mode and not low & _S and low >> _TYPE_SHIFT & 15 in _WIDE else 8


def type_name(descriptor: Descriptor, *, long_mode: bool = True) -> str:
    """The type as SDM 3A tables 3-1 and 3-2 call it."""
    if descriptor.s:
        return CODE_DATA_TYPES[descriptor.type]
    return SYSTEM_TYPES[descriptor.type][long_mode]


def describe(descriptor: Descriptor, *, long_mode: bool = True) -> str:
    """A descriptor in a few words: `64-bit code of ring 3`."""
    present = "" if descriptor.present else ", not present"
    if isinstance(descriptor, Gate) or not descriptor.s:
        return f"{type_name(descriptor, long_mode=long_mode)}, DPL {descriptor.dpl}{present}"
    if descriptor.is_data:
        return f"data of ring {descriptor.dpl}{present}"
    width = "64-bit" if descriptor.long else "32-bit" if descriptor.db else "16-bit"
    conforming = " conforming" if descriptor.is_conforming else ""
    return f"{width}{conforming} code of ring {descriptor.dpl}{present}"


def hidden_part(raw: int, *, long_mode: bool = True) -> HiddenPart:
    """What a segment register caches when it loads this descriptor (QEMU keeps the same three words)."""
    wide = descriptor_size(raw, long_mode=long_mode) == 16
    segment = decode_system_segment(raw) if wide else decode_segment(raw)
    return HiddenPart(segment.base, segment.limit, raw >> 32 & HIDDEN_FLAGS)


def hidden_flags(segment: SegmentDescriptor) -> int:
    """The attribute word of a decoded segment."""
    return segment._replace(base=0, limit=0).build() >> 32 & HIDDEN_FLAGS
