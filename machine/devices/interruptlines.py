"""Where the PC's interrupt lines go: to the 8259 pair and to the I/O APIC, and from both to the processors."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from machine.clock import Clock
from machine.devices.device import Ports, Stateful
from machine.devices.ioapic import IO_APIC, IO_APIC_SIZE, TIMER_PIN, IoApic
from machine.devices.localapic import LOCAL_APIC, LOCAL_APIC_SIZE, Delivery, LocalApic
from machine.devices.pic import EDGE_LEVEL, MASTER, SLAVE, EdgeLevelControl, PicPair
from machine.devices.pit import TIMER_IRQ
from machine.windows import Windows

WINDOWS = ((IO_APIC, IO_APIC_SIZE), (LOCAL_APIC, LOCAL_APIC_SIZE))
"""Physical memory at which controllers answer: start and size."""


class InterruptLines:
    """The controllers: the 8259 pair and the I/O APIC, and a local APIC for each processor.

    ``changed``, one a processor, is called whenever what `pending` says of it may have changed.  ``signal`` takes a
    processor's number with what `machine.devices.localapic.SIGNALS` it gets.
    """

    def __init__(
        self,
        clock: Clock,
        *changed: Callable[[], None],
        signal: Callable[[int, Delivery, int], None] | None = None,
    ) -> None:
        self.pic = PicPair(changed[0])
        self.local_apics = [
            LocalApic(clock, tell, self._ended, number=number, signal=signal and partial(signal, number))
            for number, tell in enumerate(changed)
        ]
        for apic in self.local_apics:
            apic.bus = self.local_apics
        self.local_apic = self.local_apics[0]
        """The first processor's."""
        self.io_apic = IoApic(self.local_apics)
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
            **{f"local APIC {number}": apic for number, apic in enumerate(self.local_apics) if number},
        }

    def attach(self, ports: Ports, *windows: Windows) -> None:
        """Let the controllers answer; every processor sees its own local APIC."""
        ports.attach(self.pic.master, MASTER, 2)
        ports.attach(self.pic.slave, SLAVE, 2)
        ports.attach(self._edge_level, EDGE_LEVEL, 2)
        for view, apic in zip(windows, self.local_apics, strict=True):
            view.attach(self.io_apic, IO_APIC, IO_APIC_SIZE)
            view.attach(apic, LOCAL_APIC, LOCAL_APIC_SIZE)

    def set_irq(self, irq: int, level: bool) -> None:
        """Drive IRQ 0-15; not 2, by which the pair is cascaded."""
        self.pic.set_irq(irq, level)
        self.io_apic.set_line(TIMER_PIN if irq == TIMER_IRQ else irq, level)

    def drive(self, irq: int) -> Callable[[bool], None]:
        """The function by which a device drives its IRQ."""
        return partial(self.set_irq, irq)

    def pending(self, processor: int = 0) -> bool:
        """Whether a processor is asked to take an interrupt."""
        return self.local_apics[processor].pending() or (processor == 0 and self._external and self.pic.pending())

    @property
    def _external(self) -> bool:
        """Whether the 8259 pair, which is wired to the first processor alone, reaches it."""
        return self.local_apic.passes_external or self.io_apic.passes_external

    def acknowledge(self, processor: int = 0) -> int:
        """A processor takes an interrupt: its vector."""
        apic = self.local_apics[processor]
        return apic.acknowledge() if processor or apic.pending() else self.pic.acknowledge()
