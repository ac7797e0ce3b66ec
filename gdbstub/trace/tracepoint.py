"""One tracepoint as a client defined it, and what became of it."""

from dataclasses import dataclass, field

from gdbstub.agent.translate import Evaluate
from gdbstub.trace.actions import Collect


@dataclass(slots=True)
class Source:
    """A piece of what the user typed: ``at``, ``cond`` or ``cmd``."""

    kind: str
    text: bytes


@dataclass(slots=True)
class Tracepoint:
    """Number and address name it together. ``passes`` is the hit after which tracing ends, 0 for none."""

    number: int
    address: int
    enabled: bool
    steps: int
    passes: int
    condition: Evaluate | None = None
    condition_code: bytes = b""
    actions: list[Collect] = field(default_factory=list)
    step_actions: list[Collect] = field(default_factory=list)
    action_texts: list[bytes] = field(default_factory=list)
    step_texts: list[bytes] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    hits: int = 0
    usage: int = 0

    @property
    def key(self) -> tuple[int, int]:
        """Number and address."""
        return self.number, self.address

    @property
    def text_length(self) -> int:
        """Bytes of its actions and sources."""
        texts = (*self.action_texts, *self.step_texts, *(source.text for source in self.sources))
        return len(self.condition_code) + sum(map(len, texts))

    def describe(self) -> list[bytes]:
        """The pieces in which a client reads it back."""
        place = b"%x:%x" % self.key
        enabled = b"E" if self.enabled else b"D"
        head = b"T%s:%s:%x:%x" % (place, enabled, self.steps, self.passes)
        if self.condition_code:
            head += b":X%x,%s" % (len(self.condition_code), self.condition_code.hex().encode())
        pieces = [head]
        pieces += [b"A%s:%s" % (place, text) for text in self.action_texts]
        pieces += [b"S%s:%s" % (place, text) for text in self.step_texts]
        for source in self.sources:
            kind, text = source.kind.encode(), source.text
            pieces.append(b"Z%s:%s:0:%x:%s" % (place, kind, len(text), text.hex().encode()))
        return pieces
