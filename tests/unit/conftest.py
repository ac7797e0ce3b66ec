"""A session of commands on a hand-assembled machine."""

import pytest

from ringscope.local import LocalDebuggee
from ringscope.session import Session
from tests.unit.handassembled import FakeSymbols, guest


@pytest.fixture
def session(monkeypatch, tmp_path):
    """On a machine of its own, with a directory of snapshots of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return Session(LocalDebuggee(guest().machine), FakeSymbols())
