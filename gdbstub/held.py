"""Which processes a client debugs, and which of them it has seen."""

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Held:
    """All processes are the client's but those it has left.

    One that it left of its own accord stays out of its sight. A child, or parent, that it let go at a fork is its own
    again as soon as it is shown it: a list of threads or a stop does that.
    """

    _left: dict[int, bool] = field(default_factory=dict)  # whether it is out of sight
    _known: set[int] = field(default_factory=set)

    def leave(self, process: int, *, for_good: bool) -> None:
        """The client debugs a process no more."""
        self._left[process] = for_good
        self._known.discard(process)

    def tell(self, process: int) -> None:
        """The client is shown a process, and holds it."""
        self._left.pop(process, None)
        self._known.add(process)

    def has(self, process: int) -> bool:
        """Whether the client debugs a process."""
        return process not in self._left

    def known(self) -> list[int]:
        """The processes that the client has seen, and not left or seen the end of."""
        return sorted(self._known)

    def hides(self, process: int) -> bool:
        """Whether the client must not see a process."""
        return self._left.get(process, False)

    def prune(self, there: Iterable[int]) -> None:
        """Forget what is not among the processes that there are: their numbers will be given to others."""
        there = set(there)
        for process in [process for process in self._left if process not in there]:
            del self._left[process]
        self._known &= there

    def forked(self, parent: int, child: int) -> bool:
        """A process has made another: whether the client is told; what is born to one that it left is left too."""
        self._known.discard(child)
        if parent in self._left:
            self._left[child] = self._left[parent]
            return False
        self._left.pop(child, None)
        return True

    def ended(self, process: int) -> bool:
        """A process has ended: whether the client knows it. What remains of it until it is waited for is not shown."""
        known = process in self._known
        self.leave(process, for_good=True)
        return known
