"""How often something has changed, so that what follows from it is worked out anew only then."""

from __future__ import annotations


class Revision:
    """Counted up at every change by those who make it; who depends on it remembers the number that he has seen."""

    __slots__ = ("number",)

    def __init__(self) -> None:
        self.number = 0

    def change(self) -> None:
        """Something is different now."""
        self.number += 1
