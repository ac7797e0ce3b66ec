"""What system calls cost in all, as `strace -c` prints it; time is the machine's own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

MOST_ERRNO = 4095
HEAD = f"{'% time':>6} {'seconds':>11} {'usecs/call':>11} {'calls':>9} {'errors':>9} syscall"
RULE = " ".join("-" * width for width in (6, 11, 11, 9, 9, 16))


@dataclass
class Count:
    """Of one system call: nanoseconds in all, how often it was made, how often it failed."""

    nanoseconds: int = 0
    calls: int = 0
    errors: int = 0


@dataclass
class Summary:
    """Calls by name."""

    counts: dict[str, Count] = field(default_factory=dict)

    def add(self, name: str, nanoseconds: int | None, result: int | None) -> None:
        """One call; None for what did not come back."""
        count = self.counts.setdefault(name, Count())
        count.calls += 1
        count.nanoseconds += nanoseconds or 0
        if result is not None and result >= (1 << 64) - MOST_ERRNO:
            count.errors += 1

    def lines(self) -> Iterator[str]:
        """The table, the dearest first."""
        yield HEAD
        yield RULE
        total = sum(count.nanoseconds for count in self.counts.values())
        for name, count in sorted(self.counts.items(), key=lambda item: (-item[1].nanoseconds, item[0])):
            yield _line(name, count, total)
        yield RULE
        calls, errors = (sum(getattr(count, what) for count in self.counts.values()) for what in ("calls", "errors"))
        yield _line("total", Count(total, calls, errors), total)


def _line(name: str, count: Count, total: int) -> str:
    share = 100 * count.nanoseconds / total if total else 0
    each = count.nanoseconds // 1000 // count.calls if count.calls else 0
    errors = count.errors or ""
    return f"{share:>6.2f} {count.nanoseconds / 1e9:>11.6f} {each:>11} {count.calls:>9} {errors:>9} {name}"
