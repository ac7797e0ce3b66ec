"""The failures of this package; every message names the file or value it is about."""


class Error(Exception):
    """Root of the package's own errors."""


class AbiError(Error):
    """A row of an ABI table cannot be read."""


class BuildError(Error):
    """The guest could not be compiled or linked; the message carries the tool's own words."""


class ImageError(Error):
    """The built guest is absent or incomplete."""


class SymbolsError(Error):
    """A file's symbols or debug information cannot be read."""


class ArchiveError(Error):
    """An entry cannot be stored in a cpio archive."""


class UnreadableError(Error):
    """The running kernel's memory does not hold what its structures say; the message names the address."""
