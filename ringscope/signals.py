"""Linux's signals on x86 by the numbers that the protocol has for them."""

from __future__ import annotations

UNKNOWN = 143
"""The protocol's number for a signal that it has no number for (gdb: include/gdb/signals.def)."""

SIGRTMIN, SIGRTMAX = 32, 64

# fmt: off
_NUMBERS = {
    # Linux (arch/x86/include/uapi/asm/signal.h): gdb
    1:  1,   2:  2,   3:  3,   4:  4,   5:  5,   6:  6,    # HUP INT QUIT ILL TRAP ABRT
    7:  10,  8:  8,   9:  9,   10: 30,  11: 11,  12: 31,   # BUS FPE KILL USR1 SEGV USR2
    13: 13,  14: 14,  15: 15,           17: 20,  18: 19,   # PIPE ALRM TERM CHLD CONT
    19: 17,  20: 18,  21: 21,  22: 22,  23: 16,  24: 24,   # STOP TSTP TTIN TTOU URG XCPU
    25: 25,  26: 26,  27: 27,  28: 28,  29: 23,  30: 32,   # XFSZ VTALRM PROF WINCH IO PWR
    31: 12,  32: 77,  64: 78,                              # SYS, the first and the last of real time
}
# fmt: on
_REAL_TIME = 45 - 33  # between the two, both count on


def protocol_signal(number: int) -> int:
    """A signal of Linux as stop replies write it."""
    if SIGRTMIN < number < SIGRTMAX:
        return number + _REAL_TIME
    return _NUMBERS.get(number, UNKNOWN)
