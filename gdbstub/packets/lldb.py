"""What LLDB asks beside gdb's packets (LLDB: docs/resources/lldbgdbremote.md)."""

import errno
import json
from collections.abc import Iterator

from gdbstub.errors import TargetError
from gdbstub.registers import Slot
from gdbstub.registry import TABLE
from gdbstub.session import Session
from gdbstub.stopreply import Stopped
from gdbstub.target import Host, MemoryRegions, Target, ThreadNames, Watchpoints

_MODEL_PROCESS = 1
_END = 1 << 64


@TABLE.packet("qHostInfo", needs=Host)
def tell_host(session: Session[Host]) -> bytes:
    """Describe the processor: its triple, the size of pointers, the order of bytes."""
    host = session.target.host()
    return b"triple:%s;ptrsize:%d;endian:little;" % (host.triple.encode().hex().encode(), host.pointer_length)


@TABLE.packet("qProcessInfo", needs=Host)
def tell_process(session: Session[Host]) -> bytes:
    """Describe the process: its id is one of the model, never the server's own."""
    host = session.target.host()
    return b"pid:%x;triple:%s;ptrsize:%d;endian:little;ostype:%s;" % (
        _MODEL_PROCESS,
        host.triple.encode().hex().encode(),
        host.pointer_length,
        host.system.encode(),
    )


@TABLE.packet("qRegisterInfo{index:hex}")
def describe_register(session: Session[Target], index: int) -> bytes:
    """Describe one register by its place in the list; an error ends the list."""
    slots = session.registers.slots
    if index >= len(slots):
        raise TargetError(errno.EINVAL, f"there is no register {index:#x}")
    return "".join(f"{key}:{value};" for key, value in _register(session, slots[index])).encode()


def _register(session: Session[Target], slot: Slot) -> Iterator[tuple[str, str]]:
    register = slot.register
    wide = register.bits > 64
    yield "name", register.name
    yield "bitsize", str(register.bits)
    yield "offset", str(slot.offset)
    yield "encoding", "vector" if wide else "uint"
    yield "format", "vector-uint8" if wide else "hex"
    yield "set", next(each.name for each in session.registers.features if register in each.registers)
    if slot == session.registers.pc_slot:
        yield "generic", "pc"


@TABLE.packet("qMemoryRegionInfo:{address:hex}", needs=MemoryRegions)
def tell_region(session: Session[MemoryRegions], address: int) -> bytes:
    """Describe the range of memory around an address: where it is mapped with what rights, or how far it is not."""
    session.select()
    region = session.target.region_at(address)
    length = min(region.length, _END - 1 - region.start)
    if not region.permissions:
        return b"start:%x;size:%x;" % (region.start, length)
    return b"start:%x;size:%x;permissions:%s;" % (region.start, length, region.permissions.encode())


@TABLE.packet("jThreadsInfo")
def list_threads(session: Session[Target]) -> bytes:
    """List all threads with why they stopped and the registers that a stop reply carries."""
    return json.dumps([_thread(session, thread) for thread in session.inferiors.list_threads()]).encode()


def _thread(session: Session[Target], thread: int) -> dict[str, object]:
    target, found = session.target, dict[str, object](tid=thread)
    if isinstance(target, ThreadNames):
        found["name"] = target.thread_info(thread).name
    stop = session.stop
    if isinstance(stop, Stopped) and stop.thread == thread:
        found |= {"reason": "signal", "signal": stop.signal}
    values = ((slot.number, target.read_register(thread, slot.number)) for slot in session.registers.expedited_slots)
    return found | {"registers": {str(number): value.hex() for number, value in values if value is not None}}


@TABLE.packet("qWatchpointSupportInfo:", needs=Watchpoints)
def tell_watchpoints(session: Session[Watchpoints]) -> bytes:
    """Tell how many watchpoints there may be: as many as one likes."""
    return b"num:%d;" % 0xFFFF
