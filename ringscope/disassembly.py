"""Instructions as text, decoded by capstone in the mode that CS says, with symbols."""

from __future__ import annotations

import re
from collections.abc import Iterator

from capstone import CS_ARCH_X86, CS_MODE_16, CS_MODE_32, CS_MODE_64, Cs

from ringscope import processor
from ringscope.debuggee import Refused, read_available
from ringscope.render import Bad
from ringscope.session import Session

LONGEST_INSTRUCTION = 15
"""Bytes (SDM 2A 2.3.11)."""

_MODES = {16: CS_MODE_16, 32: CS_MODE_32, 64: CS_MODE_64}
_TARGET = re.compile(r"0x([0-9a-f]+)$")
_DISPLACEMENT = re.compile(r"\[rip ([+-]) (0x[0-9a-f]+|\d+)\]")


def instructions(session: Session, address: int, count: int) -> Iterator[tuple[int, bytes, str]]:
    """Address, bytes and text of up to ``count`` instructions; symbols stand where the text has addresses."""
    width = session.debuggee.code_segment().width
    engine = Cs(CS_ARCH_X86, _MODES[width])
    code = read_available(session.debuggee, address, count * LONGEST_INSTRUCTION)
    if not code:
        session.debuggee.read_memory(address, 1)  # says what is wrong
    at = address
    for _ in range(count):
        offset = at - address
        found = next(engine.disasm_lite(code[offset : offset + LONGEST_INSTRUCTION], at, 1), None)
        if found is None:
            break
        _, length, mnemonic, operands = found
        yield at, code[offset : offset + length], _with_symbol(session, f"{mnemonic} {operands}".rstrip(), at + length)
        at += length
    else:
        return
    if at - address < len(code):
        yield at, code[at - address : at - address + 1], "(no instruction)"


def _with_symbol(session: Session, text: str, following: int) -> str:
    relative = _DISPLACEMENT.search(text)
    if relative:
        offset = int(relative[2], 0)
        target = following + offset if relative[1] == "+" else following - offset
        return f"{text}  # {session.address_text(target & (1 << 64) - 1)}"
    found = _TARGET.search(text)
    name = session.symbol(int(found[1], 16)) if found and int(found[1], 16) >= 1 << 12 else ""
    return f"{text} {name}".rstrip()


def location(session: Session) -> Iterator[str]:
    """The next instruction, or why it cannot be shown."""
    pc = processor.linear_pc(session.debuggee)
    try:
        _, code, text = next(instructions(session, pc, 1))
    except Refused as error:
        yield Bad(f"=> {session.address_text(pc)}  ({error})")
        return
    yield f"=> {session.address_text(pc)}  {code.hex(' ')}  {text}"
