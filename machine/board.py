"""The board: RAM, devices, clock and processors, wired together; what a processor sees of the machine around it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import cast

from machine.clock import NEVER, Clock
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
from machine.linear import LinearMemory
from machine.memory import Memory
from machine.processor import FIRST_RETRY, LAST_RETRY, Processor
from machine.stop import END, Exited, Reset
from machine.turns import Turns, make_processors
from machine.windows import MemoryDevice

_RETRY = number(2 * LAST_RETRY, FIRST_RETRY)
_FIELDS = Fields("machine", _retry_at=number(NEVER), _retry=_RETRY, _exit=optional(END))


class Mainboard(LinearMemory):
    """RAM, processors, devices and the lines between them; it does not run by itself."""

    def __init__(
        self,
        memory: int,
        send: Callable[[bytes], None],
        serial_ports: int,
        engine: Engine | None,
        cpus: int,
        quantum: int,
    ) -> None:
        self.memory = Memory(memory, WINDOWS)
        self.ports = Ports()
        self.cpus = make_processors(cpus, self.memory, self, engine)
        self.cpu = self.cpus[0]
        """The processor whose turn it is; at a stop, the one that stopped."""
        self.clock = Clock(self.cpu.now if cpus == 1 else lambda: self.cpu.now())
        self.turns = Turns([Processor(cpu, self.clock, self._reset) for cpu in self.cpus], quantum)
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

    # As a processor sees it

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

    def pause(self) -> None:
        """PAUSE: nothing is gained by waiting on, so the turn is over behind the instruction."""
        self.turns.end_early()
        self._stop_at_next_block()

    def _leave(self, code: int) -> None:
        self._exit = Exited(code)
        self._stop_at_next_block()

    def _reset(self, cause: str) -> None:
        self._exit = Reset(cause)
        self._stop_at_next_block()

    def _stop_at_next_block(self) -> None:
        # Never emu_stop from a port hook: the rest of the block would run without its hooks.
        self.cpu.progress.lower(0)

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
