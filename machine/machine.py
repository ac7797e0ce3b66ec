"""The PC: RAM, devices, clock and the processors; run, step, stop."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import cast

from machine.clock import NEVER, Clock
from machine.cpu import Cpu
from machine.devices.ata import COMMAND_BLOCK, CONTROL, CONTROL_BLOCK, DISK_IRQ, AtaDisk
from machine.devices.controlport import CONTROL_PORT_A, ControlPortA
from machine.devices.device import PortDevice, Ports, SavedPortDevice, Stateful
from machine.devices.exitport import EXIT_PORT, POST_PORT, ExitPort, PostPort
from machine.devices.i8042 import COMMAND, DATA, I8042, KEYBOARD_IRQ
from machine.devices.interruptlines import WINDOWS, InterruptLines
from machine.devices.pci import CONFIGURATION, PciConfiguration
from machine.devices.pit import TIMER_IRQ, Pit
from machine.devices.powermanagement import FIRST_PORT, PORTS, SCI_IRQ, PowerManagement
from machine.devices.rtc import Rtc
from machine.devices.serial import PORTS as SERIAL_PORTS
from machine.devices.serial import Serial
from machine.engine.choice import Engine
from machine.errors import Error
from machine.fields import Fields, State, check_names, mapping, number, optional
from machine.limits import DEFAULT_MEMORY, QUANTUM
from machine.linear import LinearMemory
from machine.memory import Memory
from machine.positions import Goal, Position
from machine.processor import FIRST_RETRY, LAST_RETRY, Processor
from machine.stop import (
    END,
    Arrived,
    Breakpoint,
    Exited,
    Halted,
    Interrupted,
    Reset,
    Shutdown,
    Stepped,
    Stop,
)
from machine.turns import Turns, make_processors
from machine.windows import MemoryDevice

SLICE = 4 << 20
"""Bytes of code that one `Machine.run` executes at most, a few milliseconds of host time."""

EVENTS = 256
"""Exceptions that one `Machine.run` delivers at most: a guest whose handler faults makes no other progress."""

WAKES = 32
"""Times that one `Machine.run` wakes a halted processor at most."""

_RETRY = number(2 * LAST_RETRY, FIRST_RETRY)
_FIELDS = Fields("machine", _retry_at=number(NEVER), _retry=_RETRY, _exit=optional(END))


class Machine(LinearMemory):
    """A PC with ``memory`` bytes of RAM and ``cpus`` processors (1 to `machine.limits.MOST_PROCESSORS`).

    ``send`` gets what the guest writes to its first serial port, of which there are ``serial_ports`` (1 to 4).
    ``engine`` names the engine that runs the processors; all give the same results, but the fast one runs one alone.
    Several processors take turns of ``quantum`` bytes of code: `machine.turns`.  Raises `EngineError`, `Error`.
    """

    def __init__(
        self,
        memory: int = DEFAULT_MEMORY,
        *,
        send: Callable[[bytes], None] = lambda data: None,
        serial_ports: int = 1,
        engine: Engine | None = None,
        cpus: int = 1,
        quantum: int = QUANTUM,
    ) -> None:
        self.memory = Memory(memory, WINDOWS)
        self.ports = Ports()
        self.cpus = make_processors(cpus, self.memory, self, engine)
        self.cpu = self.cpus[0]
        """The processor whose turn it is; at a stop, the one that stopped."""
        self.clock = Clock(self.cpu.now if cpus == 1 else lambda: self.cpu.now())
        self.turns = Turns([Processor(cpu, self.clock, self._reset) for cpu in self.cpus], quantum)
        self.goal: Goal | None = None
        """Where the next run that comes there shall stop; it is forgotten then, and when it is behind."""
        self.last: Stop | None = None
        """Why it last stopped."""
        self._awaited: Cpu | None = None
        self._interrupted = False
        self._exit: Exited | Reset | None = None
        self.devices: dict[str, Stateful] = {}
        """All that has state of its own, by the name under which a snapshot keeps it."""
        self._attach_devices()
        self._attach_serial_ports(serial_ports, send)

    def _attach_devices(self) -> None:
        processors = self.turns.processors
        signal = (lambda number, mode, vector: processors[number].signal(mode, vector)) if self.cpus[1:] else None
        self.interrupts = InterruptLines(self.clock, *(processor.changed for processor in processors), signal=signal)
        for processor in processors:
            processor.interrupts = self.interrupts
        drive, self.pic = self.interrupts.drive, self.interrupts.pic
        self.pit = Pit(self.clock, drive(TIMER_IRQ))
        self.rtc = Rtc(self.clock, self.memory.size)
        self.post = PostPort()
        self.i8042 = I8042(drive(KEYBOARD_IRQ), lambda: self._reset("the keyboard controller"))
        self.pci = PciConfiguration(lambda: self._reset("port 0xcf9"))
        self.power = PowerManagement(self.clock, drive(SCI_IRQ), lambda: self._leave(0))
        self.control_port = ControlPortA(lambda: self._reset("port 0x92"))
        self.disk = AtaDisk(drive(DISK_IRQ))
        self.interrupts.attach(self.ports, *(cpu.windows for cpu in self.cpus))
        self.devices |= {"ports": self.ports, **self.interrupts.controllers()}
        # fmt: off
        for name, device, first, count in (
            ("pit",       self.pit,               0x40,           4),
            ("speaker",   self.pit.speaker,       0x61,           1),
            ("rtc",       self.rtc,               0x70,           2),
            ("post",      self.post,              POST_PORT,      1),
            ("port 0x92", self.control_port,      CONTROL_PORT_A, 1),
            ("exit",      ExitPort(self._leave),  EXIT_PORT,      4),
            ("pci",       self.pci,               CONFIGURATION,  8),
            ("8042",      self.i8042,             DATA,           1),
            ("power",     self.power,             FIRST_PORT,     PORTS),
            ("disk",      self.disk,              COMMAND_BLOCK,  8),
        ):
            self.attach(name, device, first, count)
        # fmt: on
        self.ports.attach(self.i8042, COMMAND, 1, offset=COMMAND - DATA)
        self.ports.attach(self.disk, CONTROL_BLOCK, 1, offset=CONTROL)

    def attach(self, name: str, device: SavedPortDevice, first: int, count: int) -> None:
        """Add a device that answers at ``count`` ports from ``first`` on and is saved as ``name``."""
        self.ports.attach(device, first, count)
        self.devices[name] = device

    def detach(self, name: str) -> None:
        """Take a device out that `attach` added."""
        device = self.devices.pop(name)
        self.ports.detach(cast(PortDevice, device))

    def _attach_serial_ports(self, count: int, send: Callable[[bytes], None]) -> None:
        """COM1 and the next; those behind the first are silent until their ``send`` is set."""
        self.serial_ports: list[Serial] = []
        for row in SERIAL_PORTS[:count]:
            port = Serial(lambda data: None, partial(self._serial_changed, row.irq))
            self.attach(row.name, port, row.base, 8)
            self.serial_ports.append(port)
        self.serial = self.serial_ports[0]
        self.serial.send = send

    def _serial_changed(self, irq: int, _level: bool) -> None:
        """Two ports share a line, which is the OR of theirs: where one asks already, the other makes no edge."""
        sharing = (port for row, port in zip(SERIAL_PORTS, self.serial_ports, strict=False) if row.irq == irq)
        self.interrupts.set_irq(irq, any(port.line for port in sharing))

    # The board, as the processor sees it

    def read_port(self, port: int, size: int) -> int:
        """IN by the processor."""
        self.clock.inside = True
        value = self.ports.read(port, size)
        self._accessed()
        return value

    def write_port(self, port: int, value: int, size: int) -> None:
        """OUT by the processor."""
        self.clock.inside = True
        self.ports.write(port, value, size)
        self._accessed()

    def read_memory(self, device: MemoryDevice, offset: int, size: int) -> int:
        """A load by the processor from a device in memory."""
        self.clock.inside = True
        value = device.read_memory(offset, size)
        self._accessed()
        return value

    def write_memory(self, device: MemoryDevice, offset: int, value: int, size: int) -> None:
        """A store by the processor to a device in memory."""
        self.clock.inside = True
        device.write_memory(offset, value, size)
        self._accessed()

    def _accessed(self) -> None:
        """Stop in time for what the access brought about."""
        self.clock.inside = False
        self.cpu.progress.lower(max(min(self.clock.next, self.turns.due()) - self.clock.warp, 0))

    @property
    def warp(self) -> int:
        """Nanoseconds that virtual time is ahead of guest progress: what HLT skipped."""
        return self.clock.warp

    def time_stamp(self) -> int:
        """The TSC: one tick a nanosecond."""
        return self.clock.now()

    def _leave(self, code: int) -> None:
        self._exit = Exited(code)
        self._stop_at_next_block()

    def _reset(self, cause: str) -> None:
        self._exit = Reset(cause)
        self._stop_at_next_block()

    def _stop_at_next_block(self) -> None:
        # Never emu_stop from a port hook: the rest of the block would run without its hooks.
        self.cpu.progress.lower(0)

    # Running

    @property
    def position(self) -> Position:
        """Where the run is."""
        return Position(self.cpu.progress.clock, self.cpu.events)

    def interrupt(self) -> None:
        """Ask for a stop at the next slice; the one call that another thread may make."""
        self._interrupted = True

    def stop_here(self) -> None:
        """Between two runs: this is where the user stopped, so a breakpoint here has been told."""
        self.cpu.told_at = self.cpu.linear_pc

    def power_off(self) -> None:
        """End the machine as its exit port would, with code 0; it does not run again."""
        self._exit = Exited(0)

    def run(self, budget: int = SLICE, until: int = NEVER) -> Stop | None:
        """Run until something stops the machine, or ``budget`` bytes of code have run.

        Returns None when the budget ended first, when virtual time ``until`` came while the processor was halted, or
        when only the outside can wake it (`idle`).  How a run is cut changes nothing that the guest can see.
        """
        if self.goal is not None and self.goal.reached(self.position):
            self.goal = None
        return self._run(budget, until) if self.goal is None else self.run_to(self.goal, budget, until)

    def _run(self, budget: int, until: int) -> Stop | None:
        slice_end, wakes = self.cpu.progress.clock + budget, WAKES
        self.cpu.progress.most_events = self.cpu.events + EVENTS
        while True:
            stop, progress = self._stopped(), self.cpu.progress
            if stop is not None:
                return self._tell(stop)
            if progress.clock >= slice_end or not wakes or self.cpu.events >= progress.most_events:
                return None
            now = self._look()
            current = self.turns.current
            if self._awaited is self.cpu and not current.rests:
                return Arrived()
            due = self._serve(now)
            if not (current.held or self.cpu.halted):
                if not self.cpu.stopped_by_hook and self._advance(min(due - self.clock.warp, NEVER), slice_end):
                    slice_end = self.cpu.progress.clock
            elif self._rest(until):
                wakes -= 1
            else:
                return None if self.turns.is_wakeable() else self._tell(Halted(self.cpu.linear_pc))

    def run_to_turn(self, number: int, budget: int = SLICE, until: int = NEVER) -> Stop | None:
        """`run`, and stop with `Arrived` where a processor has the turn and its next instruction can be stepped."""
        self._awaited = self.cpus[number]
        try:
            return self._run(budget, until)
        finally:
            self._awaited = None

    def run_to(self, goal: Goal, budget: int = SLICE, until: int = NEVER) -> Stop | None:
        """`run`, and stop where ``goal`` says with `Arrived`.  Raises `Error` if that is behind."""
        goal.check_ahead(self.position)
        if goal.reached(self.position):
            return self._tell(Arrived())
        # Not into a block that ends at the goal: behind its last instruction another event could follow at once.
        left = goal.progress - self.position.progress - 1
        if left > 0:
            stop = self._run(min(budget, left), until)
        elif self.cpu.told_at != self.cpu.linear_pc and self.cpu.breakpoints.wants(self.cpu.linear_pc):
            stop = Breakpoint(self.cpu.linear_pc)
        else:
            stop = self._stopped() or self.step()
        if stop is None or isinstance(stop, Stepped):
            stop = Arrived() if goal.reached(self.position) else None
        if isinstance(stop, Arrived) and goal == self.goal:
            self.goal = None
        return None if stop is None else self._tell(stop)

    def _advance(self, due: int, slice_end: int) -> bool:
        """Run to the first instruction boundary at or after ``due`` bytes; whether the slice ends before.

        A slice ends before the block that crosses its end, unless it has no other: it need not be exact.
        """
        progress, end = self.cpu.progress, due if due < slice_end else slice_end
        start = progress.clock
        refused = self.cpu.run(end)
        if not refused or progress.limit != end or progress.clock >= end:  # not refused: a hook lowered the limit
            return False
        if slice_end < due and progress.clock > start:
            return True
        self._creep(end)
        return False

    def _creep(self, end: int) -> None:
        """To the first instruction boundary at or after ``end``: the block that crosses it was refused."""
        progress = self.cpu.progress
        while progress.clock < end and not (self.cpu.halted or self._noticed()):
            events = self.cpu.events
            self.cpu.approach(end)
            due = min(self.clock.next, self.turns.current.look_at, self.turns.others_due(self.clock.now()))
            if self.cpu.events != events or due - self.clock.warp < end:
                break

    def step(self) -> Stop:
        """Run one instruction, or deliver one interrupt that is due; of a halt, skip some deadlines at most."""
        stop = self._stopped(ignore_interrupt=True)
        if stop is not None:
            return self._tell(stop)
        events = self.cpu.events
        self.cpu.told_at = self.cpu.linear_pc
        self._serve(self._look())
        if self.turns.current.rests:
            for _ in range(WAKES):
                if not self._rest() or not self.cpu.halted:
                    break
            if self.cpu.halted and not self.turns.is_wakeable():
                return self._tell(Halted(self.cpu.linear_pc))
        elif self.cpu.events == events:
            self.cpu.step()
        return self._tell(self._stopped(ignore_interrupt=True) or Stepped())

    def _tell(self, stop: Stop) -> Stop:
        self.cpu.told_at = self.cpu.linear_pc
        self.last = stop
        return stop

    def _noticed(self) -> bool:
        cpu = self.cpu
        return cpu.stopped_by_hook or bool(self._exit or self._interrupted)

    def _stopped(self, *, ignore_interrupt: bool = False) -> Stop | None:
        """The reason to stop that the hooks left, if any; taking it clears it, but a machine that ended stays so."""
        points, watches = self.cpu.breakpoints, self.cpu.watchpoints
        if self._exit:  # first: the rest of the block that wrote to the exit port ran too
            return self._exit
        if self.cpu.shutdown:
            return Shutdown(self.cpu.shutdown)
        if watches.hit and (watched := watches.take()):
            return self.cpu.catches.claim(watched)
        if self.cpu.catches.hit:
            caught, self.cpu.catches.hit = self.cpu.catches.hit, None
            return caught
        if points.hit is not None:
            address, points.hit = points.hit, None
            return Breakpoint(address)
        if self._interrupted and not ignore_interrupt:
            self._interrupted = False
            return Interrupted()
        return None

    def _look(self) -> int:
        """Call devices that are due, and give the turn on; the time."""
        now = self.clock.now()
        if self.clock.next <= now:
            self.clock.run_due(now)
        if self.turns.several:
            self._give_to(self.turns.choose(now, self.cpu.progress.clock))
        return now

    def _serve(self, now: int) -> int:
        """Deliver an interrupt if one can be; the time to look again."""
        again = self.turns.current.serve(now)
        if not self.turns.several:
            return min(self.clock.next, again)
        return min(self.clock.next, again, self.turns.others_due(now), self.turns.end(now) + self.clock.warp)

    def _give_to(self, processor: Processor) -> None:
        """The turn."""
        if processor.cpu is not self.cpu:
            processor.cpu.progress.take_over(self.cpu.progress)
            self.cpu = processor.cpu

    @property
    def halted(self) -> bool:
        """Whether no processor runs, as all wait for an interrupt or to be started."""
        return all(processor.rests for processor in self.turns.processors)

    @property
    def idle(self) -> bool:
        """Halted with interrupts enabled and no deadline: only input from outside can wake a processor."""
        return self.halted and self.clock.next == NEVER and self.turns.is_wakeable() and self.turns.due() == NEVER

    def _rest(self, until: int = NEVER) -> bool:
        """All are halted: skip time to the next deadline, or ``until`` if that is sooner; False if they stay so."""
        if not self.turns.is_wakeable():
            return False
        if self.turns.woken() is None:
            now, deadline = self.clock.now(), min(self.clock.next, self.turns.start())
            if deadline == NEVER or deadline > until:
                self.clock.warp += max(until - now, 0) if until < NEVER else 0
                return False
            self.clock.warp += max(deadline - now, 0)
            self.clock.run_due(self.clock.now())
            self.turns.look(self.clock.now())
        woken = self.turns.woken()
        if woken is not None:
            self._give_to(self.turns.give(woken, self.cpu.progress.clock))
            woken.deliver(self.clock.now())
        return True

    @property
    def _retry_at(self) -> int:
        return self.turns.processors[0].look_at

    @_retry_at.setter
    def _retry_at(self, time: int) -> None:
        self.turns.processors[0].look_at = time

    @property
    def _retry(self) -> int:
        return self.turns.processors[0].retry

    @_retry.setter
    def _retry(self, time: int) -> None:
        self.turns.processors[0].retry = time

    # What a snapshot keeps, but for processor and RAM

    def save(self) -> dict[str, object]:
        """Clock, devices and the run loop's own state, as JSON values; between two runs."""
        devices: dict[str, object] = {name: device.save() for name, device in sorted(self.devices.items())}
        return {"machine": _FIELDS.save(self), "clock": self.clock.save(), "devices": devices}

    def load(self, state: State) -> None:
        """Take what `save` made of a machine with the same devices.

        Raises `Error` naming what is wrong; everything is then as before.
        """
        before = self.save()
        try:
            self._load(state)
        except Error:
            self._load(before)
            raise

    def _load(self, state: State) -> None:
        devices = mapping(state.get("devices"), "devices")
        check_names("the machine", self.devices, devices)
        for name, device in self.devices.items():
            device.load(mapping(devices[name], name))
        self.clock.load(mapping(state.get("clock"), "clock"))
        _FIELDS.load(self, mapping(state.get("machine"), "machine"))
