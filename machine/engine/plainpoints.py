"""Breakpoints of the fast engine that ask nothing: their hooks are machine code (native/breakpoint.c)."""

from __future__ import annotations

import ctypes

from unicorn import UC_HOOK_CODE, Uc

from machine.engine.machinecode import Cells, pointer, u64
from machine.engine.rawhook import add_hook, remove_hook

_MET = 1
"""As in native/fast.h."""


class _Point(ctypes.Structure):
    """``struct point``: what a hook has as its data."""

    _fields_ = (("fast", u64), ("armed", u64))


class PlainPoints:
    """The hooks of one engine, at linear addresses.  ``entry`` is the machine code that they call."""

    def __init__(self, uc: Uc, cells: Cells, entry: int) -> None:
        self._uc, self._cells, self._entry = uc, cells, pointer(entry)
        self.data: dict[int, _Point] = {}
        """By address; the engine may look at it as long as it lives."""

    def plant(self, address: int) -> int:
        """Put an armed hook before an instruction; returns its handle."""
        point = self.data.setdefault(address, _Point(ctypes.addressof(self._cells)))
        point.armed = 1
        return add_hook(self._uc, UC_HOOK_CODE, self._entry, point, at=(address, address))

    def take_out(self, handle: int) -> None:
        """Take a hook away."""
        remove_hook(self._uc, handle)

    def arm(self, address: int, *, armed: bool) -> None:
        """Let a hook stop the engine, or only ask to be taken out."""
        self.data[address].armed = armed

    def pass_once(self, address: int | None, clock: int) -> None:
        """Let the instruction at an address go, at this position of the clock."""
        cells = self._cells
        cells.passes = address is not None
        cells.passed, cells.passed_at = address or 0, clock

    def take(self) -> tuple[int, bool] | None:
        """Outside the engine: the hook that stopped it, by its address, and whether it was armed."""
        cells, met = self._cells, self._cells.met
        if not met:
            return None
        cells.met = 0
        return cells.met_at, met == _MET
