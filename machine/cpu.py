"""One processor: the engine instance, the state it hides, and the hooks that put back what it lacks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from unicorn import UC_ERR_FETCH_PROT, UC_HOOK_INSN_INVALID, UC_HOOK_INTR, UcError
from unicorn import x86_const as x86

from machine import registers
from machine.breakpoints import Breakpoints
from machine.catches import Catches
from machine.engine.choice import Engine, make_progress
from machine.engine.decode import can_be_left
from machine.engine.fast import FastProgress
from machine.engine.state import CC_OP_EFLAGS, HF2_NMI, HF_SMAP, STATUS_FLAGS
from machine.environment import ExecutionEnvironment
from machine.errors import EngineError, RegisterError
from machine.exceptions import Exceptions
from machine.guards import Guards
from machine.intercepts import Board, Intercepts
from machine.interrupts import NMI, UD, Event, Source, TripleFault, deliver
from machine.memory import Memory
from machine.revision import Revision
from machine.shadow import shade, unshade
from machine.sharedcode import SharedCode
from machine.stop import FaultRecord
from machine.translations import Translations
from machine.walk import CR4_SMAP
from machine.watchpoints import Watchpoints
from machine.windows import Windows


class Cpu(ExecutionEnvironment):
    """A processor over the machine's memory.

    The run loop calls `run` and `step`, then reads what the hooks left: `breakpoints.hit`, `shutdown`, `halted`.
    ``events`` counts delivered exceptions and interrupts.
    """

    orig_rax: int

    def __init__(
        self,
        memory: Memory,
        board: Board,
        engine: Engine | None = None,
        *,
        number: int = 0,
        shared_code: SharedCode | None = None,
    ) -> None:
        super().__init__(memory)
        self.number = number
        """Among the machine's processors, from 0."""
        self.shared_code = shared_code
        self._board = board
        self.progress = make_progress(self.uc, self.state, memory, engine)
        self.fast = self.progress if isinstance(self.progress, FastProgress) else None
        self.wanted = Revision()
        """Of what is wanted of this processor, or of all that are debugged as one."""
        self.breakpoints = Breakpoints(self.uc, self.progress, self.wanted)
        self.watchpoints = Watchpoints(self.progress, memory, walks=self.walks, can_leave=self._can_leave)
        self.orig_rax = (1 << 64) - 1
        self.halted = False
        self.shutdown: tuple[FaultRecord, ...] | None = None
        self.told_at: int | None = None
        """Linear address of the instruction that a stop was last told for; its breakpoint is not told again."""
        self._planted_at = -1
        self._changes = memory.changes
        self._raised: BaseException | None = None  # by a callback of the fast engine
        self._running = False
        self._again = False
        self._delivered = False
        self._fault: tuple[int, int | None] | None = None  # an exception to deliver outside the engine
        self.step_from: tuple[int, int] | None = None  # the clock and CR2 at the start of a step or of several
        self.guards = Guards(self)
        self.catches = Catches(self, self.restart)
        self.exceptions = Exceptions(self)
        self.translations = Translations(self)
        # Linear addresses of the instructions that the engine calls a hook before, as they come and go.
        self._hooked = tuple(each.hooked_addresses for each in (self.breakpoints, self.guards, self.catches))
        self._hook()

    def _hook(self) -> None:
        uc = self.uc
        if self.fast is None:
            uc.hook_add(UC_HOOK_INTR, lambda _uc, vector, _data: self.exceptions.on_exception(vector))
        uc.hook_add(UC_HOOK_INSN_INVALID, self.exceptions.on_invalid)
        self.intercepts = Intercepts(self, self._board)
        self.windows = Windows(self, self._board)

    def follow(self, first: Cpu) -> None:
        """Be debugged and counted as one with another processor: what is wanted of either is wanted of both."""
        self.wanted = first.wanted
        self.breakpoints.follow(first.breakpoints)
        self.watchpoints.follow(first.watchpoints)
        self.catches.follow(first.catches)
        self.progress.tallies = first.progress.tallies

    # What it is doing, from outside

    @property
    def events(self) -> int:
        """Exceptions and interrupts delivered."""
        return self.progress.events

    @events.setter
    def events(self, value: int) -> None:
        self.progress.events = value

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
        return self._start(self.progress.allow(limit))

    def approach(self, end: int) -> None:
        """After a refused run: run one or more instructions, none of which begins at or after ``end`` bytes."""
        if self.catches.compares_rings or not self.progress.shorten(end):
            self.step()
            return
        self.step_from = self.progress.clock, self.standing().cr[2]
        self._start(self.progress.allow_one())
        self.step_from = None

    def step(self) -> None:
        """Run one instruction, or deliver its exception."""
        progress, watches = self.progress, self.watchpoints
        events, clock = progress.events, progress.clock
        shaded = self.fast is None and shade(self)
        watches.whole = True
        self.step_from = clock, self.standing().cr[2]
        standing = self.catches.stand()
        while True:
            progress.single_out()
            self._start(progress.allow_one())
            if not self._again or progress.clock != clock or progress.events != events:
                break
        self.step_from = None
        watches.whole = False
        if shaded:
            unshade(self)
        if standing is not None:
            self.catches.compare(*standing)

    def _start(self, clock: int) -> bool:
        """Enter the engine, at this clock, until the limit, a hook or a halt ends it; True for the limit."""
        progress = self.progress
        if self.fast is None:
            self.translations.begin()
        self._refresh()
        events = progress.events
        while True:
            self._again = self._delivered = False
            self._emulate()
            self._after()
            if not (self._again or self._delivered) or self.stopped_by_hook or progress.single:
                break
            self._plant()
        if progress.clock != clock or progress.events != events:
            self.told_at = None  # it has moved on, and may come there again
        refused = progress.refused
        self.halted = not (refused or self._again or self._delivered or self.stopped_by_hook)
        return refused

    def _emulate(self) -> None:
        self._running = True
        try:
            self.progress.start(self._board.warp)
            self.uc.emu_start(self.standing().eip, 0)
        except UcError as error:
            if error.errno != UC_ERR_FETCH_PROT:
                raise EngineError(f"the engine failed at {self.linear_pc:#x}: {error}") from error
            self._fault = (UD, None)  # code on the open bus: all ones, which is no instruction
        finally:
            self._running = False
        if self._raised:
            raised, self._raised = self._raised, None
            raise raised

    def restart(self) -> None:
        """From a hook on a block that has not run: leave the engine, plant hooks and start again there."""
        self._again = True
        self.uc.emu_stop()

    def fault(self, vector: int, error_code: int | None) -> None:
        """From a hook before an instruction: it is not run, but raises an exception."""
        self._fault = vector, error_code
        self.uc.emu_stop()

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
        if self.fast and self.fast.met:
            self.breakpoints.take_met()
        linear = self.linear_pc
        if self.progress.caught:
            self.state.load()
            if self._behind_hook(linear):
                front = self.state.front
                front.eflags = front.eflags & ~STATUS_FLAGS | front.cc_src & STATUS_FLAGS
                self.state.store()
            self.progress.settle(linear)
            self.watchpoints.undo()
            self.told_at = linear  # a breakpoint here has been asked
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
        if self.fast and self.fast.moved():
            self._again = True  # watchpoints are looked up anew
        if self._fault:
            (vector, error_code), self._fault = self._fault, None
            self.state.load()
            rip = self.state.front.eip
            self.deliver(Event(vector, error_code, Source.EXCEPTION, rip, rip))
            self.state.store()
            self._delivered = True
        elif self.breakpoints.met_unarmed or (self.guards.left and self.guards.take_left()):
            self._again = True

    @property
    def stopped_by_hook(self) -> bool:
        """Whether something waits for the run loop."""
        points = self.breakpoints.hit is not None or self.watchpoints.hit is not None
        return points or self.catches.hit is not None or self.shutdown is not None

    def _refresh(self) -> None:
        """Before a start: drop translations that a host write made stale, plant what is wanted."""
        if self._changes != self.memory.changes:
            self._changes = self.memory.changes
            self.uc.ctl_flush_tb()
            self._flush_tlb()
        if self.shared_code and self.shared_code.take_stale(self.number):
            self.uc.ctl_flush_tb()
        front = self.standing()
        if not front.hflags & HF_SMAP and front.cr[4] & CR4_SMAP:
            self.state.load()
            self.state.front.hflags |= HF_SMAP
            self.state.store()
        self._plant()
        told = self.told_at if self.told_at in self.breakpoints.hooked_addresses else None
        self.breakpoints.pass_once(told if told is not None and told == self.linear_pc else None)

    def _plant(self) -> None:
        """Make the hooks agree with what is wanted, where that may have changed."""
        asks = self.breakpoints.met_unarmed or self.watchpoints.concerned or self.catches.seeks
        if asks or self._planted_at != self.wanted.number or (self.fast is None and self.translations.found):
            self._planted_at = self.wanted.number
            self._plant_anew()

    def _plant_anew(self) -> None:
        self.state.load()
        stale = [self.breakpoints.plant(), self.guards.plant(), self.catches.plant()]
        watched = self.watchpoints.concerned and self.watchpoints.plant(self.paging())
        if self.fast:
            self.fast.hooks_at(set().union(*self._hooked), everywhere=self.catches.sees_deliveries)
            self.fast.follow(self.watchpoints.follows)
        if self.translations.cover():
            self.state.store()
            self._flush_tlb()
        if any(stale) or (watched and not self.fast):
            self.uc.ctl_flush_tb()
        if any(stale) or watched:
            self.state.store()  # removing a hook probes its address, and leaves a page fault's marks in CR2

    def _flush_tlb(self) -> None:
        self.uc.reg_write(x86.UC_X86_REG_CR3, self.standing().cr[3])

    # Instructions that the engine leaves half done

    def _behind_hook(self, linear: int) -> bool:
        """Whether the engine is in the middle of an instruction that had a code hook before it.

        With a hook, an instruction begins by computing the flags into cc_src; restoring its state then brings back
        the kind of flags from before that.
        """
        start, end = self.progress.counted()
        return start <= linear < end and any(linear in addresses for addresses in self._hooked)

    def mend_flags(self, linear: int) -> None:
        """Inside the engine: say again that cc_src holds the flags."""
        if self._behind_hook(linear):
            self.state.front.cc_op = CC_OP_EFLAGS
            self.state.store()

    def _can_leave(self) -> bool:
        """From a memory hook: whether leaving the engine stops it in this very instruction.

        Instructions that a helper of the engine does as a whole cannot be left; the stop comes at the block's end.
        """
        self.state.load()
        if can_be_left(self.code_from(self.state.front.eip), self.state.front.hflags):
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

    def nonmaskable_interrupt(self) -> None:
        """Deliver an NMI between two instructions; ends a halt.  No other is taken before an IRET (SDM 3A 6.7.1)."""
        self.halted = False
        self.state.load()
        self.state.front.hflags2 |= HF2_NMI
        rip = self.state.front.eip
        self.deliver(Event(NMI, None, Source.EXTERNAL, rip, rip))
        self.state.store()

    def deliver(self, event: Event, *, early: bool = True) -> None:
        """Take the loaded view into an event's handler; a triple fault shuts the processor down.

        A catch may stop before, where ``early`` says that the processor can be put back to before the instruction.
        """
        self.catches.around(event, self._deliver, early=early)

    def _deliver(self, event: Event) -> tuple[FaultRecord, ...]:
        self.progress.events += 1
        if event.is_fault:
            self.progress.attempted(self.linear(event.rip))
        try:
            chain = deliver(self, event)
        except TripleFault as fault:
            chain = self.shutdown = tuple(fault.chain)
        # The engine never forgets the last exception by itself, and would make a double fault of the next.
        self.state.event.old_exception = -1
        return chain

    def inside(self) -> None:
        """At the start of a hook on an instruction: put its flags right if a breakpoint's hook is before it."""
        if self.breakpoints.hooked_addresses or self.guards.ports or self.catches.hooked_addresses:
            self.state.load()
            self.mend_flags(self.linear(self.state.front.eip))
