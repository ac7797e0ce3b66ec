"""QPassSignals: which signals of programs stop."""

import pytest

from tests.protocol.toy import Conversation, ToyTarget

# fmt: off
ROWS = [
    (b"QPassSignals:e;10;14;97;",  b"OK",  {0xE, 0x10, 0x14, 0x97}),
    (b"QPassSignals:b",            b"OK",  {0xB}),
    (b"QPassSignals:",             b"OK",  set()),
    (b"QPassSignals:x;",           b"E16", "untouched"),
    (b"QPassSignals:-1;",          b"E16", "untouched"),
    (b"QPassSignals:100;",         b"E16", "untouched"),
    (b"QPassSignals",              b"",    "untouched"),
]
# fmt: on


class ToySignals(ToyTarget):
    """Remembers what is passed."""

    passed = "untouched"

    def pass_signals(self, numbers):
        self.passed = numbers


@pytest.fixture
def target():
    return ToySignals()


@pytest.mark.parametrize(("packet", "reply", "passed"), ROWS, ids=lambda value: repr(value)[2:30])
def test_reply(talk, target, packet, reply, passed):
    assert talk(packet) == reply and target.passed == passed


def test_it_is_announced(talk):
    assert b"QPassSignals+" in talk(b"qSupported").split(b";")
    assert Conversation(ToyTarget())(b"QPassSignals:e;") == b""
