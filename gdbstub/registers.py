"""How a target describes its registers: values from which ``target.xml`` and the ``g`` layout are computed.

Terms as in the gdb manual, "Target Description Format".
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from operator import itemgetter
from typing import NamedTuple

from gdbstub.errors import Error


@dataclass(frozen=True, slots=True)
class Register:
    """One register: ``bits`` long, of a predefined or declared ``type``.

    ``number`` is gdb's; None means one more than the register before. ``group`` is general, float, vector,
    system or any word that ``info registers GROUP`` shall know. ``save_restore``: kept across inferior calls.
    """

    name: str
    bits: int
    type: str = "int"
    group: str | None = None
    number: int | None = None
    save_restore: bool = True

    @property
    def length(self) -> int:
        """Bytes that the register takes in ``g``."""
        return (self.bits + 7) // 8


@dataclass(frozen=True, slots=True)
class Field:
    """A member of a declared type; bits ``start`` to ``end`` (inclusive) for bit fields, else both None."""

    name: str
    start: int | None = None
    end: int | None = None
    type: str | None = None


@dataclass(frozen=True, slots=True)
class Flags:
    """A type which prints the names of its set bits; ``length`` in bytes."""

    id: str
    length: int
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Struct:
    """A structure; with a ``length`` in bytes its fields are bit fields."""

    id: str
    fields: tuple[Field, ...]
    length: int | None = None


@dataclass(frozen=True, slots=True)
class Union:
    """Several views of the same bytes."""

    id: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Vector:
    """``count`` elements of one type."""

    id: str
    type: str
    count: int


@dataclass(frozen=True, slots=True)
class Enumeration:
    """Names for the values of a register or field; ``length`` in bytes."""

    id: str
    length: int
    values: tuple[tuple[str, int], ...]


Type = Flags | Struct | Union | Vector | Enumeration


@dataclass(frozen=True, slots=True)
class Feature:
    """A named group of registers, such as ``org.gnu.gdb.i386.core``, and the types they use."""

    name: str
    registers: tuple[Register, ...]
    types: tuple[Type, ...] = ()


class Slot(NamedTuple):
    """Where a register is: its number, and its offset and length in bytes within ``g``."""

    register: Register
    number: int
    offset: int
    length: int


@dataclass(frozen=True)
class RegisterSet:
    """All registers of a target, the same for every thread and in every mode of the processor.

    ``expedited`` names the registers that travel with each stop reply; ``pc`` names the program counter
    (for ``c ADDRESS`` and range steps). ``byte_order`` is that of numbers in registers. ``familiar`` are the features,
    the first so many, that clients expect of the architecture where they have read no description: gdb reads it for
    the first process alone.
    """

    architecture: str
    features: tuple[Feature, ...]
    expedited: tuple[str, ...] = ()
    pc: str | None = None
    osabi: str | None = None
    byte_order: str = "little"
    familiar: int | None = None

    def __iter__(self) -> Iterator[Slot]:
        """The slots in the order of ``g``."""
        return iter(self.slots)

    @cached_property
    def slots(self) -> tuple[Slot, ...]:
        """Every register with its place, in order of number. Raises Error for a number or name used twice."""
        numbered: dict[int, Register] = {}
        number = 0
        for feature in self.features:
            for register in feature.registers:
                number = number if register.number is None else register.number
                if number in numbered:
                    raise Error(f"registers {numbered[number].name} and {register.name} are both number {number}")
                numbered[number] = register
                number += 1
        slots: list[Slot] = []
        offset = 0
        for number, register in sorted(numbered.items()):
            slots.append(Slot(register, number, offset, register.length))
            offset += register.length
        return tuple(slots)

    @cached_property
    def by_number(self) -> dict[int, Slot]:
        """Slots by gdb's register number."""
        return {slot.number: slot for slot in self.slots}

    @cached_property
    def by_name(self) -> dict[str, Slot]:
        """Slots by name."""
        named = {slot.register.name: slot for slot in self.slots}
        if len(named) < len(self.slots):
            raise Error("two registers have the same name")
        return named

    @cached_property
    def length(self) -> int:
        """Bytes of the whole block, as ``g`` sends it."""
        return sum(slot.length for slot in self.slots)

    @cached_property
    def familiar_length(self) -> int:
        """Bytes of the block that clients expect without the description."""
        names = [register.name for feature in self.features[: self.familiar] for register in feature.registers]
        return max(self.by_name[name].offset + self.by_name[name].length for name in names)

    @cached_property
    def expedited_slots(self) -> tuple[Slot, ...]:
        """The slots of the expedited registers."""
        return tuple(self.by_name[name] for name in self.expedited)

    @cached_property
    def expedited_pairs(self) -> Callable[[bytes], str]:
        """Writes the expedited registers, given one after the other, as stop replies have them."""
        if not self.expedited:
            return lambda data: ""
        text = "".join(f"{slot.number:02x}:%s;" for slot in self.expedited_slots)
        ends = list(accumulate(2 * slot.length for slot in self.expedited_slots))
        parts = itemgetter(*map(slice, [0, *ends], ends))
        return lambda data: text % parts(data.hex())

    @property
    def pc_slot(self) -> Slot | None:
        """The slot of the program counter, if the description names it."""
        return None if self.pc is None else self.by_name[self.pc]

    def number_of(self, data: bytes) -> int:
        """A register's bytes as an unsigned number."""
        return int.from_bytes(data, "big" if self.byte_order == "big" else "little")

    def bytes_of(self, value: int, length: int) -> bytes:
        """A number as a register's bytes; bits that do not fit are cut off."""
        mask = (1 << (8 * length)) - 1
        return (value & mask).to_bytes(length, "big" if self.byte_order == "big" else "little")
