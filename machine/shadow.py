"""How the portable engine runs one instruction by itself: its own interrupt-shadow bit asks for a translation of one.

Nothing changes that the guest can see.  Instructions that end a translation anyway go without: the engine treats them
differently then.
"""

from __future__ import annotations

from machine.engine.state import HF_INHIBIT_IRQ
from machine.environment import ExecutionEnvironment


def shade(cpu: ExecutionEnvironment) -> bool:
    """Before the instruction: ask for it; False if it goes without."""
    cpu.state.load()
    if cpu.state.front.hflags & HF_INHIBIT_IRQ or cpu.ends_translation():
        return False
    cpu.state.front.hflags |= HF_INHIBIT_IRQ
    cpu.state.store()
    return True


def unshade(cpu: ExecutionEnvironment) -> None:
    """Behind it, or where it was not run after all."""
    cpu.state.load()
    if cpu.state.front.hflags & HF_INHIBIT_IRQ:
        cpu.state.front.hflags &= ~HF_INHIBIT_IRQ
        cpu.state.store()
