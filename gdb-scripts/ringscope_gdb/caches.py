"""After `monitor`: gdb keeps registers and memory while the target is stopped, but these commands may change them."""

from __future__ import annotations

import gdb

_HOOK = """\
define hookpost-monitor
  python import ringscope_gdb.caches; ringscope_gdb.caches.flush()
end
"""


def watch_monitor() -> None:
    """Call `flush` after each `monitor`, unless the user has a hook of their own there."""
    try:
        gdb.execute("show user hookpost-monitor", to_string=True)
    except gdb.error:
        gdb.execute(_HOOK, to_string=True)


def flush() -> None:
    """Forget registers and memory; the selected frame stays if the machine is where it was, else it is shown."""
    try:
        before, level = gdb.newest_frame().pc(), gdb.selected_frame().level()
    except gdb.error:
        return  # no process, or it runs
    gdb.execute("maintenance flush register-cache", to_string=True)
    gdb.execute("maintenance flush dcache", to_string=True)
    if gdb.newest_frame().pc() == before:
        _select(level)
    else:
        gdb.execute("frame 0")


def _select(level: int) -> None:
    frame = gdb.newest_frame()
    while frame.level() < level and (older := frame.older()) is not None:
        frame = older
    frame.select()
