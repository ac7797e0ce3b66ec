"""Defines the `x86` commands in gdb: `source .../gdb-scripts/loader.py`, then `help x86`.

The decoding tables are the package `machine.x86`, found by walking up from this file: beside gdb-scripts/ in a
checkout, in site-packages where ringscope is installed.
"""

import sys
from pathlib import Path

import gdb


def _tables_directory(start: Path) -> Path:
    """The nearest directory above `start` that holds machine/x86."""
    for directory in start.parents:
        if (directory / "machine" / "x86" / "__init__.py").is_file():
            return directory
    raise gdb.GdbError(f"ringscope: no machine/x86 in any directory above {start}")


def _load(here: Path) -> None:
    if sys.version_info < (3, 11):  # noqa: UP036 - gdb's embedded Python may be older than the project's
        version = ".".join(map(str, sys.version_info[:2]))
        raise gdb.GdbError(f"ringscope: gdb's Python is {version}, the x86 commands need 3.11 or later")
    tables = _tables_directory(here)
    for directory in (here.parent, tables):
        # At the end: the directory may be a whole site-packages, which must not hide other scripts' modules.
        if str(directory) not in sys.path:
            sys.path.append(str(directory))
    import machine

    found = Path(machine.__file__).resolve()
    if found.parent != (tables / "machine").resolve():
        raise gdb.GdbError(f"ringscope: the module machine comes from {found}, not {tables}")
    from ringscope_gdb import commands

    commands.define()


# Not __file__: it is the outer script's where one Python script sources another.
_load(Path(_load.__code__.co_filename).resolve())
