"""A processor as the run loop has it: when it is asked to take an interrupt, what wakes it, how it is started.

The first processor runs from the beginning.  The others wait for a start-up message, as firmware leaves them, and begin
in real mode at the page that its vector names (SDM 3A 8.4).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from machine.boot.entry import EDX, real_mode
from machine.clock import NEVER, Clock
from machine.cpu import Cpu
from machine.cpuid import SIGNATURE
from machine.devices.localapic import Delivery

if TYPE_CHECKING:
    from machine.devices.interruptlines import InterruptLines

FIRST_RETRY, LAST_RETRY = 256, 8192
"""Nanoseconds after which an interrupt that could not be delivered is tried again; doubling."""

_MOST_SIGNALS = 16
"""Messages that a processor keeps; what comes on top is lost, as on the bus."""

_START_UP_SHIFT = 8
"""The vector of a start-up message is the segment's high byte: a page below 1 MiB."""


class Processor:
    """One processor of the machine: its engine and its own part of the run loop's state.

    ``reset`` is called when the first processor gets an INIT.
    """

    interrupts: InterruptLines
    """The controllers, once there are some."""

    def __init__(self, cpu: Cpu, clock: Clock, reset: Callable[[str], None]) -> None:
        self.number = cpu.number
        self.cpu = cpu
        self._clock = clock
        self._reset = reset
        self.look_at = NEVER
        """When it is looked at for an interrupt that it is asked to take."""
        self.retry = FIRST_RETRY
        self.signals: list[tuple[Delivery, int]] = []
        """NMI, INIT and start-up messages that have not been taken, in order."""
        self.held = False
        """A debugger lets it rest: it gets no turn."""
        self._waiting = False
        if self.number:
            self._wait()

    def _wait(self) -> None:
        """The state behind an INIT: nothing runs before a start-up message comes."""
        real_mode(self.cpu, 0xF000, 0xFFF0, {EDX: SIGNATURE})
        self.cpu.halted = self._waiting = True

    @property
    def waiting(self) -> bool:
        """Whether it waits for a start-up message."""
        return self._waiting and self.cpu.halted

    # What it is asked for

    def asked(self) -> bool:
        """Whether an interrupt or a message waits for it."""
        return bool(self.signals) or self.interrupts.pending(self.number)

    def changed(self) -> None:
        """What `asked` says may have changed."""
        if not self.asked():
            self.look_at, self.retry = NEVER, FIRST_RETRY
        elif self.look_at == NEVER:
            self.look_at = self._clock.soonest()

    def signal(self, mode: Delivery, vector: int) -> None:
        """A message goes past the local APIC; of NMIs one waits at most."""
        if len(self.signals) < _MOST_SIGNALS and not (mode is Delivery.NMI and self._has_nmi()):
            self.signals.append((mode, vector))
            self.changed()

    def _has_nmi(self) -> bool:
        return any(mode is Delivery.NMI for mode, _ in self.signals)

    def starts(self) -> bool:
        """Whether a message waits that is taken whoever's turn it is."""
        return any(mode is not Delivery.NMI for mode, _ in self.signals)

    def due(self) -> int:
        """While another has the turn: when something happens here all the same; NEVER if nothing does."""
        return self.look_at if self.cpu.halted or self.starts() else NEVER

    # What it can do

    def runs(self, now: int) -> bool:
        """Whether it has something to run, or wakes."""
        return not self.held and (not self.cpu.halted or (self.look_at <= now and self.wakes()))

    def wakes(self) -> bool:
        """Whether it is halted and what waits for it ends that."""
        if self.waiting or self.held or not self.cpu.halted:
            return False
        return self._nmi() or self._interrupt()

    def is_wakeable(self) -> bool:
        """Whether something could end its halt by itself: an interrupt, or a message that is under way."""
        return self.starts() or (not self.waiting and (self._has_nmi() or self.cpu.interruptible()))

    @property
    def rests(self) -> bool:
        """Whether nothing can run on it now."""
        return self.held or self.cpu.halted

    def look(self, now: int) -> None:
        """It is time to look: take INIT and start-up messages, in order.  What cannot wake it is let lie."""
        if self.look_at > now:
            return
        if self.starts():
            signals, self.signals, self.look_at = self.signals, [], NEVER
            for mode, vector in signals:
                self._take(mode, vector)
            self.changed()
        if self.cpu.halted and not self.held and not self.wakes():
            self.look_at = NEVER

    def _take(self, mode: Delivery, vector: int) -> None:
        if mode is Delivery.NMI:
            self.signals.append((mode, vector))
        elif mode is Delivery.START_UP:
            if self.waiting:  # else it is too late for it
                real_mode(self.cpu, vector << _START_UP_SHIFT, 0, {EDX: SIGNATURE})
                self._waiting = False
        elif not self.number:
            self._reset("an INIT interrupt")
        else:
            self.signals.clear()
            self._wait()
            self.interrupts.local_apics[self.number].reset()

    def serve(self, now: int) -> int:
        """In its turn: deliver what can be; what cannot is tried again later.  Returns when to look again."""
        if self.look_at > now:  # NEVER, as `changed` has it, where nothing waits
            return self.look_at
        if not self.asked():
            return NEVER
        if self.cpu.halted or self._nmi() or self._interrupt():
            self.deliver(now)
        else:
            self.look_at = now + self.retry
            self.retry = min(2 * self.retry, LAST_RETRY)
        return self.look_at

    def _nmi(self) -> bool:
        """Whether an NMI waits that can be delivered."""
        return self._has_nmi() and self.cpu.takes_nmi()

    def _interrupt(self) -> bool:
        """Whether an interrupt waits that can be delivered."""
        return self.interrupts.pending(self.number) and self.cpu.interruptible()

    def deliver(self, now: int) -> None:
        """In its turn: one NMI or interrupt, if it can be delivered."""
        nmi = self._nmi()
        if not nmi and not self._interrupt():
            return
        self.look_at, self.retry = NEVER, FIRST_RETRY
        if nmi:
            self.signals = [(mode, vector) for mode, vector in self.signals if mode is not Delivery.NMI]
            self.cpu.nonmaskable_interrupt()
        else:
            self.cpu.interrupt(self.interrupts.acknowledge(self.number))
        if self.asked() and self.look_at == NEVER:
            self.look_at = now + self.retry
