"""Code that the engine translates anew is looked at before it runs: hooks may have to come first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from unicorn import UC_HOOK_EDGE_GENERATED, Uc

from machine.codepages import CodePages
from machine.engine.state import HF_CPL
from machine.errors import MemoryFault
from machine.memory import PAGE
from machine.walk import Walks

if TYPE_CHECKING:
    from machine.cpu import Cpu


class Translations:
    """Those of one processor.  The fast engine's machine code looks itself, and asks only where hooks may be needed."""

    def __init__(self, cpu: Cpu) -> None:
        self._cpu = cpu
        self._shared = cpu.shared_code
        self._code_pages = CodePages(cpu.uc, self._hook_stores if self._shared else None)
        if self._shared:
            self._shared.join(self._code_pages)
        self._walks = Walks(cpu.memory)
        self._begun = cpu.fast is not None
        if cpu.fast is None:
            cpu.uc.hook_add(UC_HOOK_EDGE_GENERATED, self._on_translation)

    def begin(self) -> None:
        """Before a start: look at the rest of the page, as the engine does not tell of its first translation."""
        if not self._begun:
            self._begun = True
            address = self._cpu.linear_pc
            self._examine(address, PAGE - address % PAGE)

    @property
    def found(self) -> bool:
        """Whether there are pages to be covered."""
        return self._code_pages.found

    def cover(self) -> bool:
        """Before a start: cover pages that code was found on; True if the TLB is stale now."""
        found = self._code_pages.found
        if found:
            self._code_pages.cover()
        return found

    def _hook_stores(self, first: int, last: int) -> int:
        assert self._shared is not None
        return self._cpu.progress.hook_stores(self._shared, first, last)

    def _on_translation(self, _uc: Uc, block: object, _previous: object, _data: object) -> None:
        """A block was translated and has not run: if it needs hooks first, leave the engine and start again there."""
        self._cpu.state.load()
        if self._examine(int(block.pc), int(block.size)):  # type: ignore[attr-defined]
            self._cpu.restart()

    def _examine(self, address: int, length: int) -> bool:
        cpu = self._cpu
        try:
            runs = self._runs(address, length)
        except MemoryFault:
            return False  # the tables changed under the engine's TLB; the hardware would go on too
        new = self._is_new_code(runs)
        code = b"".join([cpu.memory.ram[at : at + count] for at, count in runs])
        outside_ring_0 = bool(cpu.state.front.hflags & HF_CPL)
        return cpu.guards.examine(address, code, ports=outside_ring_0) or new

    def _runs(self, address: int, length: int) -> list[tuple[int, int]]:
        """Physical (address, length) behind code, which lies on one page or two."""
        paging, room = self._cpu.paging(), PAGE - address % PAGE
        first = self._walks.physical(paging, address)
        if length <= room:
            return [(first, length)]
        return [(first, room), (self._walks.physical(paging, address + room), length - room)]

    def _is_new_code(self, runs: Sequence[tuple[int, int]]) -> bool:
        if self._shared:
            for physical, _ in runs:
                self._shared.found(self._cpu.number, physical)
        new = [physical for physical, _ in runs if not self._code_pages.knows(physical)]
        for physical in new:
            self._code_pages.add(physical)
        return bool(new)

    def on_block(self, address: int, size: int) -> bool:
        """For the fast engine, before the first run of a block that may need hooks: whether to start again there."""
        self._cpu.state.load()
        wanted = self._cpu.guards.examine(address, self._cpu.code_at(address, size), ports=False)
        if wanted:
            self._cpu.restart()
        return wanted
