"""The 8259A interrupt controller pair: IRQ 0-7 at ports 0x20-0x21, IRQ 8-15 at 0xa0-0xa1, cascaded at IRQ 2.

Source: Intel 8259A data sheet (231468); initialization words ICW1-4, operation words OCW1-3.
"""

from __future__ import annotations

from collections.abc import Callable

from machine.fields import Fields, SavedByFields, flag, number, part

ICW1, ICW1_ICW4, ICW1_SINGLE, ICW1_LEVEL = 0x10, 0x01, 0x02, 0x08
ICW4_AUTO_EOI = 0x02
OCW3, OCW3_READ_REGISTER, OCW3_READ_ISR, OCW3_POLL = 0x08, 0x02, 0x01, 0x04
OCW3_SPECIAL_MASK, OCW3_SET_SPECIAL = 0x40, 0x20

EDGE_LEVEL = 0x4D0
EDGE_LEVEL_CHOICE = (0xF8, 0xDE)
"""Inputs of master and slave whose trigger mode can be chosen: not the timer, the keyboard, the cascade, the clock and
the coprocessor (Intel 82371SB data sheet, "ELCR1", "ELCR2")."""

MASTER, SLAVE = 0x20, 0xA0
CASCADE = 2
SPURIOUS = 7


class Pic(SavedByFields):
    """One 8259A.  ``lines`` are its eight inputs, bit n for IR n."""

    FIELDS = Fields(
        "8259",
        vector_base=number(0xF8),
        lines=number(0xFF),
        request=number(0xFF),
        in_service=number(0xFF),
        mask=number(0xFF),
        level_triggered=flag,
        levels=number(0xFF),
        auto_eoi=flag,
        lowest=number(7),
        _rotate_auto_eoi=flag,
        _special_mask=flag,
        _read_in_service=flag,
        _poll=flag,
        _expect=number(4),
        _needs_icw4=flag,
        _single=flag,
    )
    width = 1

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self.vector_base = 0
        self.lines = 0
        self.request = 0  # IRR
        self.in_service = 0  # ISR
        self.mask = 0xFF  # IMR
        self.level_triggered = False
        self.levels = 0  # inputs that are level-triggered whatever ICW1 says
        self.auto_eoi = False
        self.lowest = 7  # the input with the lowest priority; rotation moves it
        self._rotate_auto_eoi = False
        self._special_mask = False
        self._read_in_service = False
        self._poll = False
        self._expect = 0  # the next ICW, 0 when initialized
        self._needs_icw4 = False
        self._single = False

    def set_line(self, line: int, level: bool) -> None:
        """Drive input ``line`` (0-7): a rising edge, or a high level in level mode, requests."""
        bit = 1 << line
        if level and (self._is_level(bit) or not self.lines & bit):
            self.request |= bit
        elif not level:
            # Level mode: the request is the level.  Edge mode: an unserved request needs the line to stay high.
            self.request &= ~bit
        self.lines = self.lines | bit if level else self.lines & ~bit
        self._changed()

    def _is_level(self, bit: int) -> bool:
        return self.level_triggered or bool(self.levels & bit)

    def pending(self) -> int | None:
        """The input that would interrupt now: the highest-priority request not masked nor outranked in service."""
        requests = self.request & ~self.mask
        if not requests:
            return None
        for step in range(1, 9):
            line = (self.lowest + step) & 7
            served = self.in_service >> line & 1
            if served and not self._special_mask:
                return None
            if requests >> line & 1 and not served:
                return line
        return None

    def acknowledge(self) -> int:
        """INTA: put the winning input in service and return its vector; input 7's when nothing is left to serve."""
        line = self.pending()
        if line is None:
            return self.vector_base + SPURIOUS
        bit = 1 << line
        if not self._is_level(bit):
            self.request &= ~bit
        if not self.auto_eoi:
            self.in_service |= bit
        elif self._rotate_auto_eoi:
            self.lowest = line
        return self.vector_base + line

    def read_port(self, offset: int, size: int) -> int:
        """Port 0: IRR, ISR or the poll word, as OCW3 chose.  Port 1: IMR."""
        if self._poll:
            self._poll = False
            line = self.pending()
            if line is None:
                return 0
            self.acknowledge()
            return 0x80 | line
        if offset == 1:
            return self.mask
        return self.in_service if self._read_in_service else self.request

    def write_port(self, offset: int, value: int, size: int) -> None:
        """Initialization and operation command words."""
        if offset == 0:
            if value & ICW1:
                self._initialize(value)
            elif value & OCW3:
                self._operation_3(value)
            else:
                self._operation_2(value)
        elif self._expect:
            self._initialization_word(value)
        else:
            self.mask = value
        self._changed()

    def _initialize(self, value: int) -> None:
        self.mask = self.in_service = self.request = 0
        self.lowest = 7
        self.auto_eoi = self._special_mask = self._read_in_service = self._rotate_auto_eoi = False
        self.level_triggered = bool(value & ICW1_LEVEL)
        self._single = bool(value & ICW1_SINGLE)
        self._needs_icw4 = bool(value & ICW1_ICW4)
        self._expect = 2

    def _initialization_word(self, value: int) -> None:
        if self._expect == 2:
            self.vector_base = value & 0xF8
            self._expect = 4 if self._single else 3
        elif self._expect == 3:
            self._expect = 4  # the cascade wiring is the PC's; the word changes nothing
        else:
            self.auto_eoi = bool(value & ICW4_AUTO_EOI)
            self._expect = 0
        if self._expect == 4 and not self._needs_icw4:
            self._expect = 0

    def _operation_2(self, value: int) -> None:
        rotate, specific, eoi = value & 0x80, value & 0x40, value & 0x20
        if eoi:
            line = value & 7 if specific else self._highest_in_service()
            if line is not None:
                self.in_service &= ~(1 << line)
                if rotate:
                    self.lowest = line
        elif specific:
            if rotate:
                self.lowest = value & 7
        else:
            self._rotate_auto_eoi = bool(rotate)

    def _operation_3(self, value: int) -> None:
        if value & OCW3_READ_REGISTER:
            self._read_in_service = bool(value & OCW3_READ_ISR)
        if value & OCW3_SPECIAL_MASK:
            self._special_mask = bool(value & OCW3_SET_SPECIAL)
        self._poll = bool(value & OCW3_POLL)

    def _highest_in_service(self) -> int | None:
        for step in range(1, 9):
            line = (self.lowest + step) & 7
            if self.in_service >> line & 1:
                return line
        return None


