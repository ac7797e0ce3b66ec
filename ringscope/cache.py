"""Where files stay that can be had or made again."""

from __future__ import annotations

import os
from pathlib import Path


def root() -> Path:
    """The user's cache directory (XDG Base Directory Specification)."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "ringscope"
