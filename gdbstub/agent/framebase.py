"""Variables whose frame base is a plain register: gdb takes the variable's width and sign for the register's.

For ``int n`` at DW_OP_fbreg -12 with the frame base DW_OP_reg6, as clang describes it, gdb 13 sends the register cut to
32 bits and extended by their sign, plus -12, and reads there: nowhere, in a 64-bit target. No expression of
the user's becomes the same code: there the whole register is extended first, and the sum before it is an address.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from gdbstub.agent.expression import Instruction
from gdbstub.agent.opcodes import BITS

_EXTENSIONS = frozenset({"ext", "zero_ext"})
_OFFSETS = frozenset({"const8", "const16", "const32"})
_READS = frozenset({"ref8", "ref16", "ref32", "ref64", "trace_quick", "trace16", "const8", "const16"})


def mend(instructions: Mapping[int, Instruction]) -> dict[int, Instruction]:
    """The instructions, with registers that are frame bases whole."""
    mended = dict(instructions)
    for offset in _frame_bases(instructions):
        mended[offset] = replace(instructions[offset], operand=BITS)
    return mended


def _frame_bases(instructions: Mapping[int, Instruction]) -> Iterator[int]:
    """Offsets of the extensions that gdb put behind frame bases."""
    for first in instructions.values():
        if first.opcode.name != "reg":
            continue
        names = [instruction.opcode.name for instruction in _following(instructions, first.next, 6)]
        if len(names) > 1 and names[0] in _EXTENSIONS and names[1] in _OFFSETS and _adds_and_reads(names[2:]):
            yield first.next


def _following(instructions: Mapping[int, Instruction], offset: int, count: int) -> Iterator[Instruction]:
    while count and (instruction := instructions.get(offset)) is not None:
        yield instruction
        offset, count = instruction.next, count - 1


def _adds_and_reads(names: list[str]) -> bool:
    if names[:1] and names[0] in _EXTENSIONS:
        names = names[1:]
    if names[:1] != ["add"] or len(names) < 2 or names[1] not in _READS:
        return False
    return names[1] not in _OFFSETS or names[2:3] == ["trace"]
