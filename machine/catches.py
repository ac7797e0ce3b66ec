"""Catches: stops at events of the processor rather than at addresses.

=============================  ====================================================
kind                           stop
=============================  ====================================================
ring                           in the new ring, before its first instruction
exception, INT n               before delivery, at the instruction that raises it
external interrupt, #DB        delivered: at the handler's first instruction
cr3, cr, msr, port, hlt        before the instruction
mmio                           behind the instruction
triple-fault                   before the first fault of the chain is delivered
=============================  ====================================================

While none is wanted nothing is hooked. A stop before something is told once: going on from there does it.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING

from machine.catch import Catch, Kind, chain_text, control_text, event_text, msr_text, port_text
from machine.catchhooks import CatchHooks
from machine.delivery.event import Event, Source
from machine.engine.state import HF_CPL
from machine.errors import Error
from machine.sensitive import Act, Sensitive
from machine.stop import Access, Caught, FaultRecord, Watchpoint
from machine.watchpoints import Watch

if TYPE_CHECKING:
    from machine.cpu import Cpu

Chain = tuple[FaultRecord, ...]

_ACTS: dict[Kind, frozenset[Act]] = {
    Kind.RING: frozenset({Act.LEAVE_RING}),
    Kind.CR3: frozenset({Act.WRITE_CONTROL}),
    Kind.CONTROL: frozenset({Act.WRITE_CONTROL}),
    Kind.MSR: frozenset({Act.WRITE_MSR}),
    Kind.PORT: frozenset({Act.READ_PORT, Act.WRITE_PORT}),
    Kind.HLT: frozenset({Act.HALT}),
}
_SWITCHES = frozenset({Act.WRITE_CONTROL})
"""What may change where watched linear memory lies."""
_DELIVERED = frozenset({Kind.RING, Kind.EXCEPTION, Kind.INTERRUPT})
"""Kinds that must see every delivery."""

_DB = 1
_NO_FLUSH = 1 << 63
_TS, _LMSW_CLEARS, _LMSW_SETS = 8, 0xE, 0xF
_RAX, _RCX, _RDX = 0, 1, 2


class Catches:
    """What one processor's user waits for.

    ``hit`` is taken by the run loop.  ``leaving`` says that the engine was left before an instruction which is to run
    by itself: to see whether it changes the ring, or because watchpoints must be looked up behind it.
    """

    def __init__(self, cpu: Cpu, restart: Callable[[], None]) -> None:
        self._cpu = cpu
        self._hooks = CatchHooks(cpu, self._met, restart)
        self.hooked_addresses = self._hooks.addresses
        self._wanted: dict[int, Catch] = {}
        self._kinds: frozenset[Kind] = frozenset()
        self._acts: frozenset[Act] = frozenset()
        self._follows = False
        self.sees_deliveries = False
        """Whether no exception or interrupt may be delivered by the engine's own machine code."""
        self.seeks = False
        """Whether hooks are planted as code is translated."""
        self._numbers = count(1)
        self._all = [self]
        self._passed: tuple[int, int, int] | None = None  # where a stop before something was told
        self.leaving = False
        self.hit: Caught | None = None

    def follow(self, first: Catches) -> None:
        """Wait for what another processor's user does: what is inserted for one is so for both."""
        self._wanted, self._numbers, self._all = first._wanted, first._numbers, first._all
        self._all.append(self)

    # What is wanted

    def wanted(self) -> dict[int, Catch]:
        """The catches by number."""
        return dict(self._wanted)

    def insert(self, catch: Catch) -> int:
        """Wait for something; the number of the catch.  Raises `Error` if it is waited for already."""
        for number, other in self._wanted.items():
            if other == catch:
                raise Error(f"catch {number} is there already: {catch.text}")
        if catch.kind is Kind.MMIO:
            self._cpu.watchpoints.insert(_watch(catch))
        number = next(self._numbers)
        self._wanted[number] = catch
        self._choose()
        return number

    def remove(self, number: int) -> Catch:
        """Wait no longer.  Raises `Error` for a number that is not in use."""
        if number not in self._wanted:
            raise Error(f"no catch {number}; there are: {', '.join(map(str, self._wanted)) or 'none'}")
        catch = self._wanted.pop(number)
        if catch.kind is Kind.MMIO:
            self._cpu.watchpoints.remove(_watch(catch))
        self._choose()
        return catch

    def clear(self) -> None:
        """Wait for nothing."""
        for number in list(self._wanted):
            self.remove(number)

    def _choose(self) -> None:
        for catches in self._all:
            catches._want()
            catches._cpu.wanted.change()

    def _want(self) -> None:
        self._kinds = frozenset(catch.kind for catch in self._wanted.values())
        self.sees_deliveries = bool(self._kinds & _DELIVERED)
        self._acts = frozenset(act for kind in self._kinds for act in _ACTS.get(kind, ()))

    def _first(self, kind: Kind, number: int) -> int | None:
        """The number of the first catch of a kind that waits for a number."""
        return next((key for key, catch in self._wanted.items() if catch.kind is kind and catch.takes(number)), None)

    # What the processor asks

    def plant(self) -> bool:
        """Before the processor runs: make hooks agree with what is wanted; True if translations are stale now."""
        cpu = self._cpu
        # The fast engine tells by itself.  A step that gdb does without its watchpoints throws no hooks away.
        if cpu.fast is None:
            self._follows = cpu.watchpoints.follows or (self._follows and cpu.progress.single)
        self._hooks.want(self._acts | _SWITCHES if self._follows else self._acts)
        stale = self._hooks.plant()
        self.seeks = self._hooks.seeks
        return stale

    def claim(self, stop: Watchpoint) -> Watchpoint | Caught:
        """The stop of a watched range as that of the catch that watches it, if one does."""
        number = self._first(Kind.MMIO, stop.address) if stop.physical else None
        return (
            stop if number is None else Caught(number, f"{stop.access.value} at physical {stop.address:#x}, just done")
        )

    # Before instructions

    def _met(self, address: int, instruction: Sensitive) -> None:
        """From a hook before a sensitive instruction, with the state view loaded."""
        cpu = self._cpu
        if instruction.act is Act.LEAVE_RING:
            if not cpu.progress.single:  # else the step itself compares
                self.leaving = True
                cpu.uc.emu_stop()
            return
        here = address, cpu.progress.exact(address), cpu.events
        if here != self._passed:
            for number, catch in self._wanted.items():
                if text := self._judge(catch, instruction):
                    self.hit, self._passed = Caught(number, text), here
                    cpu.uc.emu_stop()
                    return
        if self._follows and instruction.act in _SWITCHES and not cpu.progress.single:
            self.leaving = True
            cpu.uc.emu_stop()

    def _judge(self, catch: Catch, instruction: Sensitive) -> str:
        """What the instruction is about to do, if the catch waits for that; elsewhere than in ring 0 it faults."""
        if instruction.act in (Act.READ_PORT, Act.WRITE_PORT):
            return self._port(catch, instruction) if catch.kind is Kind.PORT else ""
        if self._cpu.state.front.hflags & HF_CPL:
            return ""
        match instruction.act, catch.kind:
            case Act.HALT, Kind.HLT:
                return "hlt"
            case Act.WRITE_CONTROL, Kind.CONTROL | Kind.CR3:
                return self._control(catch, instruction)
            case Act.WRITE_MSR, Kind.MSR:
                return self._msr(catch)
        return ""

    def _control(self, catch: Catch, instruction: Sensitive) -> str:
        number, front = instruction.number or 0, self._cpu.state.front
        old = int(front.cr[number]) if number < len(front.cr) else 0
        new = self._new_control(instruction, old)
        if catch.kind is Kind.CONTROL:
            return control_text(number, old, new) if catch.takes(number) else ""
        switches = number == 3 and new is not None and (new ^ old) & ~_NO_FLUSH
        return control_text(3, old, new) if switches else ""

    def _new_control(self, instruction: Sensitive, old: int) -> int | None:
        """The value about to be written; None where it is in memory."""
        if instruction.mnemonic == "clts":
            return old & ~_TS
        source = instruction.source(self._cpu.state.front.regs)
        if source is None or instruction.mnemonic != "lmsw":
            return source
        return old & ~_LMSW_CLEARS | source & _LMSW_SETS  # PE is never cleared (SDM 2A, LMSW)

    def _msr(self, catch: Catch) -> str:
        regs = self._cpu.state.front.regs
        number, value = regs[_RCX] & 0xFFFFFFFF, (regs[_RDX] & 0xFFFFFFFF) << 32 | regs[_RAX] & 0xFFFFFFFF
        return msr_text(number, int(self._cpu.uc.msr_read(number)), value) if catch.takes(number) else ""

    def _port(self, catch: Catch, instruction: Sensitive) -> str:
        regs = self._cpu.state.front.regs
        port = regs[_RDX] & 0xFFFF if instruction.number is None else instruction.number
        access = Access.READ if instruction.act is Act.READ_PORT else Access.WRITE
        if catch.access not in (Access.ANY, access) or not catch.takes(port, port + instruction.size - 1):
            return ""
        if self._cpu.guards.port_fault(port, instruction.size):
            return ""
        value = regs[_RAX] & (1 << 8 * instruction.size) - 1 if instruction.mnemonic == "out" else None
        return port_text(instruction.mnemonic, port, instruction.size, value)

    # Changes of ring

    @property
    def compares_rings(self) -> bool:
        """Whether somebody waits for changes of ring, which a step tells by comparing."""
        return Kind.RING in self._kinds

    def stand(self) -> tuple[int, str] | None:
        """Before one instruction is run by itself: the ring, and its name; None if nobody waits for changes of ring."""
        if not self.compares_rings:
            return None
        cpu = self._cpu
        found = self._hooks.recognise(cpu.linear_pc, cpu.next_code())
        return cpu.state.front.hflags & HF_CPL, found.mnemonic if found else "an instruction"

    def compare(self, ring: int, way: str) -> None:
        """Behind that instruction."""
        if self.hit is None:
            self._cross(ring, self._cpu.cpl, way)

    def _cross(self, ring: int, now: int, way: str) -> None:
        for number, catch in self._wanted.items():
            before, after = catch.rings
            if catch.kind is Kind.RING and ring != now and before in (None, ring) and after in (None, now):
                self.hit = Caught(number, f"ring {ring} -> ring {now} by {way}")
                return

    # Deliveries

    def around(self, event: Event, deliver: Callable[[Event], Chain], *, early: bool) -> None:
        """Deliver an event with the state view loaded, unless a catch stops before; the caller stores the view.

        ``early`` says whether the processor can be put back to before the instruction; ``deliver`` gives the chain of
        faults that the delivery met, the event first.
        """
        if not self._wanted:
            deliver(event)
            return
        cpu, place = self._cpu, self._place(event)
        number, passed = self._waiting(event), place == self._passed
        early = early and not passed and event.source is not Source.EXTERNAL and event.vector != _DB
        text, ring = event_text(event, cpu.state.front.cr[2]), cpu.state.front.hflags & HF_CPL
        if early and number:
            self._put_back(event, Caught(number, text, _record(event)))
            return
        kept = bytes(cpu.state.front), bytes(cpu.progress.tallies), cpu.events
        chain = deliver(event)
        fatal = bool(cpu.shutdown)
        if early and (number := self._waiting_for_chain(chain)):
            self._undo(*kept)
            self._put_back(event, Caught(number, chain_text(chain, fatal=fatal), chain[0]))
        elif number and not passed and not fatal:
            self.hit = Caught(number, f"{text}, delivered", _record(event))
        elif not fatal:
            self._cross(ring, cpu.state.front.hflags & HF_CPL, text)

    def _waiting(self, event: Event) -> int | None:
        """The number of the catch that waits for an event; INT n counts by its vector."""
        is_interrupt = event.source is Source.EXTERNAL or (event.source is Source.SOFTWARE and event.vector >= 32)
        return self._first(Kind.INTERRUPT if is_interrupt else Kind.EXCEPTION, event.vector)

    def _waiting_for_chain(self, chain: Chain) -> int | None:
        """The number of the catch that waits for what the delivery of the first fault led to."""
        if self._cpu.shutdown and (number := self._first(Kind.TRIPLE_FAULT, 0)):
            return number
        return next(filter(None, (self._first(Kind.EXCEPTION, record.vector) for record in chain[1:])), None)

    def _place(self, event: Event) -> tuple[int, int, int]:
        """Linear address and position of the instruction that an event comes from."""
        cpu = self._cpu
        return cpu.linear(event.fault_rip), cpu.progress.clock - (event.rip - event.fault_rip), cpu.events

    def _put_back(self, event: Event, caught: Caught) -> None:
        """To before the instruction that raised an event."""
        self._passed, self.hit = self._place(event), caught
        self._cpu.progress.clock = self._passed[1]
        self._cpu.state.front.eip = event.fault_rip
        self._cpu.state.event.old_exception = -1

    def _undo(self, front: bytes, tallies: bytes, events: int) -> None:
        """Take a delivery back; the frame that it may have pushed lies where the next one will."""
        cpu = self._cpu
        ctypes.memmove(ctypes.addressof(cpu.state.front), front, len(front))
        ctypes.memmove(ctypes.addressof(cpu.progress.tallies), tallies, len(tallies))
        cpu.events, cpu.shutdown = events, None


def _record(event: Event) -> FaultRecord:
    return FaultRecord(event.vector, event.error_code, event.fault_rip, event.source.value)


def _watch(catch: Catch) -> Watch:
    return Watch(catch.access, catch.first, catch.last - catch.first + 1, physical=True)
