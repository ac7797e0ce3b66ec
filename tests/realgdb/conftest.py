"""The kernel behind a socket, as most tests with stock gdb want it."""

import pytest

from tests.realgdb.conversation import Served
from tests.realgdb.served import booted, served


@pytest.fixture
def guest():
    """The kernel, about to run its first instruction."""
    return booted()


@pytest.fixture
def socket(guest, tmp_path):
    """Where ``guest`` is served."""
    with served(guest, tmp_path / "gdb.sock") as server:
        yield server.address


@pytest.fixture(name="served")
def conversation(tmp_path):
    """The kernel, and what gdb sends to it."""
    with Served(tmp_path / "gdb.sock") as served:
        yield served
