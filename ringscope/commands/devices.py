"""Devices: ports, interrupt controllers, timer, serial port, clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from importlib.metadata import version
from itertools import zip_longest

from machine.clock import NEVER
from machine.devices import (
    ata,
    controlport,
    exitport,
    i8042,
    ioapic,
    localapic,
    pci,
    pic,
    pit,
    powermanagement,
    rtc,
    serial,
)
from machine.machine import Machine
from ringscope.command import Lines, command
from ringscope.debuggee import Devices, Refused
from ringscope.ostables import Rows, os_table
from ringscope.render import Heading, ranges, table
from ringscope.serial.ends import End
from ringscope.session import Session

# fmt: off
_NAMES: dict[type, str] = {
    pic.Pic:                  "8259A interrupt controller",
    pic.EdgeLevelControl:     "edge or level of interrupts",
    powermanagement.PowerManagement: "ACPI events, control and timer",
    pit.Pit:                  "8254 timer",
    pit.Speaker:              "speaker gate of the timer",
    i8042.I8042:              "8042 keyboard controller",
    controlport.ControlPortA: "system control port A",
    pci.PciConfiguration:     "PCI configuration and reset control",
    ata.AtaDisk:              "ATA disk",
    rtc.Rtc:                  "MC146818 clock and CMOS RAM",
    serial.Serial:            "16550A serial port",
    exitport.ExitPort:        "exit port",
    exitport.PostPort:        "progress codes of firmware",
}
_MEMORY = (
    (ioapic.IO_APIC, ioapic.IO_APIC_SIZE, "I/O APIC"),
    (localapic.LOCAL_APIC, localapic.LOCAL_APIC_SIZE, "local APIC"),
)
_PIT_MODES = (
    "interrupt on terminal count", "one-shot", "rate generator", "square wave", "software strobe", "hardware strobe",
)
# fmt: on


@command("info devices", needs=Devices)
def list_devices(session: Session) -> Lines:
    """List the devices and the ports, or the physical memory, at which they answer."""
    owned = _owned(_machine(session))
    yield from table("Ports Device", ((_spans(ports), name) for ports, name in owned))
    yield from table("Memory Device", ((f"{first:#x}-{first + size - 1:#x}", name) for first, size, name in _MEMORY))


def _owned(machine: Machine) -> list[tuple[set[int], str]]:
    """Ports and name of each device, by its first port."""
    owned: dict[int, set[int]] = {}
    devices: dict[int, object] = {}
    for port, (device, _offset) in machine.ports.owners().items():
        owned.setdefault(id(device), set()).add(port)
        devices[id(device)] = device
    rows = [(ports, _NAMES.get(type(devices[key]), type(devices[key]).__name__)) for key, ports in owned.items()]
    return sorted(rows, key=lambda row: min(row[0]))


@os_table("devices", "Devices", "Where Device")
def devices_table(session: Session) -> Rows:
    """Devices, with the ports or the physical memory at which they answer."""
    for ports, name in _owned(_machine(session)):
        yield f"ports {_spans(ports)}", name
    for first, size, name in _MEMORY:
        yield f"memory {first:#x}-{first + size - 1:#x}", name


@os_table("ports", "Ports", "First Last Device >Unanswered")
def ports_table(session: Session) -> Rows:
    """Ranges of I/O ports by device, and the ports that were accessed though none answers."""
    machine = _machine(session)
    rows = [(a, b, name, 0) for ports, name in _owned(machine) for a, b in ranges(ports)]
    rows += [(port, port, "", count) for port, count in machine.ports.unanswered.items()]
    for first, last, name, count in sorted(rows):
        yield f"{first:#06x}", f"{last:#06x}", name or "none: reads all ones", str(count or "")


@command("info ports", needs=Devices)
def list_unanswered(session: Session) -> Lines:
    """List the ports that the guest accessed and no device answered: they read all ones."""
    unanswered = _machine(session).ports.unanswered
    if not unanswered:
        yield "Every port that was accessed has a device."
        return
    yield from table("Port >Accesses", ((f"{port:#06x}", str(count)) for port, count in sorted(unanswered.items())))


@command("info pic", needs=Devices)
def show_pic(session: Session) -> Lines:
    """Print the interrupt controllers: for each IRQ its vector, line, request, service and mask."""
    pair = _machine(session).pic
    rows = (row for first, chip in ((0, pair.master), (8, pair.slave)) for row in _irq_rows(chip, first))
    yield from table(">IRQ Vector Line Requested In_service Masked", rows)
    yield f"The pair asks for an interrupt: {'yes' if pair.pending() else 'no'}."


@command("info apic", needs=Devices)
def show_local_apic(session: Session) -> Lines:
    """Print the local APIC: priorities, vectors requested and in service, its vector table and its timer."""
    machine = _machine(session)
    apic = machine.interrupts.local_apics[machine.cpu.number]
    yield f"ID {apic.id}, {'enabled' if apic.enabled else 'disabled by software'}"
    yield f"priority      task {apic.task_priority:#04x}, processor {apic.processor_priority:#04x}"
    yield f"requested     {_vectors(apic.request)}"
    yield f"in service    {_vectors(apic.in_service)}"
    timer = apic.timer
    yield f"timer         {timer.count():,} of {timer.initial:,} counts"
    yield from table("Entry Vector Delivery Masked", (_entry_row(apic, name, at) for name, at in _LOCAL_VECTORS))
    for mode, count in sorted(apic.refused.items()):
        yield f"Lost: {count} of {_delivery(mode)}, which this machine does not have."


@command("info ioapic", needs=Devices)
def show_io_apic(session: Session) -> Lines:
    """Print the I/O APIC's redirection table, for the inputs that are open or high."""
    chip = _machine(session).interrupts.io_apic
    rows = [
        (str(pin), *_redirection(entry), "high" if chip.lines >> pin & 1 else "low")
        for pin, entry in enumerate(chip.entries)
        if not entry & ioapic.MASKED or chip.lines >> pin & 1
    ]
    if not rows:
        yield "Every input is masked and low."
        return
    yield from table(">Input Vector Delivery Trigger Destination Masked Remote_IRR Line", rows)


