"""Registers (gdb manual, "Packets": g G p P). An unavailable register is written ``xx`` per byte."""

import errno

from gdbstub.errors import MalformedPacket, TargetError
from gdbstub.registers import Slot
from gdbstub.registry import TABLE
from gdbstub.session import OK, Session
from gdbstub.target import Target
from gdbstub.trace.frames import Frame


@TABLE.packet("g")
def read_registers(session: Session[Target]) -> bytes:
    """Read all registers of the selected thread; of several processes, those that need no description."""
    return _all_registers(session)[: 2 * _length(session)]


def _all_registers(session: Session[Target]) -> bytes:
    if session.frame is not None:
        return b"".join(_collected(session, session.frame, slot) for slot in session.registers.slots)
    thread = session.thread()
    digits = bytearray(session.target.read_registers(thread).hex().encode())
    for number in session.inferiors.unknown_registers(thread):
        slot = session.registers.by_number[number]
        digits[2 * slot.offset : 2 * (slot.offset + slot.length)] = b"xx" * slot.length
    return bytes(digits)


def _length(session: Session[Target]) -> int:
    return session.registers.familiar_length if session.inferiors.tells_apart else session.registers.length


@TABLE.packet("G{data:hexbytes}")
def write_registers(session: Session[Target], data: bytes) -> bytes:
    """Write all registers of the selected thread."""
    if len(data) != _length(session):
        raise MalformedPacket(f"G: data has {len(data)} bytes, not {_length(session)}")
    session.check_live()
    thread = session.thread()
    rest = session.target.read_registers(thread)[len(data) :]
    session.target.write_registers(thread, data + rest)
    return OK


@TABLE.packet("p{number:hex}")
def read_register(session: Session[Target], number: int) -> bytes:
    """Read one register of the selected thread."""
    slot = _slot(session, number)
    if session.frame is not None:
        return _collected(session, session.frame, slot)
    value = session.target.read_register(session.thread(), number)
    return b"xx" * slot.length if value is None else value.hex().encode()


@TABLE.packet("P{number:hex}={data:hexbytes}")
def write_register(session: Session[Target], number: int, data: bytes) -> bytes:
    """Write one register of the selected thread."""
    slot = _slot(session, number)
    if len(data) != slot.length:
        raise MalformedPacket(f"P: data has {len(data)} bytes; register {slot.register.name} has {slot.length}")
    session.check_live()
    session.target.write_register(session.thread(), number, data)
    return OK


def _collected(session: Session[Target], frame: Frame, slot: Slot) -> bytes:
    """A register of a trace frame; the program counter is known of every frame."""
    if frame.registers is not None:
        return frame.registers[slot.offset : slot.offset + slot.length].hex().encode()
    if slot == session.registers.pc_slot:
        return session.registers.bytes_of(frame.pc, slot.length).hex().encode()
    return b"xx" * slot.length


def _slot(session: Session[Target], number: int) -> Slot:
    slot = session.registers.by_number.get(number)
    if slot is None:
        raise TargetError(errno.EINVAL, f"there is no register {number}")
    return slot
