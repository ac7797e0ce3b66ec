"""Whether the fast engine can run on this host: a few instructions show it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

from unicorn import UC_ARCH_X86, UC_MODE_64, Uc
from unicorn import x86_const as x86

from machine.engine.fast import FastProgress
from machine.engine.state import State
from machine.errors import EngineError
from machine.memory import Memory


@cache
def refusal() -> str | None:
    """Why the fast engine cannot run here; None if it can, which a few instructions prove."""
    try:
        _prove()
    except EngineError as error:
        return str(error)
    return None


_PROOF = bytes.fromhex("48ffc0 90 90 48ffc0 90 f4".replace(" ", ""))
"""inc rax; nop; nop; inc rax; nop; hlt"""


def _prove() -> None:
    uc, memory = Uc(UC_ARCH_X86, UC_MODE_64, x86.UC_CPU_X86_SKYLAKE_SERVER), Memory(1 << 20)
    uc.ctl_exits_enabled(True)
    uc.ctl_set_exits([])
    memory.attach(uc)
    memory.write(0, _PROOF)
    clock = FastProgress(uc, State(uc), memory)
    ways: tuple[Sequence[Callable[[], object]], ...] = (
        [lambda: clock.allow(6)],
        [clock.allow_one, clock.single_out],
        [lambda: clock.allow(6)],
        [lambda: clock.shorten(6), clock.allow_one],
        [lambda: clock.allow(100)],
    )
    seen = []
    for way in ways:
        for prepare in way:
            prepare()
        clock.start(0)
        uc.emu_start(uc.reg_read(x86.UC_X86_REG_RIP), 0)
        rip = uc.reg_read(x86.UC_X86_REG_RIP)
        seen.append((rip, clock.exact(rip)))
        clock.settle(rip)
    if seen != [(at, at) for at in (0, 3, 3, 8, 10)]:
        raise EngineError(f"a few instructions proved the fast engine wrong: {seen}")
