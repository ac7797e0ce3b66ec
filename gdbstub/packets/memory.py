"""Memory (gdb manual, "Packets": m M x X). A read may be shorter than asked; it fails at its first byte."""

import errno

from gdbstub.errors import MalformedPacket, TargetError
from gdbstub.registry import TABLE, UNKNOWN
from gdbstub.session import OK, PACKET_SIZE, Session
from gdbstub.target import PhysicalMemory, Target
from gdbstub.trace.frames import Frame

LONGEST_READ = PACKET_SIZE // 2
"""Bytes: what fits in a packet in hexadecimal, or in binary with every byte escaped, but for the ``b``."""


@TABLE.packet("m{address:hex},{length:hex}")
def read_memory(session: Session[Target], address: int, length: int) -> bytes:
    """Read memory as hexadecimal digits."""
    return _read(session, address, length).hex().encode()


@TABLE.packet("x{address:hex},{length:hex}", feature="binary-upload+")
def read_memory_binary(session: Session[Target], address: int, length: int) -> bytes:
    """Read memory as binary after a ``b``; the older form, which ``x0,0`` probes for, is declined."""
    if address == length == 0:
        return UNKNOWN
    return b"b" + _read(session, address, length)


def _read(session: Session[Target], address: int, length: int) -> bytes:
    if not length:
        return b""
    if session.frame is not None:
        return _collected(session, session.frame, address, min(length, LONGEST_READ))
    session.select()
    return session.target.read_memory(address, min(length, LONGEST_READ))


def _collected(session: Session[Target], frame: Frame, address: int, length: int) -> bytes:
    """Memory of a trace frame; what was said never to change is the target's."""
    if data := frame.read(address, length):
        return data
    for start, end in session.resident.trace.read_only:
        if start <= address < end:
            return session.target.read_memory(address, min(length, end - address))
    raise TargetError(errno.EFAULT, f"{address:#x} was not collected in trace frame {session.frame_number}")


@TABLE.packet("M{address:hex},{length:hex}:{data:hexbytes}")
@TABLE.packet("X{address:hex},{length:hex}:{data:rest}")
def write_memory(session: Session[Target], address: int, length: int, data: bytes) -> bytes:
    """Write memory given in hexadecimal (M) or binary (X); no bytes at all is a probe."""
    if len(data) != length:
        raise MalformedPacket(f"data has {len(data)} bytes, length is {length:#x}")
    session.check_live()
    if data:
        session.select()
        session.target.write_memory(address, data)
    return OK


@TABLE.packet("Qqemu.PhyMemMode:{mode:hex}", needs=PhysicalMemory)
def set_physical_memory(session: Session[PhysicalMemory], mode: int) -> bytes:
    """Choose physical (1) or linear (0) addresses for memory packets."""
    if mode > 1:
        raise MalformedPacket(f"Qqemu.PhyMemMode: mode {mode:x} is neither 0 nor 1")
    session.target.set_physical(bool(mode))
    return OK


@TABLE.packet("qqemu.PhyMemMode", needs=PhysicalMemory)
def tell_physical_memory(session: Session[PhysicalMemory]) -> bytes:
    """Tell which addresses memory packets take."""
    return b"1" if session.target.is_physical() else b"0"


@TABLE.packet("qqemu.sstepbits")
@TABLE.packet("Qqemu.sstepbits")
def tell_step_bits(session: Session[Target]) -> bytes:
    """Tell what a step can hold back: no interrupts, no timers. Tools know QEMU, and so a whole machine, by this."""
    return b"ENABLE=1,NOIRQ=0,NOTIMER=0"
