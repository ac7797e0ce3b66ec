"""INT 10h: text mode 3 of an adapter without EGA or VESA functions, by AH (IBM PC/AT Technical Reference, BIOS)."""

from __future__ import annotations

from collections.abc import Callable

from machine.bios.call import Call, Data
from machine.bios.screen import COLUMNS, MODE, Screen

_MODE_STAYS = 0x30
"""AL after a mode was set: what firmware answers for text modes."""


def set_mode(call: Call, screen: Screen) -> None:
    """00: AL is the mode; there is one.  Bit 7 asks to keep the screen."""
    if not call["al"] & 0x80:
        screen.clear()
    call["al"] = _MODE_STAYS


def set_shape(call: Call, screen: Screen) -> None:
    """01: the cursor's first and last scan line in CX."""
    Data(call.machine).write(Data.SHAPE, call["cx"])


def set_cursor(call: Call, screen: Screen) -> None:
    """02: row DH, column DL."""
    screen.cursor = call["dh"], call["dl"]


def get_cursor(call: Call, screen: Screen) -> None:
    """03: shape in CX, place in DX."""
    data = Data(call.machine)
    call["cx"], call["dx"] = data.read(Data.SHAPE), data.read(Data.CURSOR)


def scroll_up(call: Call, screen: Screen) -> None:
    """06: rows CH to DH up by AL lines, filled with attribute BH; windows have the screen's width."""
    screen.scroll(call["al"], call["ch"], call["dh"], call["bh"])


def read_character(call: Call, screen: Screen) -> None:
    """08: character in AL, attribute in AH."""
    call["al"], call["ah"] = screen.get()


def write_characters(call: Call, screen: Screen) -> None:
    """09: AL with attribute BL, CX times."""
    screen.put(call["al"], call["bl"], call["cx"])


def write_plain_characters(call: Call, screen: Screen) -> None:
    """0A: AL, CX times."""
    screen.put(call["al"], None, call["cx"])


def teletype(call: Call, screen: Screen) -> None:
    """0E: AL, as a terminal."""
    character = call["al"]
    screen.teletype(character)
    call.machine.serial.send(bytes([character]))


def get_mode(call: Call, screen: Screen) -> None:
    """0F: mode in AL, columns in AH, page in BH."""
    call["al"], call["ah"], call["bh"] = MODE, COLUMNS, 0


def write_string(call: Call, screen: Screen) -> None:
    """13: CX characters at ES:BP from row DH, column DL; AL bit 0 leaves the cursor behind them, bit 1 says that an
    attribute follows each, else it is BL.
    """
    before, step = screen.cursor, 2 if call["al"] & 2 else 1
    text = call.read("bp", call["cx"] * step)
    text = text[: len(text) // step * step]
    screen.cursor = call["dh"], call["dl"]
    for at in range(0, len(text), step):
        screen.teletype(text[at], text[at + 1] if step == 2 else call["bl"])
    if not call["al"] & 1:
        screen.cursor = before
    call.machine.serial.send(text[::step])


# fmt: off
FUNCTIONS: dict[int, Callable[[Call, Screen], None]] = {
    0x00: set_mode,
    0x01: set_shape,
    0x02: set_cursor,
    0x03: get_cursor,
    0x06: scroll_up,
    0x08: read_character,
    0x09: write_characters,
    0x0A: write_plain_characters,
    0x0E: teletype,
    0x0F: get_mode,
    0x13: write_string,
}
# fmt: on


def answer(call: Call) -> None:
    """Do the function in AH; unknown ones leave every register alone, which is how callers see that they are absent."""
    function = FUNCTIONS.get(call["ah"])
    if function:
        function(call, Screen(call.machine))
