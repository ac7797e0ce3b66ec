"""The 8254 interval timer at ports 0x40-0x43, and port 0x61 that gates and shows its channel 2.

Source: Intel 8254 data sheet (231164).  All times derive from virtual time; counts are computed when asked for.
"""

from __future__ import annotations

from collections.abc import Callable

from machine.clock import NANOSECONDS, NEVER, Clock
from machine.fields import Fields, SavedByFields, flag, number, optional, parts, several

HZ = 1_193_182
"""Input clock of every channel."""

TIMER_IRQ = 0

RATE, SQUARE = 2, 3


def ticks(nanoseconds: int) -> int:
    """Input clock ticks in a span of virtual time."""
    return nanoseconds * HZ // NANOSECONDS


def nanoseconds_of(count: int) -> int:
    """The first nanosecond at which ``count`` ticks have passed."""
    return -(-count * NANOSECONDS // HZ)


class Channel(SavedByFields):
    """One counter.  ``start`` is the virtual nanosecond at which the count was loaded."""

    FIELDS = Fields(
        "8254 channel",
        mode=number(5),
        bcd=flag,
        access=number(3),
        reload=number(0x10000, 1),
        start=number(NEVER, -NEVER),
        armed=flag,
        gate=flag,
        _stopped_at=number(NEVER),
        _low=optional(number(0xFF)),
        _high_next=flag,
        _latched=several(number(0xFF), 3),
    )

    def __init__(self) -> None:
        self.mode = 0
        self.bcd = False
        self.access = 3  # 1 low byte, 2 high byte, 3 low then high
        self.reload = 0x10000
        self.start = 0
        self.armed = False  # a count was written since the mode was set
        self.gate = True
        self._stopped_at = 0  # ticks counted when the gate closed
        self._low: int | None = None
        self._high_next = False
        self._latched: list[int] = []

    def elapsed(self, now: int) -> int:
        """Ticks counted since the load."""
        return ticks(now - self.start) if self.gate else self._stopped_at

    def count(self, now: int) -> int:
        """The counter's value, as a binary number."""
        passed = self.elapsed(now)
        if self.mode in (RATE, SQUARE):
            phase = passed % self.reload
            return self.reload - (2 * phase % self.reload if self.mode == SQUARE else phase)
        return (self.reload - passed) & 0xFFFF

    def output(self, now: int) -> bool:
        """Level of OUT."""
        if not self.armed:
            return self.mode != 0
        passed = self.elapsed(now)
        if self.mode == RATE:
            return passed % self.reload != self.reload - 1
        if self.mode == SQUARE:
            return passed % self.reload < (self.reload + 1) // 2
        if self.mode in (0, 1):
            return passed >= self.reload
        return passed != self.reload  # modes 4 and 5: a strobe of one tick

    def next_edge(self, now: int) -> int:
        """Virtual time of the next rising edge of OUT after ``now``; `NEVER` if none comes."""
        if not self.armed or not self.gate:
            return NEVER
        if self.mode in (RATE, SQUARE):
            return self.start + nanoseconds_of((self.elapsed(now) // self.reload + 1) * self.reload)
        strobe = 1 if self.mode >= 4 else 0
        edge = self.start + nanoseconds_of(self.reload + strobe)
        return edge if edge > now else NEVER

    def set_mode(self, mode: int, access: int, bcd: bool) -> None:
        """A control word: the counter waits for its count."""
        self.mode, self.access, self.bcd = (mode & 3 if mode > 5 else mode), access, bcd
        self.armed = False
        self._low = None
        self._high_next = False
        self._latched = []

    def start_from(self, value: int, now: int) -> None:
        """Start counting from ``value`` ticks (0 means the largest count)."""
        if self.bcd:
            value = sum((value >> 4 * digit & 15) * 10**digit for digit in range(4))
        self.reload = value or (10_000 if self.bcd else 0x10000)
        self.start, self.armed = now, True

    def write(self, value: int, now: int) -> bool:
        """A byte of the count; True when the count is complete."""
        if self.access == 3 and self._low is None:
            self._low = value
            return False
        low, self._low = self._low, None
        word = {1: value, 2: value << 8}.get(self.access, value << 8 | (low or 0))
        self.start_from(word, now)
        return True

    def _coded(self, now: int) -> int:
        count = self.count(now) & 0xFFFF
        if not self.bcd:
            return count
        return sum((count // 10**digit % 10) << 4 * digit for digit in range(4))

    def latch_count(self, now: int) -> None:
        """Hold the count for the next reads; a held one stays."""
        if not self._latched:
            word = self._coded(now)
            self._latched = {1: [word & 255], 2: [word >> 8]}.get(self.access, [word & 255, word >> 8])

    def latch_status(self, now: int) -> None:
        """Hold the status byte, to be read before a held count."""
        status = self.output(now) << 7 | (not self.armed) << 6 | self.access << 4 | self.mode << 1 | self.bcd
        self._latched.insert(0, status)

    def read(self, now: int) -> int:
        """The next byte of a held status or count, or of the running count."""
        if self._latched:
            return self._latched.pop(0)
        word = self._coded(now)
        if self.access == 3:
            self._high_next = not self._high_next
            return word & 255 if self._high_next else word >> 8
        return word >> 8 if self.access == 2 else word & 255

    def set_gate(self, gate: bool, now: int) -> None:
        """Drive GATE: low stops the count; a rising edge restarts it in the triggered modes 1, 2, 3 and 5."""
        if gate == self.gate:
            return
        if not gate:
            self._stopped_at = self.elapsed(now)
        elif self.mode in (1, RATE, SQUARE, 5):
            self.start = now
        else:
            self.start = now - nanoseconds_of(self._stopped_at)
        self.gate = gate


class Pit(SavedByFields):
    """The 8254.  Channel 0's rising edges drive ``irq0``."""

    FIELDS = Fields("8254", channels=parts)
    width = 1

    def __init__(self, clock: Clock, irq0: Callable[[bool], None]) -> None:
        self._clock = clock
        self._irq0 = irq0
        self.channels = [Channel(), Channel(), Channel()]
        self.channels[2].gate = False
        self.speaker = Speaker(clock, self.channels[2])
        self._set_deadline = clock.register(self._edge)

    def _edge(self, time: int) -> None:
        self._irq0(False)
        self._irq0(True)
        self._set_deadline(self.channels[0].next_edge(time))

    def read_port(self, offset: int, size: int) -> int:
        """A counter's byte; the control port reads all ones."""
        return 0xFF if offset == 3 else self.channels[offset].read(self._clock.now())

    def write_port(self, offset: int, value: int, size: int) -> None:
        """A counter's byte, or a control word."""
        now = self._clock.now()
        if offset == 3:
            self._control(value, now)
        elif self.channels[offset].write(value, now) and offset == 0:
            self._rearm(now)

    def _rearm(self, now: int) -> None:
        self._irq0(self.channels[0].output(now))
        self._set_deadline(self.channels[0].next_edge(now))

    def _control(self, value: int, now: int) -> None:
        select = value >> 6
        if select == 3:
            self._read_back(value, now)
            return
        channel = self.channels[select]
        if not value & 0x30:
            channel.latch_count(now)
            return
        mode = value >> 1 & 7
        channel.set_mode(mode if mode < 6 else mode & 3, value >> 4 & 3, bool(value & 1))
        if select == 0:
            self._rearm(now)

    def _read_back(self, value: int, now: int) -> None:
        for index, channel in enumerate(self.channels):
            if value >> (index + 1) & 1:
                if not value & 0x20:
                    channel.latch_count(now)
                if not value & 0x10:
                    channel.latch_status(now)


class Speaker(SavedByFields):
    """Port 0x61: bit 0 gates channel 2, bit 1 lets it drive the speaker, bit 5 shows its output (IBM PC/AT)."""

    FIELDS = Fields("port 0x61", _latch=number(3))
    width = 1

    def __init__(self, clock: Clock, channel: Channel) -> None:
        self._clock = clock
        self._channel = channel
        self._latch = 0

    def read_port(self, offset: int, size: int) -> int:
        """Latch, refresh toggle in bit 4 (15 us), channel 2's OUT in bit 5."""
        now = self._clock.now()
        return self._latch | (now // 15_085 & 1) << 4 | self._channel.output(now) << 5

    def write_port(self, offset: int, value: int, size: int) -> None:
        """Gate and speaker enable."""
        self._latch = value & 3
        self._channel.set_gate(bool(value & 1), self._clock.now())
