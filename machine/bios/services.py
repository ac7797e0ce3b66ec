"""INT 11h, 13h, 15h, 16h, 1Ah and the timer tick, by AH or AX (IBM PC/AT Technical Reference; Ralf Brown's list)."""

from __future__ import annotations

from collections.abc import Callable

from machine.bios.call import ZERO, Call, Data
from machine.bios.memory import extended_memory, extended_memory_88, query_map

Function = Callable[[Call], None]

UNSUPPORTED, BAD_COMMAND, A20_REFUSED = 0x86, 0x01, 0x01
TICKS_PER_DAY = 0x1800B0

_PIC, _EOI = 0x20, 0x20
_CMOS_INDEX, _CMOS_DATA = 0x70, 0x71


def equipment(call: Call) -> None:
    """INT 11h: the equipment word in AX."""
    call["ax"] = Data(call.machine).read(Data.EQUIPMENT)


def disk(call: Call) -> None:
    """INT 13h: there are no disks, so nothing but function 15, the drive's type, succeeds."""
    if call["ah"] == 0x15:
        call.succeed(0)  # no such drive
    else:
        call.fail(BAD_COMMAND)


# INT 15h


def disable_a20(call: Call) -> None:
    """2400: address line 20 is always on."""
    call.fail(A20_REFUSED)


def enable_a20(call: Call) -> None:
    """2401."""
    call.succeed()


def a20_status(call: Call) -> None:
    """2402: AL is 1 for on."""
    call["al"] = 1
    call.succeed()


def a20_support(call: Call) -> None:
    """2403: BX says by what it can be switched: bit 0 keyboard controller, bit 1 port 92h."""
    call["bx"] = 0
    call.succeed()


# fmt: off
SYSTEM: dict[int, Function] = {  # by AX, or by AH << 8 where AL is no part of the function
    0x2400: disable_a20,
    0x2401: enable_a20,
    0x2402: a20_status,
    0x2403: a20_support,
    0x8800: extended_memory_88,
    0xE801: extended_memory,
    0xE820: query_map,
}
# fmt: on


def system(call: Call) -> None:
    """INT 15h: all others set carry and AH = 86h; so do C0 (there is no configuration table) and EC00."""
    function = SYSTEM.get(call["ax"]) or SYSTEM.get(call["ah"] << 8 if call["ah"] == 0x88 else -1)
    if function:
        function(call)
    else:
        call.fail(UNSUPPORTED)


# INT 16h


def no_key(call: Call) -> None:
    """00, 10: read a key.  There is no keyboard to wait for: scan code and character are 0."""
    call["ax"] = 0


def no_key_waits(call: Call) -> None:
    """01, 11: ZF says that no key waits."""
    call.set_flag(ZERO, True)


def no_shift(call: Call) -> None:
    """02, 12: no shift key is down."""
    call["al"] = 0


KEYBOARD: dict[int, Function] = {
    0x00: no_key,
    0x01: no_key_waits,
    0x02: no_shift,
    0x10: no_key,
    0x11: no_key_waits,
    0x12: no_shift,
}


def keyboard(call: Call) -> None:
    """INT 16h: no key ever comes; setting the rate (03) is accepted."""
    function = KEYBOARD.get(call["ah"])
    if function:
        function(call)


# INT 1Ah


def get_ticks(call: Call) -> None:
    """00: ticks since midnight in CX:DX, AL not 0 if midnight passed since the last call."""
    data = Data(call.machine)
    ticks = data.read(Data.TICKS, 4)
    call["cx"], call["dx"], call["al"] = ticks >> 16, ticks & 0xFFFF, data.read(Data.MIDNIGHT, 1)
    data.write(Data.MIDNIGHT, 0, 1)
    call.succeed()


def set_ticks(call: Call) -> None:
    """01: from CX:DX."""
    data = Data(call.machine)
    data.write(Data.TICKS, call["cx"] << 16 | call["dx"], 4)
    data.write(Data.MIDNIGHT, 0, 1)
    call.succeed()


def get_time(call: Call) -> None:
    """02: hour CH, minute CL, second DH in BCD, no daylight saving in DL."""
    call["ch"], call["cl"], call["dh"], call["dl"] = (*(_cmos(call, index) for index in (4, 2, 0)), 0)
    call.succeed(None)


def get_date(call: Call) -> None:
    """04: century CH, year CL, month DH, day DL in BCD."""
    call["ch"], call["cl"], call["dh"], call["dl"] = (_cmos(call, index) for index in (0x32, 9, 8, 7))
    call.succeed(None)


def _cmos(call: Call, index: int) -> int:
    call.machine.ports.write(_CMOS_INDEX, index, 1)
    return call.machine.ports.read(_CMOS_DATA, 1)


TIME: dict[int, Function] = {0x00: get_ticks, 0x01: set_ticks, 0x02: get_time, 0x04: get_date}


def time(call: Call) -> None:
    """INT 1Ah; others, PCI among them, set carry and AH = 86h."""
    function = TIME.get(call["ah"])
    if function:
        function(call)
    else:
        call.fail(UNSUPPORTED)


def tick(call: Call) -> None:
    """INT 08h, from the timer: count, and let the next interrupt come; the stub goes on to INT 1Ch."""
    data = Data(call.machine)
    ticks = data.read(Data.TICKS, 4) + 1
    if ticks >= TICKS_PER_DAY:
        ticks = 0
        data.write(Data.MIDNIGHT, 1, 1)
    data.write(Data.TICKS, ticks, 4)
    call.machine.ports.write(_PIC, _EOI, 1)
