"""One processor: the engine instance, the state it hides, and the hooks that put back what it lacks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from unicorn import (
    UC_ARCH_X86,
    UC_ERR_FETCH_PROT,
    UC_HOOK_EDGE_GENERATED,
    UC_HOOK_INSN_INVALID,
    UC_HOOK_INTR,
    UC_MODE_64,
    Uc,
    UcError,
)
from unicorn import x86_const as x86

from machine import registers, system
from machine.breakpoints import Breakpoints
from machine.catches import Catches
from machine.codepages import CodePages
from machine.engine.choice import Engine, make_progress
from machine.engine.decode import can_be_left, ends_translation
from machine.engine.fast import FastProgress
from machine.engine.state import CC_OP_EFLAGS, CS, HF_CPL, HF_CS64, HF_INHIBIT_IRQ, STATUS_FLAGS, State
from machine.errors import EngineError, MemoryFault, RegisterError
from machine.intercepts import Board, Intercepts
from machine.interrupts import GP, IF, PF, UD, Event, GuestFault, Source, TripleFault, deliver
from machine.memory import Memory
from machine.portguard import PortGuard
from machine.stop import FaultRecord
from machine.walk import Paging, pages, translate
from machine.watchpoints import Watchpoints
from machine.windows import Windows
from machine.x86.vectors import pushes_error_code

_MASK_32 = 0xFFFFFFFF


class Cpu:
    """A processor over the machine's memory.

    The run loop calls `run` and `step`, then reads what the hooks left: `breakpoints.hit`, `shutdown`, `halted`.
    ``events`` counts delivered exceptions and interrupts.
    """

    uc: Uc
    state: State
    orig_rax: int

    def __init__(self, memory: Memory, board: Board, engine: Engine | None = None) -> None:
        self.memory = memory
        self._board = board
        self.uc = Uc(UC_ARCH_X86, UC_MODE_64, x86.UC_CPU_X86_SKYLAKE_SERVER)
        # An exit address makes the engine probe memory when it stops; none is ever set.
        self.uc.ctl_exits_enabled(True)
        self.uc.ctl_set_exits([])
        memory.attach(self.uc)
        self.state = State(self.uc)
        self.progress = make_progress(self.uc, self.state, memory, engine)
        self.fast = self.progress if isinstance(self.progress, FastProgress) else None
        self.breakpoints = Breakpoints(self.uc, self.progress)
        self.watchpoints = Watchpoints(self.uc, memory, can_leave=self._can_leave)
        self.orig_rax = (1 << 64) - 1
        self.halted = False
        self.shutdown: tuple[FaultRecord, ...] | None = None
        self.told_at: int | None = None
        """Linear address of the instruction that a stop was last told for; its breakpoint is not told again."""
        self._raised: BaseException | None = None  # by a callback of the fast engine
        self._running = False
        self._again = False
        self._delivered = False
        self._fault: tuple[int, int | None] | None = None  # an exception to deliver outside the engine
        self._step_from: tuple[int, int] | None = None  # the clock and CR2 at the start of a step
        self.ports = PortGuard(self, self._check_port)
        self.catches = Catches(self, self._restart)
        self.code_pages = CodePages(self.uc)
        self._hook()

    def _hook(self) -> None:
        uc = self.uc
        if self.fast is None:
            uc.hook_add(UC_HOOK_EDGE_GENERATED, self._on_translation)
            uc.hook_add(UC_HOOK_INTR, lambda _uc, vector, _data: self.on_exception(vector))
        uc.hook_add(UC_HOOK_INSN_INVALID, self._on_invalid)
        self.intercepts = Intercepts(self, self._board)
        self.windows = Windows(self, self._board)

    # What it is doing, from outside

    @property
    def events(self) -> int:
        """Exceptions and interrupts delivered."""
        return self.progress.events

    @events.setter
    def events(self, value: int) -> None:
        self.progress.events = value

    def flags(self) -> int:
        """RFLAGS, with the status flags the engine computes lazily."""
        return int(self.uc.reg_read(x86.UC_X86_REG_EFLAGS))

    def paging(self) -> Paging:
        """The registers that decide translation, from the loaded view."""
        front = self.state.front
        return Paging(front.cr[0], front.cr[3], front.cr[4], front.efer)

    @property
    def cpl(self) -> int:
        """The current privilege level."""
        self.state.load()
        return int(self.state.front.hflags & HF_CPL)

    @property
    def linear_pc(self) -> int:
        """Linear address of the next instruction: CS.base + RIP outside 64-bit mode."""
        self.state.load()
        return self.linear(self.state.front.eip)

    def linear(self, rip: int) -> int:
        """Linear address of an offset in the code segment, from the loaded view."""
        front = self.state.front
        return rip if front.hflags & HF_CS64 else (front.segs[CS].base + rip) & _MASK_32

    def read_register(self, name: str) -> int:
        """A register by name, unsigned.  Raises `RegisterError` for an unknown name."""
        register = registers.find(name)
        self.state.load()
        return register.read(self)

    def write_register(self, name: str, value: int) -> None:
        """Set a register.  Raises `RegisterError` if it has no such name or cannot take the value."""
        register = registers.find(name)
        if not 0 <= value < 1 << register.bits:
            raise RegisterError(f"{name}: {value:#x} does not fit in {register.bits} bits")
        self.state.load()
        register.write(self, value)

    def moved(self) -> None:
        """The debugger moved RIP: a breakpoint there has not been told yet, and a halt is over."""
        self.told_at = None
        self.halted = False

    # Running

    def now(self) -> int:
        """Bytes of code executed before the instruction that runs."""
        if not self._running:
            return self.progress.clock
        self.state.load()
        return self.progress.exact(self.linear(self.state.front.eip))

    def run(self, limit: int) -> bool:
        """Run until the clock would pass ``limit`` bytes, or a hook stops it.

        Returns True if the limit was the reason; the clock is then at most ``limit``.
        """
        self.progress.allow(limit)
        return self._start()

    def step(self) -> None:
        """Run one instruction, or deliver its exception.

        The engine is asked for a translation of one instruction by its own interrupt-shadow bit, which changes
        nothing that the guest can see; instructions that end a translation anyway go without, as they treat it
        differently.
        """
        self.state.load()
        front = self.state.front
        forced = not front.hflags & HF_INHIBIT_IRQ and not self._ends_translation()
        if forced:
            front.hflags |= HF_INHIBIT_IRQ
            self.state.store()
        events, clock = self.events, self.progress.clock
        self.progress.allow_one()
        self.watchpoints.whole = True
        self._step_from = clock, front.cr[2]
        standing = self.catches.stand()
        while True:
            self._start()
            if not self._again or self.progress.clock != clock or self.events != events:
                break
        self._step_from = None
        self.watchpoints.whole = False
        if forced:
            self.state.load()
            if front.hflags & HF_INHIBIT_IRQ:
                front.hflags &= ~HF_INHIBIT_IRQ
                self.state.store()
        if standing is not None:
            self.catches.compare(*standing)

    def _ends_translation(self) -> bool:
        return ends_translation(self.next_code(), self.state.front.hflags)

    def next_code(self) -> bytes:
        """Up to 15 bytes of code from the next instruction on, as far as its page goes."""
        return self._code_at(self.state.front.eip)

    def _code_at(self, rip: int) -> bytes:
        """Up to 15 bytes of code from ``rip`` on its page; none if it is not mapped."""
        try:
            at = translate(self.memory, self.paging(), self.linear(rip)).physical
        except MemoryFault:
            return b""
        return bytes(self.memory.ram[at : min(at + 15, (at | 4095) + 1)])

    def _start(self) -> bool:
        """Enter the engine until the limit, a hook or a halt ends it; True for the limit."""
        self._refresh()
        while True:
            self._again = self._delivered = False
            self._emulate()
            self._after()
            if not (self._again or self._delivered) or self.stopped_by_hook or self.progress.single:
                break
            self._plant()
        refused = self.progress.refused
        self.halted = not (refused or self._again or self._delivered or self.stopped_by_hook)
        return refused

    def _emulate(self) -> None:
        self._running = True
        try:
            self.progress.start(self._board.warp)
            self.uc.emu_start(self.state.front.eip, 0)
        except UcError as error:
            if error.errno != UC_ERR_FETCH_PROT:
                raise EngineError(f"the engine failed at {self.linear_pc:#x}: {error}") from error
            self._fault = (UD, None)  # code on the open bus: all ones, which is no instruction
        finally:
            self._running = False
        if self._raised:
            raised, self._raised = self._raised, None
            raise raised

    def guarded(self, callback: Callable[..., Any]) -> Callable[..., Any]:
        """A callback for machine code, which cannot raise: what it raises stops the engine, and is raised there."""

        def call(*arguments: object) -> object:
            try:
                return callback(*arguments)
            except BaseException as error:  # Ctrl-C too
                self._raised = error
                self.uc.emu_stop()
                return 0

        return call

    def _after(self) -> None:
        """What a hook left to be done outside the engine."""
        self.state.load()
        linear = self.linear(self.state.front.eip)
        if self.watchpoints.caught:
            if self._behind_hook(linear):
                front = self.state.front
                front.eflags = front.eflags & ~STATUS_FLAGS | front.cc_src & STATUS_FLAGS
                self.state.store()
            self.progress.settle(linear)
            self.watchpoints.undo()
            self._step_whole()
            self._again = self.watchpoints.hit is None
            return
        if self.catches.leaving:
            self.catches.leaving = False
            self.progress.settle(linear)
            self._step_whole()
            self._again = not self.stopped_by_hook
            return
        self.progress.settle(linear, whole=self._again)
        if self._fault:
            (vector, error_code), self._fault = self._fault, None
            rip = self.state.front.eip
            self.deliver(Event(vector, error_code, Source.EXCEPTION, rip, rip))
            self.state.store()
            self._delivered = True
        elif self.breakpoints.met_unarmed:
            self._again = True

    @property
    def stopped_by_hook(self) -> bool:
        """Whether something waits for the run loop."""
        points = self.breakpoints.hit is not None or self.watchpoints.hit is not None
        return points or self.catches.hit is not None or self.shutdown is not None

    def _refresh(self) -> None:
        """Before a start: drop translations that a host write made stale, plant what is wanted."""
        self.state.load()
        if self.memory.changed:
            self.memory.changed = False
            self.uc.ctl_flush_tb()
            self._flush_tlb()
        self._plant()
        here = self.linear(self.state.front.eip)
        self.breakpoints.pass_once(here if self.told_at == here else None)

    def _plant(self) -> None:
        stale = [
            self.breakpoints.plant(),
            self.watchpoints.plant(self.paging()),
            self.ports.plant(),
            self.catches.plant(),
        ]
        if self.fast:
            stale.append(self.fast.leave_at_accesses(self.watchpoints.planted))
            hooked, more = self.breakpoints.hooked_addresses, self.catches.hooked_addresses
            self.fast.hooks_at([*hooked, *more] if more else hooked, everywhere=self.catches.sees_deliveries)
        if self.code_pages.found:
            self.code_pages.cover()
            self.state.store()
            self._flush_tlb()
        if any(stale):
            self.uc.ctl_flush_tb()
            self.state.store()  # removing a hook probes its address, and leaves a page fault's marks in CR2

    def _flush_tlb(self) -> None:
        self.uc.reg_write(x86.UC_X86_REG_CR3, self.state.front.cr[3])

    # Instructions that the engine leaves half done

    def _behind_hook(self, linear: int) -> bool:
        """Whether the engine is in the middle of an instruction that had a code hook before it.

        With a hook, an instruction begins by computing the flags into cc_src; restoring its state then brings back
        the kind of flags from before that.
        """
        start, end = self.progress.counted()
        if not start <= linear < end:
            return False
        hooked = self.breakpoints.hooked(linear) or self.ports.hooked(linear)
        return hooked or linear in self.catches.hooked_addresses

    def _mend_flags(self, linear: int) -> None:
        """Inside the engine: say again that cc_src holds the flags."""
        if self._behind_hook(linear):
            self.state.front.cc_op = CC_OP_EFLAGS
            self.state.store()

    def _can_leave(self) -> bool:
        """From a memory hook: whether leaving the engine stops it in this very instruction.

        Instructions that a helper of the engine does as a whole cannot be left; the stop comes at the block's end.
        """
        self.state.load()
        if can_be_left(self._code_at(self.state.front.eip), self.state.front.hflags):
            return True
        self.progress.lower(0)
        return False

    def _step_whole(self) -> None:
        """Run the instruction that a watchpoint caught, to its end."""
        limit, single = self.progress.limit, self.progress.single
        self.step()
        if not single:
            self.progress.allow(limit)

    # Delivery

    def interrupt(self, vector: int) -> None:
        """Deliver an external interrupt between two instructions; ends a halt."""
        self.halted = False
        if self.fast and not self.catches.sees_deliveries and self.fast.interrupt(vector, self.flags()):
            return
        self.state.load()
        rip = self.state.front.eip
        self.deliver(Event(vector, None, Source.EXTERNAL, rip, rip))
        self.state.store()

    def interruptible(self) -> bool:
        """Whether an external interrupt would be taken now: IF set and no interrupt shadow."""
        self.state.load()
        front = self.state.front
        return bool(front.eflags & IF) and not front.hflags & HF_INHIBIT_IRQ

    def deliver(self, event: Event, *, early: bool = True) -> None:
        """Take the loaded view into an event's handler; a triple fault shuts the processor down.

        A catch may stop before, where ``early`` says that the processor can be put back to before the instruction.
        """
        self.catches.around(event, self._deliver, early=early)

    def _deliver(self, event: Event) -> tuple[FaultRecord, ...]:
        self.progress.events += 1
        try:
            chain = deliver(self, event)
        except TripleFault as fault:
            chain = self.shutdown = tuple(fault.chain)
        # The engine never forgets the last exception by itself, and would make a double fault of the next.
        self.state.event.old_exception = -1
        return chain

    def on_exception(self, vector: int) -> None:
        """Inside the engine: an exception was raised, and is delivered."""
        self.state.load()
        front, event = self.state.front, self.state.event
        linear = self.linear(front.eip)
        if vector == PF and not event.exception_is_int and self._ran_over_the_page(linear):
            return
        self._mend_flags(linear)
        self.progress.settle(linear)
        if vector == PF and self._step_is_over():
            return
        code = event.error_code if pushes_error_code(vector) and not event.exception_is_int else None
        source = Source.SOFTWARE if event.exception_is_int else Source.EXCEPTION
        rip = front.eip
        fault_rip = self._int_instruction(vector) if event.exception_is_int else rip
        self._deliver_inside(Event(vector, code, source, rip, fault_rip))

    def _step_is_over(self) -> bool:
        """The step went to a page that is missing: it ends there, and the fault belongs to the next one."""
        if self._step_from is None or self.progress.clock == self._step_from[0]:
            return False
        self.state.front.cr[2] = self._step_from[1]
        self.state.event.old_exception = -1
        self.state.store()
        self.uc.emu_stop()
        self.progress.refuse()
        return True

    def _deliver_inside(self, event: Event) -> None:
        self.deliver(event)
        self.state.store()
        caught = self.catches.hit is not None
        if caught or self.shutdown or self.progress.single or self.events >= self.progress.most_events:
            self.uc.emu_stop()
            self.progress.refuse()

    def _int_instruction(self, vector: int) -> int:
        """Where the INT that pushed its next address began: INT3 and INTO have one byte, INT n two."""
        rip = int(self.state.front.eip)
        before = self._code_at(rip - 1)[:1]  # none if the tables changed behind the engine's TLB
        short = (vector, before) in ((3, b"\xcc"), (4, b"\xce"), (3, b""), (4, b""))
        return rip - (1 if short else 2)

    def _ran_over_the_page(self, linear: int) -> bool:
        """A translation ran into a missing page before its first instructions ran: run them one by one.

        The engine reports the fault at the translation's start; no block was counted for it.
        """
        (start, end), front = self.progress.counted(), self.state.front
        counted = start <= linear < end
        if counted or front.hflags & HF_INHIBIT_IRQ or front.cr[2] >> 12 == linear >> 12:
            return False
        front.hflags |= HF_INHIBIT_IRQ
        self.state.event.old_exception = -1
        self.state.store()
        return True

    def _on_invalid(self, _uc: Uc, _data: object) -> bool:
        self.state.load()
        rip = self.state.front.eip
        self.progress.settle(self.linear(rip))
        self._deliver_inside(Event(UD, None, Source.EXCEPTION, rip, rip))
        return True

    def inside(self) -> None:
        """At the start of a hook on an instruction: put its flags right if a breakpoint's hook is before it."""
        if self.breakpoints.hooks or self.ports.hooks or self.catches.hooked_addresses:
            self.state.load()
            self._mend_flags(self.linear(self.state.front.eip))

    # New code, and ports outside ring 0

    def _on_translation(self, uc: Uc, block: object, _previous: object, _data: object) -> None:
        """A block was translated and has not run: if it needs hooks first, leave the engine and start again there."""
        address, length = int(block.pc), int(block.size)  # type: ignore[attr-defined]
        self.state.load()
        new = self._is_new_code(address, length)
        if self.state.front.hflags & HF_CPL and self.ports.examine(address, length):
            new = True
        if new:
            self._restart()

    def _restart(self) -> None:
        """From a hook on a block that was just translated: leave the engine, plant hooks and start again there."""
        self._again = True
        self.uc.emu_stop()

    def _is_new_code(self, address: int, length: int) -> bool:
        new = False
        try:
            runs = pages(self.memory, self.paging(), address, length)
        except MemoryFault:
            return False  # the tables changed under the engine's TLB; the hardware would go on too
        for physical, _ in runs:
            if not self.code_pages.knows(physical):
                self.code_pages.add(physical)
                new = True
        return new

    def _check_port(self, port: int, size: int) -> None:
        """From a hook before an IN or OUT outside ring 0: #GP(0) follows if it is denied, or the bitmap's own fault."""
        self._fault = self._port_fault(port, size)
        if self._fault:
            self.uc.emu_stop()

    def _port_fault(self, port: int, size: int) -> tuple[int, int | None] | None:
        """The exception that an access to a port raises now, with CR2 set for it; None if it is permitted."""
        self.state.load()
        try:
            return None if system.port_permitted(self, port, size) else (GP, 0)
        except GuestFault as fault:
            if fault.cr2 is not None:
                self.state.front.cr[2] = fault.cr2
                self.state.store()
            return fault.vector, fault.error_code

    def refuse_port(self, port: int, size: int) -> int:
        """For the fast engine, which raises it in the instruction: 0, or vector << 16 | error code."""
        fault = self._port_fault(port, size)
        return fault[0] << 16 | (fault[1] or 0) if fault else 0
