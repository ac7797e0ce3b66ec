"""Breakpoints that ask, on functions of the guest's kernel, which are found by name each time the machine runs on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from kernel.errors import Error as KernelError
from kernel.objects import Kernel
from machine.breakpoints import When
from machine.machine import Machine
from ringscope.probe import MachineProbe

Ask = Callable[[Kernel], bool]
"""A question to the kernel as it stands; may raise `kernel.errors.Error`."""


def find_address(kernel: Callable[[], Kernel], name: str) -> int | None:
    """Linear address of a symbol; None if the kernel has none of that name, or cannot be read."""
    try:
        symbol = kernel().symbols.lookup(name)
    except KernelError:
        return None
    return symbol.address if symbol is not None else None


class KernelHooks:
    """Asks at functions, by their names. ``kernel`` finds the kernel's objects, and may raise `kernel.errors.Error`."""

    def __init__(
        self, machine: Machine, probe: MachineProbe, kernel: Callable[[], Kernel], asks: Mapping[str, Ask]
    ) -> None:
        self._points = machine.cpu.breakpoints
        self._probe = probe
        self._kernel = kernel
        self._asks = {name: self.asking(ask) for name, ask in asks.items()}
        self._places: dict[str, int] = {}

    def __bool__(self) -> bool:
        return bool(self._places)

    def asking(self, ask: Ask) -> When:
        """The question as a breakpoint asks it: where the kernel's structures cannot be read, the answer is no."""
        return self._probe.asking(partial(self._answer, ask))

    def _answer(self, ask: Ask, _probe: object) -> bool:
        try:
            return ask(self._kernel())
        except KernelError:
            return False

    def plant(self, names: Iterable[str]) -> None:
        """Before the machine runs: ask at these functions where the kernel has them now, and at no others."""
        wanted = {name: address for name in names if (address := find_address(self._kernel, name))}
        for name, address in list(self._places.items()):
            if wanted.get(name) != address:
                self._points.remove(self._places.pop(name), self._asks[name])
        for name, address in wanted.items():
            if name not in self._places:
                self._points.insert(address, self._asks[name])
                self._places[name] = address
