"""Breakpoints: engine hooks at addresses; guest memory is never patched.

The engine compiles hooks into the code it translates, so planting one throws translations away.  A debugger takes
its breakpoints out at every stop and puts them back: hooks are therefore planted when the machine runs again, and
stay in place, unarmed, when a breakpoint goes, until one of them is met by more than a step.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from unicorn import UC_HOOK_CODE, Uc

from machine.engine.progress import Progress
from machine.revision import Revision

IDLE_HOOKS = 64
"""Unarmed hooks kept in place before they are all taken out."""

When = Callable[[], bool]
"""Asked in a hook before the instruction: whether to stop here.  It changes nothing in the guest."""


class Breakpoints:
    """The linear addresses that one processor stops at.  ``hit`` is set by the hooks and taken by the run loop.

    ``wanted`` counts the changes after which hooks must be planted.
    """

    def __init__(self, uc: Uc, progress: Progress, wanted: Revision) -> None:
        self._uc = uc
        self._progress = progress
        self._wanted = wanted
        self._alone = True
        self._plain = progress.points
        self._native: set[int] = set()  # planted as machine code
        self._armed: dict[int, list[When | None]] = {}
        self._shared: dict[int, tuple[int, bool] | None] = {}
        self._planted: dict[int, int] = {}
        self.hooked_addresses: Collection[int] = self._planted.keys()
        """Linear addresses of the instructions that the engine calls a hook before, as they come and go."""
        self.just_hooked: Collection[int] = ()
        """Those that the last `plant` put a hook before, which others find there already."""
        self._passed: tuple[int, int] | None = None
        self.met_unarmed = False
        """An unarmed hook stopped the engine, so that it can be taken out; the run goes on."""
        self.hit: int | None = None

    def follow(self, first: Breakpoints) -> None:
        """Stop where another processor does: what is inserted for one is so for both."""
        self._armed, self._wanted = first._armed, first._wanted
        first._alone = self._alone = False

    def __contains__(self, address: int) -> bool:
        return address in self._armed

    def addresses(self) -> list[int]:
        """Every armed breakpoint's linear address, in order."""
        return sorted(self._armed)

    def insert(self, address: int, when: When | None = None) -> None:
        """Stop before the instruction at a linear address, if ``when`` says so; several inserts want as many removes.

        ``when`` is asked once each time the instruction is reached, but where a stop was told for it already.
        """
        self._armed.setdefault(address, []).append(when)
        if address in self._native and self._plain is not None and when is None:
            self._plain.arm(address, armed=True)
        elif address in self._native or not (self._alone and address in self._planted):
            self._wanted.change()

    def remove(self, address: int, when: When | None = None) -> None:
        """Take one insert back, with the same ``when``.  Raises KeyError if there is none."""
        if when not in self._armed[address]:
            raise KeyError(address)
        self._armed[address].remove(when)
        if not self._armed[address]:
            del self._armed[address]
            if address in self._native and self._plain is not None:
                self._plain.arm(address, armed=False)

    def is_plain(self, address: int) -> bool:
        """Whether a breakpoint at a linear address stops without being asked."""
        return None in self._armed.get(address, ())

    def pass_once(self, address: int | None) -> None:
        """Let the next instruction go, if it lies at linear ``address``: a stop was already told for it."""
        if address is None and self._passed is None:
            return
        self._passed = None if address is None else (address, self._progress.clock)
        if self._plain is not None:
            self._plain.pass_once(*(self._passed or (None, 0)))

    def share(self, addresses: Collection[int]) -> None:
        """Others ask `stops_at` too before the instructions at these addresses; all shall get one answer."""
        self._shared.update(dict.fromkeys(addresses))

    def stops_at(self, address: int) -> bool:
        """From a hook before the instruction at linear ``address``: whether a breakpoint stops there now."""
        if address not in self._armed or self._passes(address):
            return False
        if address not in self._shared:
            return self.wants(address)
        answer, now = self._shared[address], self._progress.exact(address)
        if answer is None or answer[0] != now:
            answer = self._shared[address] = now, self.wants(address)
        return answer[1]

    def _passes(self, address: int) -> bool:
        if self._passed is None or self._passed[0] != address:
            return False
        if self._passed[1] == self._progress.exact(address):
            return True
        self._passed = None
        return False

    def wants(self, address: int) -> bool:
        """Whether a breakpoint at a linear address, which is the next instruction's, wants to stop; each is asked."""
        return True in [when is None or when() for when in self._armed.get(address, ())]

    def plant(self) -> bool:
        """Before the processor runs: make hooks agree with what is wanted; True if translations are stale now."""
        for address in [address for address in self._native if not self._asks_nothing(address)]:
            self._take_out(address)
        missing = self._armed.keys() - self._planted.keys()
        crowded = self.met_unarmed or len(self._planted) - len(self._armed) > IDLE_HOOKS
        for address in missing:
            self._planted[address] = self._put(address)
        self.just_hooked = missing
        if crowded:
            self.met_unarmed = False
            for address in self._planted.keys() - self._armed.keys():
                self._take_out(address)
        return bool(missing or crowded)

    def _asks_nothing(self, address: int) -> bool:
        """Whether nothing at a linear address asks."""
        return all(when is None for when in self._armed.get(address, ()))

    def _put(self, address: int) -> int:
        if self._plain is None or not self._asks_nothing(address):
            return int(self._uc.hook_add(UC_HOOK_CODE, self._on_code, None, address, address))
        self._native.add(address)
        return self._plain.plant(address)

    def _take_out(self, address: int) -> None:
        handle = self._planted.pop(address)
        if address not in self._native or self._plain is None:
            self._uc.hook_del(handle)
            return
        self._native.remove(address)
        self._plain.take_out(handle)

    def take_met(self) -> None:
        """Outside the engine: take what its machine code has met."""
        if self._plain is not None and (met := self._plain.take()):
            address, armed = met
            if armed:
                self.hit = address
            else:
                self.met_unarmed = True

    def _on_code(self, uc: Uc, address: int, _size: int, _data: object) -> None:
        if self.stops_at(address):
            self.hit = address
            uc.emu_stop()
        elif address not in self._armed and not self._progress.single:
            self.met_unarmed = True
            uc.emu_stop()
