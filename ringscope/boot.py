"""From a kernel image on disk to a machine that is about to run its first instruction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from kernel.errors import Error as KernelError
from kernel.image import IMAGE, Image, find_image
from machine.boot import elf
from machine.boot.load import boot
from machine.engine.choice import Engine
from machine.engine.machinecode import to_be_built
from machine.errors import BootError, Error, RamError
from machine.limits import MAXIMUM
from machine.machine import Machine
from machine.stop import Arrived
from ringscope.configuration import Configuration
from ringscope.pace import Pace
from ringscope.serial.ends import End
from ringscope.serial.lines import Lines, check, join

if TYPE_CHECKING:
    from kernel.objects import Kernel as RunningKernel
    from kernel.symbols import Symbols

MIB = 1 << 20

MOST_KERNEL = 4 << 30
"""Bytes of a kernel image, debug information included, that is read."""

MOST_SYMBOLS = 64 << 20
"""Bytes of an ELF file that is read here.  A distribution's debug information takes minutes, and gdb gives up on a stub
that does not answer for two seconds; gdb itself reads it in a few."""


@dataclass(frozen=True)
class Guest:
    """A machine that is about to run, and what is known of the kernel in it."""

    machine: Machine
    kernel: Path
    protocol: str
    image: Image | None
    lines: Lines
    """Its serial ports and where they lead: a context that closes them."""
    symbols_file: Path | None
    """The ELF file for gdb to read: the kernel itself, or another; None if there is none."""
    notes: tuple[str, ...] = ()
    """What the user should know of it, in sentences."""
    configuration: Configuration | None = None
    """What it was made from, if that is known."""

    @cached_property
    def symbols(self) -> Symbols | None:
        """The kernel's symbols; None if no file has any that can be read, or too many to be read in time."""
        if self.symbols_file is None or self.symbols_file.stat().st_size > MOST_SYMBOLS:
            return None
        from kernel.symbols import Symbols

        try:
            return Symbols.load(self.symbols_file)
        except KernelError:
            return None

    @cached_property
    def running_kernel(self) -> RunningKernel:
        """The kernel's objects, by the symbols of a file of any size.  Raises `kernel.errors.Error`."""
        from kernel.errors import SymbolsError
        from kernel.objects import Kernel as RunningKernel
        from kernel.symbols import Symbols
        from ringscope.kernelmemory import KernelMemory

        if self.symbols_file is None:
            raise SymbolsError(f"{self.kernel} has no symbols, without which its tasks cannot be found")
        symbols = self.symbols or Symbols.load(self.symbols_file)
        return RunningKernel(symbols, KernelMemory(self.machine), lambda: self.machine.cpu.number)


def _read(path: Path, most: int) -> bytes:
    if path.stat().st_size > most:
        raise BootError(f"{path} has {path.stat().st_size:,} bytes: more than {most:,} do not fit in memory")
    return path.read_bytes()


def power_on(
    configuration: Configuration,
    send: Callable[[bytes], None] = lambda data: None,
    *,
    ends: Sequence[End] | None = None,
) -> Guest:
    """Make a machine and load the kernel, or a snapshot; ``send`` gets what the guest writes to the terminal's port;
    ``ends`` are those of the machine that it follows, still open.

    Raises `kernel.errors.Error` if ringscope's own image is not built, `machine.errors.Error` if the image cannot be
    booted, `gdbstub.address.AddressError` if a serial port's end cannot be had, OSError if a file cannot be read.
    """
    check(configuration.serial)
    guest = (_boot if configuration.snapshot is None else _restore)(configuration, send, ends)
    chosen = configuration.engine is None and len(guest.machine.cpus) == 1
    if chosen and guest.machine.cpu.fast is None and (why := to_be_built()):
        guest = replace(guest, notes=(*guest.notes, f"slowly, on the portable engine: {why}"))
    if configuration.stop_at is not None:
        configuration.stop_at.check_ahead(guest.machine.position)
        guest.machine.goal = configuration.stop_at
    return guest


