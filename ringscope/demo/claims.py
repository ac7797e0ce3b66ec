"""What gdb has to show, and whether it did. Knows texts and values, nothing of gdb, machine or kernel."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

Value = str | tuple[str, ...]
Span = tuple[int, int]

_NUMBER = re.compile(r"\b0x0*([0-9a-f]+)\b")
_NAME = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Claim:
    """One thing that must be seen in an answer: the groups of `pattern`, and the value they must have.

    `expected` as a string is compared with the groups of the first match, a blank between them; in it, `{name}` stands
    for what an earlier command taught. As a tuple it names words that must be among all matches, in this order.
    """

    what: str
    pattern: str
    expected: Value


class Finding(NamedTuple):
    """A claim against an answer: what was seen there (None: nothing that fits the pattern), and where."""

    claim: Claim
    expected: Value
    observed: Value | None = None
    spans: tuple[Span, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether the observed value is the expected one."""
        if isinstance(self.expected, tuple) and isinstance(self.observed, tuple):
            return _in_order(self.expected, self.observed)
        return self.observed is not None and self.observed == self.expected


def judge(claim: Claim, answer: str, learned: Mapping[str, str]) -> Finding:
    """Look for a claim's value in an answer; `learned` holds what earlier answers taught, by name."""
    expected = claim.expected if isinstance(claim.expected, tuple) else normal(fill_in(claim.expected, learned))
    matches = list(re.finditer(claim.pattern, answer, re.MULTILINE))
    if not matches:
        return Finding(claim, expected)
    if isinstance(expected, tuple):
        return Finding(claim, expected, tuple(match[1] for match in matches), tuple(match.span(1) for match in matches))
    first = matches[0]
    spans = tuple(first.span(group) for group in range(1, len(first.groups()) + 1))
    return Finding(claim, expected, normal(" ".join(first.groups())), spans)


def fill_in(text: str, learned: Mapping[str, str]) -> str:
    """A text with `{name}` replaced by what was learned under that name, left alone if nothing was."""
    return _NAME.sub(lambda match: learned.get(match[1], match[0]), text)


def normal(text: str) -> str:
    """A text with single blanks and without leading zeros in hexadecimal numbers: what is compared and shown."""
    return _NUMBER.sub(r"0x\1", " ".join(text.split()))


def show_pair(finding: Finding) -> tuple[str, str]:
    """Observed and expected, for people; a list of words by its ends if all are there, in full if some are missing."""
    observed, expected = finding.observed, finding.expected
    if isinstance(expected, tuple) and finding.holds:
        ends = f"{expected[0]} … {expected[-1]}"
        return ends, ends
    return "not observed" if observed is None else _joined(observed), _joined(expected)


def _joined(value: Value) -> str:
    return value if isinstance(value, str) else " ".join(value)


def _in_order(words: Iterable[str], among: Iterable[str]) -> bool:
    rest = iter(among)
    return all(word in rest for word in words)
