"""Which commands leave the machine as it is, for those who may only look."""

from __future__ import annotations

from ringscope.session import CommandError

LOOKING = frozenset({
    "catch list", "breakpoints", "cr", "disas", "error", "frame", "gdt", "help", "idt", "info apic", "info clock",
    "info devices", "info ioapic", "info pic", "info pit", "info ports", "info serial", "info version", "ldt", "mode",
    "os", "position", "pte", "regs", "selector", "snapshot list", "sym", "symbols", "task", "tasks", "tss", "vectors",
    "walk", "where", "why", "x", "xp",
})  # fmt: skip
"""Names in the registry."""


def only_looks(line: str) -> bool:
    """Whether a command line changes neither the machine nor what a debugger of it sees; an empty one asks for help."""
    from ringscope.commandset import COMMANDS

    try:
        return not line.strip() or COMMANDS.parse(line).command.name in LOOKING
    except CommandError:
        return True  # it says what is wrong