def start(configuration: Configuration, send: Callable[[bytes], None] = lambda data: None) -> Guest:
    """`power_on`, and run to where the configuration says.  Raises `machine.errors.Error` if the run ends before."""
    guest = power_on(configuration, send)
    goal = configuration.stop_at
    if goal is None or goal.reached(guest.machine.position):
        return guest
    pace = Pace(guest.machine, guest.lines)
    while (stop := pace.run()) is None and not guest.machine.idle:
        pass
    if not isinstance(stop, Arrived):
        raise Error(f"the run never comes to {goal}: it ends at {guest.machine.position} ({stop or 'idle'})")
    return guest


def _restore(configuration: Configuration, send: Callable[[bytes], None], ends: Sequence[End] | None) -> Guest:
    from ringscope import snapshots

    assert configuration.snapshot is not None
    found = snapshots.restore(configuration.snapshot, configuration.serial, _engine(configuration))
    lines = join(found.machine, found.serial, send, patient=found.protocol.startswith("linux"), ends=ends)
    return Guest(
        found.machine, found.kernel, found.protocol, found.image, lines, found.symbols_file, found.notes, configuration
    )


def _engine(configuration: Configuration) -> Engine | None:
    return Engine(configuration.engine) if configuration.engine else None


def _boot(configuration: Configuration, send: Callable[[bytes], None], ends: Sequence[End] | None) -> Guest:
    machine, loaded = load_machine(configuration)
    # Linux's serial driver empties its port as it starts, which it does late.
    lines = join(machine, configuration.serial, send, patient=loaded.protocol.startswith("linux"), ends=ends)
    symbols = configuration.symbols_file or loaded.symbols_file
    return Guest(machine, loaded.kernel, loaded.protocol, loaded.image, lines, symbols, configuration=configuration)


class Loaded(NamedTuple):
    """What a machine's memory was filled with; the kernel's file if it has symbols of its own."""

    kernel: Path
    protocol: str
    image: Image | None
    symbols_file: Path | None


def load_machine(configuration: Configuration) -> tuple[Machine, Loaded]:
    """A machine about to run a configuration's kernel, its serial ports joined to nothing.  Raises as `power_on`."""
    kernel, image = _kernel(configuration)
    initrd = configuration.initrd or (image.initramfs if image else None)
    data = _read(kernel, MOST_KERNEL)
    disk = _read(initrd, configuration.memory) if initrd else None
    try:
        machine, protocol = _load(configuration, data, disk)
    except RamError as error:
        raise BootError(f"{error}{_enough(configuration, data, disk, error.least)}") from None
    except BootError as error:
        raise BootError(f"{kernel}: {error}") from None
    symbols = image.vmlinux if image else kernel if data.startswith(elf.MAGIC) else None
    return machine, Loaded(kernel, protocol, image, symbols)


def _kernel(configuration: Configuration) -> tuple[Path, Image | None]:
    """The file to load, and what it belongs to if it is ringscope's own: the bzImage if an entry is asked for."""
    kernel = configuration.kernel
    if kernel is None:
        image = find_image()
        return image.bzimage if configuration.entry else image.vmlinux, image
    return kernel, own_bzimage(kernel)


def own_bzimage(kernel: Path) -> Image | None:
    """ringscope's own image, if that is its bzImage."""
    if kernel.resolve() != (IMAGE / "bzImage").resolve():
        return None
    return find_image()


def _load(configuration: Configuration, kernel: bytes, disk: bytes | None) -> tuple[Machine, str]:
    """A machine with the kernel in it, and the boot protocol."""
    cpus, quantum = configuration.processors
    ports, engine = len(configuration.serial), _engine(configuration)
    machine = Machine(configuration.memory, serial_ports=ports, engine=engine, cpus=cpus, quantum=quantum)
    line, entry = configuration.append, configuration.entry
    return machine, boot(machine, kernel, initrd=disk, command_line=line, entry=entry)


def _enough(configuration: Configuration, kernel: bytes, disk: bytes | None, least: int) -> str:
    """Which size would do, where one does; ``least`` bytes hold at least what did not fit."""
    size = max(least, configuration.least_memory) + MIB - 1 & -MIB
    if not configuration.memory < size <= MAXIMUM:
        return ""
    try:
        _load(replace(configuration, memory=size), kernel, disk)
    except RamError as error:
        return _enough(replace(configuration, memory=size), kernel, disk, error.least)
    except BootError:
        return ""
    return f"; --memory {size // MIB}M is enough"
