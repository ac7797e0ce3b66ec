"""The text screen at B800:0000 as the video services write to it: 80 columns, 25 rows, character and attribute."""

from __future__ import annotations

from typing import TYPE_CHECKING

from machine.bios.call import Data

if TYPE_CHECKING:
    from machine.machine import Machine

BASE, COLUMNS, ROWS = 0xB8000, 80, 25
MODE, ATTRIBUTE = 3, 0x07
_BLANK = b" " + bytes([ATTRIBUTE])


class Screen:
    """Page 0; all of its state is in guest memory."""

    def __init__(self, machine: Machine) -> None:
        self._ram = machine.memory.ram
        self._data = Data(machine)

    @property
    def cursor(self) -> tuple[int, int]:
        """Row and column."""
        word = self._data.read(Data.CURSOR)
        return word >> 8, word & 0xFF

    @cursor.setter
    def cursor(self, place: tuple[int, int]) -> None:
        row, column = place
        self._data.write(Data.CURSOR, min(row, ROWS - 1) << 8 | min(column, COLUMNS - 1))

    def clear(self) -> None:
        """Blanks, and the cursor at home."""
        self._ram[BASE : BASE + 2 * COLUMNS * ROWS] = _BLANK * (COLUMNS * ROWS)
        self.cursor = 0, 0

    def scroll(self, lines: int, top: int = 0, bottom: int = ROWS - 1, attribute: int = ATTRIBUTE) -> None:
        """Move whole rows up by ``lines``; 0 or too many blank them all."""
        bottom = min(bottom, ROWS - 1)
        count = bottom - top + 1
        if count <= 0:
            return
        lines = count if not 0 < lines < count else lines
        first, end = self._row(top), self._row(bottom + 1)
        kept = bytes(self._ram[first + 2 * COLUMNS * lines : end])
        self._ram[first:end] = kept + bytes((0x20, attribute)) * (COLUMNS * lines)

    def _row(self, row: int) -> int:
        return BASE + 2 * COLUMNS * row

    def put(self, character: int, attribute: int | None = None, count: int = 1) -> None:
        """Characters from the cursor on, which stays; without ``attribute`` the cells keep theirs."""
        row, column = self.cursor
        first = row * COLUMNS + column
        for cell in range(first, min(first + count, ROWS * COLUMNS)):
            self._ram[BASE + 2 * cell] = character
            if attribute is not None:
                self._ram[BASE + 2 * cell + 1] = attribute

    def get(self) -> tuple[int, int]:
        """Character and attribute at the cursor."""
        row, column = self.cursor
        at = BASE + 2 * (row * COLUMNS + column)
        return self._ram[at], self._ram[at + 1]

    def teletype(self, character: int, attribute: int | None = None) -> None:
        """Write as a terminal does: control characters move the cursor, the screen scrolls."""
        row, column = self.cursor
        match character:
            case 7:
                return
            case 8:
                column = max(column - 1, 0)
            case 10:
                row += 1
            case 13:
                column = 0
            case _:
                self.put(character, attribute)
                column += 1
        if column >= COLUMNS:
            row, column = row + 1, 0
        if row >= ROWS:
            self.scroll(1)
        self.cursor = row, column