@command("info pit", needs=Devices)
def show_pit(session: Session) -> Lines:
    """Print the timer's channels: mode, count, output and next edge."""
    machine = _machine(session)
    now = machine.clock.now()
    rows = []
    for number, channel in enumerate(machine.pit.channels):
        edge = channel.next_edge(now)
        count = f"{channel.count(now)}/{channel.reload}" if channel.armed else "not loaded"
        mode = f"{channel.mode} {_PIT_MODES[channel.mode]}"
        when = "-" if edge == NEVER else f"in {edge - now:,} ns"
        rows.append((str(number), mode, count, f"{channel.gate:d}", f"{channel.output(now):d}", when))
    yield from table(">Channel Mode >Count Gate Out Next_rising_edge", rows)


@command("info serial", needs=Devices)
def show_serial(session: Session) -> Lines:
    """Print the registers of each serial port that can be read without a side effect, its IRQ line, and its peer."""
    machine = _machine(session)
    ends = _lines(session)
    for row, port, end in zip_longest(serial.PORTS[: len(machine.serial_ports)], machine.serial_ports, ends):
        level = "high" if machine.pic.master.lines >> row.irq & 1 else "low"
        joined = f"; {end.text}: {end.describe()}" if end is not None else ""
        yield Heading(f"{row.name} at {row.base:#x}, IRQ {row.irq} is {level}, {port.backlog} bytes wait{joined}")
        yield from _serial_registers(port)


def _lines(session: Session) -> tuple[End, ...]:
    assert isinstance(session.debuggee, Devices), "the registry has checked it"
    lines = session.debuggee.lines
    return lines.ends if lines is not None else ()


