"""The engine hooks of catches: planted before sensitive instructions as the engine translates them, while wanted.

As with `machine.guards`, a hook stays at its address; what lies there now is looked at when it is met.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from unicorn import UC_HOOK_CODE, UC_HOOK_EDGE_GENERATED, Uc

from machine.errors import MemoryFault
from machine.memory import PAGE
from machine.sensitive import Act, Sensitive, sensitive_instructions
from machine.walk import pages

if TYPE_CHECKING:
    from machine.cpu import Cpu

Met = Callable[[int, Sensitive], None]
"""Called in the engine before the sensitive instruction at a linear address, with the state view loaded."""


class CatchHooks:
    """Hooks of one processor before instructions whose act is wanted; ``restart`` makes the engine begin anew."""

    def __init__(self, cpu: Cpu, met: Met, restart: Callable[[], None]) -> None:
        self._cpu = cpu
        self._met = met
        self._restart = restart
        self._wanted: frozenset[Act] = frozenset()
        self._sought: frozenset[Act] = frozenset()
        self._found: set[int] = set()
        self._planted: dict[int, int] = {}
        self.addresses: Collection[int] = self._planted.keys()
        """Linear addresses of the instructions that the engine calls a hook before, as they come and go."""
        self._translations: int | None = None

    @property
    def seeks(self) -> bool:
        """Whether instructions are looked for."""
        return bool(self._sought)

    def want(self, acts: frozenset[Act]) -> None:
        """Be called before instructions with these acts, from the next run on."""
        self._wanted = acts

    def plant(self) -> bool:
        """Outside the engine: make hooks agree with what is wanted; True if translations are stale now."""
        if not self._wanted and not self._sought:
            return False
        changed = self._wanted != self._sought
        if changed:
            self._seek()
        if self._sought:  # the engine tells of every translation but the one that it begins with
            self._found |= self._instructions(*self._rest_of_page()).keys()
        missing = self._found - self._planted.keys()
        self._cpu.breakpoints.share(missing)
        for address in missing:
            self._planted[address] = self._cpu.uc.hook_add(UC_HOOK_CODE, self._before, None, address, address)
        return changed or bool(missing)

    def _seek(self) -> None:
        uc = self._cpu.uc
        for hook in self._planted.values():
            uc.hook_del(hook)
        self._planted.clear()
        self._found.clear()
        self._sought = self._wanted
        if self._sought and self._translations is None:
            self._translations = uc.hook_add(UC_HOOK_EDGE_GENERATED, self._on_translation)
        elif not self._sought and self._translations is not None:
            uc.hook_del(self._translations)
            self._translations = None

    def _rest_of_page(self) -> tuple[int, int]:
        at = self._cpu.linear(self._cpu.state.front.eip)
        return at, PAGE - at % PAGE

    def _on_translation(self, _uc: Uc, block: object, _previous: object, _data: object) -> None:
        """A block was translated and has not run: if it needs a hook first, start again there."""
        self._cpu.state.load()
        found = self._instructions(int(block.pc), int(block.size))  # type: ignore[attr-defined]
        missing = found.keys() - self._planted.keys()
        if missing:
            self._found |= missing
            self._restart()

    def _instructions(self, address: int, length: int) -> dict[int, Sensitive]:
        cpu = self._cpu
        try:
            runs = pages(cpu.memory, cpu.paging(), address, length)
            code = b"".join(bytes(cpu.memory.ram[at : at + count]) for at, count in runs)
        except MemoryFault:
            return {}  # the tables changed under the engine's TLB
        found = sensitive_instructions(code, address, cpu.state.front.hflags)
        return {at: instruction for at, instruction in found.items() if instruction.act in self._sought}

    def _before(self, _uc: Uc, address: int, size: int, _data: object) -> None:
        cpu = self._cpu
        if cpu.breakpoints.stops_at(address):
            return  # the breakpoint stops first; the instruction comes again
        cpu.state.load()
        # Another program may have other code at this address.
        instruction = self._instructions(address, size).get(address)
        if instruction is not None:
            self._met(address, instruction)

    def recognise(self, address: int, code: bytes) -> Sensitive | None:
        """The sensitive instruction that ``code`` at a linear address begins with, wanted or not."""
        return sensitive_instructions(code, address, self._cpu.state.front.hflags).get(address)
