"""gdb keeps registers and memory while the target is stopped: what it must forget after `monitor` and after writes."""

from __future__ import annotations

import gdb

_FORGET_MEMORY = "maintenance flush dcache"
_HOOK = """\
define hookpost-monitor
  python import ringscope_gdb.caches; ringscope_gdb.caches.flush()
end
"""


def watch_writes() -> None:
    """Forget memory whenever the user writes: one page may be at two addresses, and CR3 decides of all of them."""
    gdb.events.memory_changed.connect(_forget_memory)
    gdb.events.register_changed.connect(_forget_memory)


def _forget_memory(event: gdb.MemoryChangedEvent | gdb.RegisterChangedEvent) -> None:
    gdb.execute(_FORGET_MEMORY, to_string=True)


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
    gdb.execute(_FORGET_MEMORY, to_string=True)
    if gdb.newest_frame().pc() == before:
        _select(level)
    else:
        gdb.execute("frame 0")


def _select(level: int) -> None:
    frame = gdb.newest_frame()
    while frame.level() < level and (older := frame.older()) is not None:
        frame = older
    frame.select()
