"""A machine behind any stub of the remote serial protocol as a debuggee: ours, QEMU's, gdbserver.

What a stub does not describe is found another way where there is one: descriptor-table registers in the text of
QEMU's ``info registers``, physical memory by QEMU's packet or through Linux's direct map.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from gdbstub import stopreply
from gdbstub.client import Client
from gdbstub.errors import ConnectionLost, Error, MalformedPacket, RemoteError
from gdbstub.stopreply import Signal, StopReply, WatchKind
from machine import stop
from machine.stop import Access
from machine.watchpoints import Watch
from machine.x86.control import EFER
from machine.x86.descriptors import SegmentDescriptor
from machine.x86.descriptortables import find_descriptor
from machine.x86.mode import CodeSegment, cached_segment, likely_segment
from machine.x86.paging import Translation, paging_mode, translate
from ringscope.debuggee import (
    Between,
    Paused,
    Refused,
    Signalled,
    Stop,
    find_register,
    never_pause,
    paging_state,
    read_available,
)

LOOK_SECONDS = 0.05
"""Time between two looks at what the front door wants while a remote target runs."""

ANSWER_SECONDS = 5.0
"""Time that a stub has to answer an interrupt."""

DIRECT_MAP = 0xFFFF_8880_0000_0000
"""Linear address of all physical memory in Linux (Documentation/arch/x86/x86_64/mm.rst, without KASLR)."""

_KINDS = {Access.WRITE: WatchKind.WRITE, Access.READ: WatchKind.READ, Access.ANY: WatchKind.ACCESS}
_ACCESS = {kind: access for access, kind in _KINDS.items()}
_TABLES = re.compile(r"^(GDT|IDT)=\s+([0-9a-f]+) ([0-9a-f]+)", re.MULTILINE)
_SYSTEM_SEGMENTS = re.compile(r"^(LDT|TR )=([0-9a-f]{4}) ([0-9a-f]+) ([0-9a-f]+)", re.MULTILINE)


class RemoteDebuggee:
    """The view of a stub's selected thread over ``client``, whose target is stopped."""

    def __init__(self, client: Client, address: str) -> None:
        self._client = client
        self._address = address
        self._breakpoints: set[int] = set()
        self._interrupted = False

    @classmethod
    def connect(cls, address: str) -> RemoteDebuggee:
        """Connect to ``HOST:PORT`` or ``unix:PATH``. Raises Refused."""
        with _refusing():
            try:
                client = _attach(address)
            except MalformedPacket:
                # QEMU stops a running target for its client, and says so before it answers anything.
                client = _attach(address)
        if client.registers is None:
            client.close()
            raise Refused(f"the stub at {address} does not describe its registers")
        return cls(client, address)

    @property
    def name(self) -> str:
        """Where it is."""
        return f"the stub at {self._address}"

    # Registers

    def register_names(self) -> Sequence[str]:
        """What the stub describes."""
        assert self._client.registers is not None, "connect checked it"
        return tuple(slot.register.name for slot in self._client.registers)

    def register_bits(self, name: str) -> int:
        """A register's width in bits."""
        with _refusing():
            return self._client.slot(name).register.bits

    def read_register(self, name: str) -> int:
        """A register, or a part of a descriptor-table register that QEMU prints."""
        if name not in self.register_names():
            return self._printed(name)
        with _refusing():
            value = self._client.read_register(name)
        if value is None:
            raise Refused(f"{self.name} does not have the value of {name}")
        return value

    def _printed(self, name: str) -> int:
        found: dict[str, int] = {}
        if re.fullmatch(r"(gdtr|idtr|ldtr|tr)(_base|_limit)?", name):
            text = self._monitor_or_nothing("info registers")
            for table, base, limit in _TABLES.findall(text):
                found |= {f"{table.lower()}r_base": int(base, 16), f"{table.lower()}r_limit": int(limit, 16)}
            for segment, selector, base, limit in _SYSTEM_SEGMENTS.findall(text):
                key = "tr" if segment == "TR " else "ldtr"
                found |= {key: int(selector, 16), f"{key}_base": int(base, 16), f"{key}_limit": int(limit, 16)}
        if name not in found:
            raise Refused(f"{self.name} gives no register {name!r}")
        return found[name]

    def write_register(self, name: str, value: int) -> None:
        """Set a register that the stub describes."""
        with _refusing():
            self._client.write_register(name, value)

    @property
    def processor(self) -> int:
        """The first: a stub's threads need not be processors."""
        return 0

    def code_segment(self) -> CodeSegment:
        """As CS has it cached, where the stub tells; else by the descriptor or the mode's custom."""
        cr0, efer = find_register(self, "cr0"), find_register(self, "efer") or 0
        if cr0 is None:
            return CodeSegment(0, 64 if "rip" in self.register_names() else 32)
        base, access = find_register(self, "cs_base"), find_register(self, "cs_access")
        if base is not None and access is not None:
            return cached_segment(base, access, efer)
        flags = find_register(self, "eflags") or 0
        return likely_segment(cr0, efer, flags, self.read_register("cs"), partial(self._code_descriptor, efer))

    def _code_descriptor(self, efer: int, selector: int) -> SegmentDescriptor | None:
        table = "ldtr" if selector & 4 else "gdtr"
        base, limit = find_register(self, f"{table}_base"), find_register(self, f"{table}_limit")
        if base is None or limit is None:
            return None

        def read(at: int, count: int) -> bytes:
            return read_available(self, at, count)

        entry = find_descriptor(read, selector, base, limit, long_mode=bool(efer & EFER.mask("LMA")))
        found = entry.descriptor if entry is not None else None
        return found if isinstance(found, SegmentDescriptor) and found.is_code else None

    # Memory

    def read_memory(self, address: int, length: int) -> bytes:
        """Linear memory as the stub reads it."""
        try:
            return self._client.read_memory(address, length)
        except RemoteError as error:
            raise Refused(f"{address:#x}: {length} bytes cannot be read ({error})") from None
        except Error as error:
            raise Refused(f"{address:#x}: {error}") from None

    def write_memory(self, address: int, data: bytes) -> None:
        """Linear memory as the stub writes it."""
        with _refusing(f"{address:#x}: "):
            self._client.write_memory(address, data)

    def read_physical(self, address: int, length: int) -> bytes:
        """Physical memory, by QEMU's packet or through the direct map."""
        with self._physical() as base:
            return self.read_memory(base + address, length)

    def write_physical(self, address: int, data: bytes) -> None:
        """Physical memory, alike."""
        with self._physical() as base:
            self.write_memory(base + address, data)

    @contextmanager
    def _physical(self) -> Iterator[int]:
        """What to add to a physical address within the context."""
        if self._packet(b"Qqemu.PhyMemMode:1") == b"OK":
            try:
                yield 0
            finally:
                self._packet(b"Qqemu.PhyMemMode:0")
            return
        if not self._has_direct_map():
            raise Refused(
                f"{self.name} gives no physical memory: neither the packet Qqemu.PhyMemMode "
                f"nor a direct map at {DIRECT_MAP:#x}"
            )
        yield DIRECT_MAP

    def _has_direct_map(self) -> bool:
        """Believed only if it translates the top page table to itself."""
        state, cr3 = paging_state(self), self.read_register("cr3")
        top = cr3 & paging_mode(state).cr3_mask
        found = translate(lambda at, count: read_available(self, DIRECT_MAP + at, count), cr3, DIRECT_MAP + top, state)
        return isinstance(found, Translation) and found.physical == top

    def _packet(self, packet: bytes) -> bytes:
        with _refusing():
            return self._client.request(packet)

    # Breakpoints

    def insert_breakpoint(self, address: int) -> None:
        """Z0."""
        with _refusing(f"no breakpoint at {address:#x}: "):
            self._client.insert_breakpoint(address)
        self._breakpoints.add(address)

    def remove_breakpoint(self, address: int) -> None:
        """z0."""
        with _refusing(f"the breakpoint at {address:#x} stays: "):
            self._client.remove_breakpoint(address)
        self._breakpoints.discard(address)

    def insert_watch(self, watch: Watch) -> None:
        """Z2 to Z4."""
        with _refusing(f"cannot watch {watch.address:#x}: "):
            self._client.insert_watchpoint(_KINDS[watch.access], watch.address, watch.length)

    def remove_watch(self, watch: Watch) -> None:
        """z2 to z4."""
        with _refusing(f"the watch at {watch.address:#x} stays: "):
            self._client.remove_watchpoint(_KINDS[watch.access], watch.address, watch.length)

    # Running

    def step(self) -> Stop:
        """One instruction; a breakpoint on it is lifted meanwhile, as gdb does."""
        here = self.read_register("rip")
        lifted = here in self._breakpoints
        if lifted:
            self.remove_breakpoint(here)
        try:
            with _refusing():
                return self._stop(self._client.step(), stepping=True)
        finally:
            if lifted:
                self.insert_breakpoint(here)

    def run(self, between: Between = never_pause) -> Stop:
        """Continue; off a breakpoint by a step first."""
        if self.read_register("rip") in self._breakpoints:
            first = self.step()
            if not isinstance(first, stop.Stepped):
                return first
        self._interrupted = False
        with _refusing():
            self._client.resume(b"c")
            return self._stop(self._wait(between), stepping=False)

    def _wait(self, between: Between) -> StopReply:
        while True:
            try:
                return self._client.wait(LOOK_SECONDS)
            except ConnectionLost as error:
                if str(error) != "no answer in time":
                    raise
            if not between(False) and not self._interrupted:
                self.interrupt()
            if self._interrupted:
                return self._client.wait(ANSWER_SECONDS)

    def _stop(self, reply: StopReply, *, stepping: bool) -> Stop:
        match reply.stop:
            case stopreply.Exited(status):
                return stop.Exited(status)
            case stopreply.Terminated(signal):
                return Signalled(signal)
            case stopreply.Stopped(_, _, stopreply.WatchpointHit(kind, address)):
                return stop.Watchpoint(_ACCESS[kind], address, address)
            case stopreply.Stopped(Signal.INT):
                return stop.Interrupted()
            case stopreply.Stopped(Signal.TRAP):
                here = self.read_register("rip")
                if stepping:
                    return stop.Stepped()
                return stop.Breakpoint(here) if here in self._breakpoints else Signalled(Signal.TRAP)
        if self._interrupted and reply.stop.signal == 0:
            return Paused()
        return Signalled(reply.stop.signal)

    def interrupt(self) -> None:
        """Send the interrupt byte to a target that runs."""
        if self._client.running:
            self._interrupted = True
            self._client.interrupt()

    # The rest

    def show_console(self, write: Callable[[str], None]) -> None:
        """What the stub sends as console output; QEMU's serial ports go elsewhere."""
        self._client.console = write

    def monitor(self, text: str) -> str:
        """The output of one of the stub's commands."""
        with _refusing(f"{text!r}: "):
            return self._client.monitor(text)

    def _monitor_or_nothing(self, text: str) -> str:
        try:
            return self._client.monitor(text)
        except RemoteError:
            return ""

    def close(self) -> None:
        """Take the breakpoints out and detach, so that the target runs on."""
        try:
            for address in list(self._breakpoints):
                self.remove_breakpoint(address)
            self._client.detach()
        except (Refused, Error):
            self._client.close()  # it is gone already, or does not know how to be left


def _attach(address: str) -> Client:
    client = Client.connect(address)
    try:
        client.halt_reason()
    except Error:
        client.close()
        raise
    return client


@contextmanager
def _refusing(prefix: str = "") -> Iterator[None]:
    try:
        yield
    except Error as error:
        raise Refused(f"{prefix}{error}") from None