class PicPair(SavedByFields):
    """Master and slave as the PC wires them.  ``changed`` is called whenever the output may have changed."""

    FIELDS = Fields("8259 pair", master=part, slave=part)

    def __init__(self, changed: Callable[[], None]) -> None:
        self._notify = changed
        self.master = Pic(self._master_changed)
        self.slave = Pic(self._slave_changed)

    def _master_changed(self) -> None:
        self._notify()

    def _slave_changed(self) -> None:
        asks = self.slave.pending() is not None
        if asks != bool(self.master.lines >> CASCADE & 1):
            self.master.set_line(CASCADE, asks)
        else:
            self._notify()

    def set_irq(self, irq: int, level: bool) -> None:
        """Drive IRQ 0-15."""
        (self.slave if irq >= 8 else self.master).set_line(irq & 7, level)

    def pending(self) -> bool:
        """Whether the pair asks the processor for an interrupt."""
        return self.master.pending() is not None

    def acknowledge(self) -> int:
        """The processor's interrupt acknowledge: the vector, from the slave if the cascade input won."""
        line = self.master.pending()
        vector = self.master.acknowledge()
        if line != CASCADE:
            return vector
        vector = self.slave.acknowledge()
        self.master.set_line(CASCADE, False)
        self._slave_changed()
        return vector


class EdgeLevelControl(SavedByFields):
    """The two ports that choose each input's trigger mode: bit n of port 0 for IRQ n, of port 1 for IRQ 8 + n."""

    FIELDS = Fields("edge/level control")  # the chips keep the choice
    width = 1

    def __init__(self, pair: PicPair) -> None:
        self._chips = (pair.master, pair.slave)

    def read_port(self, offset: int, size: int) -> int:
        """The level-triggered inputs."""
        return self._chips[offset].levels

    def write_port(self, offset: int, value: int, size: int) -> None:
        """Choose; what is fixed stays an edge."""
        self._chips[offset].levels = value & EDGE_LEVEL_CHOICE[offset]
