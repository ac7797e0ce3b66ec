"""Where the PC's interrupt lines go: to the 8259 pair and to the I/O APIC, and from both to the processor."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from machine.clock import Clock
from machine.devices.device import Ports, Stateful
from machine.devices.ioapic import IO_APIC, IO_APIC_SIZE, TIMER_PIN, IoApic
from machine.devices.localapic import LOCAL_APIC, LOCAL_APIC_SIZE, LocalApic
from machine.devices.pic import EDGE_LEVEL, MASTER, SLAVE, EdgeLevelControl, PicPair
from machine.devices.pit import TIMER_IRQ
from machine.windows import Windows

WINDOWS = ((IO_APIC, IO_APIC_SIZE), (LOCAL_APIC, LOCAL_APIC_SIZE))
"""Physical memory at which controllers answer: start and size."""


class InterruptLines:
    """The three controllers.  ``changed`` is called whenever what `pending` says may have changed."""

    def __init__(self, clock: Clock, changed: Callable[[], None]) -> None:
        self.pic = PicPair(changed)
        self.local_apic = LocalApic(clock, changed, self._ended)
        self.io_apic = IoApic(self.local_apic)
        self._edge_level = EdgeLevelControl(self.pic)

    def _ended(self, vector: int) -> None:
        self.io_apic.end_of_interrupt(vector)

    def controllers(self) -> dict[str, Stateful]:
        """By the names under which a snapshot keeps them."""
        return {
            "pic": self.pic,
            "elcr": self._edge_level,
            "local APIC": self.local_apic,
            "I/O APIC": self.io_apic,
        }

    def attach(self, ports: Ports, windows: Windows) -> None:
        """Let the controllers answer."""
        ports.attach(self.pic.master, MASTER, 2)
        ports.attach(self.pic.slave, SLAVE, 2)
        ports.attach(self._edge_level, EDGE_LEVEL, 2)
        windows.attach(self.io_apic, IO_APIC, IO_APIC_SIZE)
        windows.attach(self.local_apic, LOCAL_APIC, LOCAL_APIC_SIZE)

    def set_irq(self, irq: int, level: bool) -> None:
        """Drive IRQ 0-15; not 2, by which the pair is cascaded."""
        self.pic.set_irq(irq, level)
        self.io_apic.set_line(TIMER_PIN if irq == TIMER_IRQ else irq, level)

    def drive(self, irq: int) -> Callable[[bool], None]:
        """The function by which a device drives its IRQ."""
        return partial(self.set_irq, irq)

    def pending(self) -> bool:
        """Whether the processor is asked to take an interrupt."""
        return self.local_apic.pending() or (self._external and self.pic.pending())

    @property
    def _external(self) -> bool:
        return self.local_apic.passes_external or self.io_apic.passes_external

    def acknowledge(self) -> int:
        """The processor takes an interrupt: its vector."""
        return self.local_apic.acknowledge() if self.local_apic.pending() else self.pic.acknowledge()
