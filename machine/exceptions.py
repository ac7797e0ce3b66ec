"""Exceptions that are raised inside the engine: what they are on the machine, and their delivery from the hook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unicorn import Uc
from unicorn import x86_const as x86

from machine.engine.decode import int1_length, is_prefix, last_length, length
from machine.engine.state import HF_CPL, HF_INHIBIT_IRQ, HF_SMAP
from machine.interrupts import DB, PF, UD, Event, Source
from machine.x86.vectors import pushes_error_code

if TYPE_CHECKING:
    from machine.cpu import Cpu

_PRESENT, _USER = 1, 4
"""Bits of a page fault's error code (SDM 3A 4.7)."""


class Exceptions:
    """Those of one processor."""

    def __init__(self, cpu: Cpu) -> None:
        self._cpu = cpu

    def on_exception(self, vector: int) -> None:
        """From a hook: an exception was raised, and is delivered."""
        self._cpu.state.end_access()
        self._cpu.state.load()
        front, event = self._cpu.state.front, self._cpu.state.event
        linear = self._cpu.linear(front.eip)
        if (
            vector == PF
            and not event.exception_is_int
            and (self._ran_over_the_page(linear) or self._far_transfer(linear))
        ):
            return
        fault_rip = self._int_instruction(vector, linear) if event.exception_is_int else front.eip
        self._cpu.mend_flags(linear)
        self._cpu.progress.settle(linear)
        if vector == PF and self._step_is_over():
            return
        vector, error_code = self._port_first(linear) or (vector, event.error_code)
        code = error_code if pushes_error_code(vector) and not event.exception_is_int else None
        source = Source.SOFTWARE if event.exception_is_int else Source.EXCEPTION
        self._deliver_inside(Event(vector, code, source, front.eip, fault_rip))

    def _port_first(self, linear: int) -> tuple[int, int | None] | None:
        """What denies OUTS, if it does: the fast engine looks at the permission behind the operand."""
        event, front = self._cpu.state.event, self._cpu.state.front
        if self._cpu.fast is None or event.exception_is_int or not front.hflags & HF_CPL:
            return None
        access = self._cpu.guards.output_of_string(linear, self._cpu.code_from(front.eip))
        return self._cpu.guards.port_fault(self._cpu.uc.reg_read(x86.UC_X86_REG_DX), access.size) if access else None

    def _step_is_over(self) -> bool:
        """The step went to a page that is missing: it ends there, and the fault belongs to the next one."""
        start = self._cpu.step_from or self._cpu.progress.alone
        if start is None:
            return False
        if self._cpu.progress.clock == start[0]:
            self._cpu.watchpoints.forget()  # what it touched it will touch again
            return False
        self._cpu.state.front.cr[2] = start[1]
        self._cpu.state.event.old_exception = -1
        self._cpu.state.store()
        self._cpu.uc.emu_stop()
        self._cpu.progress.refuse()
        return True

    def _deliver_inside(self, event: Event) -> None:
        cpu = self._cpu
        cpu.deliver(event)
        cpu.state.store()
        progress = cpu.progress
        if cpu.catches.hit is not None or cpu.shutdown or progress.single or progress.events >= progress.most_events:
            cpu.uc.emu_stop()
            progress.refuse()

    def _int_instruction(self, vector: int, linear: int) -> int:
        """Where the INT that pushed its next address began: INT3 and INTO have one byte, INT n two, prefixes before."""
        cpu, rip = self._cpu, int(self._cpu.state.front.eip)
        before = cpu.code_from(rip - 1)[:1]  # none if the tables changed behind the engine's TLB
        short = (vector, before) in ((3, b"\xcc"), (4, b"\xce"), (3, b""), (4, b""))
        begin = rip - (1 if short else 2)
        start, end = cpu.progress.counted()
        if start < linear <= end and is_prefix(cpu.code_from(begin - 1)[:1]):  # or the end of what stands before
            return rip - (last_length(cpu.code_at(start, linear - start), cpu.state.front.hflags) or rip - begin)
        return begin

    def _ran_over_the_page(self, linear: int) -> bool:
        """A translation ran into a missing page before its first instructions ran: run them one by one.

        The engine reports the fault at the translation's start; no block was counted for it.
        """
        (start, end), front = self._cpu.progress.counted(), self._cpu.state.front
        counted = start <= linear < end
        if counted or front.hflags & HF_INHIBIT_IRQ or front.cr[2] >> 12 == linear >> 12:
            return False
        front.hflags |= HF_INHIBIT_IRQ
        self._cpu.state.event.old_exception = -1
        self._cpu.state.store()
        return True

    def _far_transfer(self, linear: int) -> bool:
        """The engine makes the stack accesses of far transfers in ring 3 with ring 0's rights, which SMAP forbids.

        True if the instruction is to be run again without SMAP, which the next start puts back; what it raises then
        is ring 3's.
        """
        front, event = self._cpu.state.front, self._cpu.state.event
        if not front.hflags & HF_CPL or event.error_code & _USER or self._in_a_table(front.cr[2]):
            return False
        if event.error_code & _PRESENT and front.hflags & HF_SMAP:
            front.hflags = front.hflags & ~HF_SMAP | HF_INHIBIT_IRQ  # alone
            event.old_exception = -1
            self._cpu.state.store()
            progress = self._cpu.progress
            progress.settle(linear)
            progress.lower(progress.clock + length(self._cpu.code_from(front.eip), front.hflags))
            return True
        event.error_code |= _USER
        return False

    def _in_a_table(self, address: int) -> bool:
        """Whether the processor itself looks at a linear address, with ring 0's rights (SDM 3A 4.6)."""
        front = self._cpu.state.front
        tables = front.gdt, front.ldt, front.tr, front.idt
        return any(table.base <= address <= table.base + table.limit for table in tables)

    def on_invalid(self, _uc: Uc, _data: object) -> bool:
        """From a hook: #UD, for an instruction that the engine does not know (SDM 3A 6.15) among others.

        Those others are ``INT 6``, which the engine takes for #UD itself, and INT1, which it does not know.
        """
        self._cpu.state.load()
        self._deliver_invalid(self._cpu.state.front.eip)
        return True

    def _deliver_invalid(self, rip: int) -> None:
        event, progress = self._cpu.state.event, self._cpu.progress
        size = int1_length(self._cpu.code_from(rip), self._cpu.state.front.hflags)
        if event.exception_is_int:
            after, what = event.exception_next_eip, Event(UD, None, Source.SOFTWARE, event.exception_next_eip, rip)
        elif size:
            after, what = rip + size, Event(DB, None, Source.EXCEPTION, rip + size, rip)
        else:
            after, what = rip, Event(UD, None, Source.EXCEPTION, rip, rip)
        progress.settle(self._cpu.linear(after))
        self._deliver_inside(what)
