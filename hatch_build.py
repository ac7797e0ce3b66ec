"""Hatchling's build hook: compile the guest, and the engine's native part, when they are not up to date.

The compiler is asked for only then, so that installing from an sdist or a wheel needs none.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

GUEST = "kernel.build"
TOOLCHAIN = "kernel.toolchain"
NATIVE = "machine.engine.native.build"


class CompileHook(BuildHookInterface[Any]):
    """Runs before files are collected, for wheels, sdists and editable installs alike."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """The pinned compiler, if something is to be compiled."""
        with _importing_from(Path(self.root)):
            guest = importlib.import_module(GUEST)
            stale = _guest_is_stale(guest) or _native_is_stale(_native())
            return [importlib.import_module(TOOLCHAIN).REQUIREMENT] if stale else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile what is stale, in place; the results are listed as artifacts in pyproject.toml."""
        with _importing_from(Path(self.root)):
            guest, native = importlib.import_module(GUEST), _native()
            if _guest_is_stale(guest):
                self.app.display_info("compiling the guest")
                guest.build(guest.IMAGE)
            if native is not None and _native_is_stale(native):
                self.app.display_info("compiling the engine's native part")
                native.build()


def _guest_is_stale(guest: ModuleType) -> bool:
    return bool(guest.stale(guest.IMAGE))


def _native() -> ModuleType | None:
    """The module that builds the engine's native part; None where the tree has none."""
    try:
        found = importlib.util.find_spec(NATIVE)
    except ModuleNotFoundError:
        return None
    return importlib.import_module(NATIVE) if found else None


def _native_is_stale(native: ModuleType | None) -> bool:
    return native is not None and bool(native.stale())


@contextmanager
def _importing_from(root: Path) -> Iterator[None]:
    """Let the tree's own packages be imported; a build back end does not put them on the path."""
    sys.path.insert(0, str(root))
    try:
        yield
    finally:
        sys.path.remove(str(root))
