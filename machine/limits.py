"""What a machine may be asked for: plain values, so that a command line can be checked before the machine is loaded."""

PAGE = 4096

MINIMUM = 1 << 20
MAXIMUM = 3 << 30
"""RAM sizes in bytes that fit below the PC's hole for devices."""

DEFAULT_MEMORY = 64 << 20

MOST_PROCESSORS = 8

QUANTUM = 50_000
"""Bytes of code that one of several processors runs in its turn."""

ENTRY_NAMES = ("real", "32", "64", "unpacked")
"""The entries into a Linux bzImage; `machine.boot.linux.ENTRIES` has what each does."""

ENGINE_NAMES = ("fast", "portable")
"""The engines that a user chooses among (`machine.engine.choice.Engine`)."""
