"""What can go wrong in the machine."""

from __future__ import annotations


class Error(Exception):
    """Root of this package's errors; the message carries the value."""


class EngineError(Error):
    """The Unicorn library is not the one this machine was measured with."""


class MemoryFault(Error):
    """A debugger's access reached memory that is not there.

    ``address`` is the first byte that could not be reached (linear or physical, as the caller asked).
    """

    def __init__(self, address: int, reason: str) -> None:
        super().__init__(f"{address:#x}: {reason}")
        self.address = address
        self.reason = reason


class BootError(Error):
    """An image cannot be booted; the message names the image's broken or missing part."""


class RamError(BootError):
    """RAM is too small for what is loaded; ``least`` bytes of it would hold that part."""

    def __init__(self, text: str, least: int) -> None:
        super().__init__(text)
        self.least = least


class RegisterError(Error):
    """A register has no such name, or cannot take the value."""