def _serial_registers(port: serial.Serial) -> Iterator[str]:
    lcr = port.read_port(serial.LCR, 1)
    latch = bool(lcr & serial.LCR_DIVISOR_LATCH)
    rows = [
        ("IER", "-" if latch else f"{port.read_port(serial.IER, 1):#04x}", "interrupts enabled"),
        ("LCR", f"{lcr:#04x}", "line control" + (", divisor latch open" if latch else "")),
        ("MCR", f"{port.read_port(serial.MCR, 1):#04x}", "modem control"),
        ("MSR", f"{port.modem_lines:#04x}", "modem status"),
        ("SCR", f"{port.read_port(serial.SCR, 1):#04x}", "scratch"),
    ]
    yield from table("Register Value Meaning", rows)


@command("info clock", needs=Devices)
def show_clock(session: Session) -> Lines:
    """Print virtual time, how much of it HLT skipped, the next deadline, and the guest's date."""
    machine = _machine(session)
    clock, now = machine.clock, machine.clock.now()
    yield f"virtual time  {now:,} ns, of which HLT skipped {clock.warp:,}"
    yield f"next deadline {'none' if clock.next == NEVER else f'in {clock.next - now:,} ns'}"
    yield f"date          {rtc.POWER_ON + timedelta(microseconds=now // 1000):%Y-%m-%d %H:%M:%S} UTC"
    yield f"processor     {'halted' if machine.cpu.halted else 'running'}, port 0x80 shows {machine.post.code:#04x}"


@command("info version", needs=Devices)
def show_version(session: Session) -> Lines:
    """Print the versions of ringscope and of the engine.

    Linux's scripts for gdb ask, to know whether threads are processors.
    """
    engine = "portable" if _machine(session).cpu.fast is None else "fast"
    yield f"ringscope {version('ringscope')}, Unicorn {version('unicorn')}, {engine} engine"


def _machine(session: Session) -> Machine:
    if not isinstance(session.debuggee, Devices):
        raise Refused(f"{session.debuggee.name} does not let its devices be looked into")
    return session.debuggee.machine


# fmt: off
_LOCAL_VECTORS = (
    ("timer", localapic.LVT_TIMER), ("thermal", localapic.LVT_THERMAL), ("performance", localapic.LVT_PERFORMANCE),
    ("LINT0", localapic.LVT_LINT0), ("LINT1", localapic.LVT_LINT1), ("error", localapic.LVT_ERROR),
)
# fmt: on


def _delivery(mode: int) -> str:
    known = {each.value: each.name.lower().replace("_", "-") for each in localapic.Delivery}
    return known.get(mode, f"mode {mode}")


def _vectors(bits: int) -> str:
    return " ".join(f"{vector:#04x}" for vector in range(256) if bits >> vector & 1) or "-"


def _entry_row(apic: localapic.LocalApic, name: str, offset: int) -> tuple[str, ...]:
    word = apic.entry(offset)
    masked = "yes" if word & localapic.LVT_MASKED else "-"
    return name, f"{word & 0xFF:#04x}", _delivery(localapic.delivery_mode(word)), masked


def _redirection(entry: int) -> tuple[str, ...]:
    return (
        f"{entry & 0xFF:#04x}",
        _delivery(localapic.delivery_mode(entry)),
        "level" if entry & ioapic.LEVEL else "edge",
        f"{'logical' if entry & ioapic.LOGICAL else 'APIC'} {entry >> 56:#04x}",
        "yes" if entry & ioapic.MASKED else "-",
        "yes" if entry & ioapic.REMOTE_IRR else "-",
    )


def _irq_rows(chip: pic.Pic, first: int) -> Iterator[tuple[str, ...]]:
    for line in range(8):
        words = (chip.lines, chip.request, chip.in_service, chip.mask)
        cells = (
            "high" if chip.lines >> line & 1 else "low",
            *("yes" if word >> line & 1 else "-" for word in words[1:]),
        )
        yield (str(first + line), f"{chip.vector_base + line:#04x}", *cells)


def _spans(ports: set[int]) -> str:
    return ", ".join(f"{a:#x}" if a == b else f"{a:#x}-{b:#x}" for a, b in ranges(ports))
