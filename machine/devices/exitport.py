"""QEMU's isa-debug-exit at port 0xf4, and port 0x80, where firmware shows how far it got."""

from __future__ import annotations

from collections.abc import Callable

from machine.fields import Fields, SavedByFields, number

EXIT_PORT, POST_PORT = 0xF4, 0x80


class ExitPort(SavedByFields):
    """A write ends the machine; the value is its exit code."""

    FIELDS = Fields("exit port")
    width = 4

    def __init__(self, leave: Callable[[int], None]) -> None:
        self._leave = leave

    def read_port(self, offset: int, size: int) -> int:
        """Reads 0."""
        return 0

    def write_port(self, offset: int, value: int, size: int) -> None:
        """End the machine."""
        self._leave(value)


class PostPort(SavedByFields):
    """Port 0x80 keeps the last byte written; guests use it as a short delay."""

    FIELDS = Fields("port 0x80", code=number(0xFF))
    width = 1

    def __init__(self) -> None:
        self.code = 0

    def read_port(self, offset: int, size: int) -> int:
        """The last byte written."""
        return self.code

    def write_port(self, offset: int, value: int, size: int) -> None:
        """Show a progress code."""
        self.code = value
