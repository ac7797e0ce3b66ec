"""QCatchSyscalls, and which process's calls stop a client."""

import pytest

from gdbstub.stopreply import Noted
from tests.protocol.test_processes import HELLO, ToyProcesses
from tests.protocol.toy import Conversation, ToyTarget

# fmt: off
ROWS = [
    (b"QCatchSyscalls:1",        b"OK", None),
    (b"QCatchSyscalls:1;1",      b"OK", {1}),
    (b"QCatchSyscalls:1;1;3d;2", b"OK", {1, 0x3D, 2}),
    (b"QCatchSyscalls:0",        b"OK", set()),
    (b"QCatchSyscalls:1;",       b"E16", "untouched"),
    (b"QCatchSyscalls:1;x",      b"E16", "untouched"),
    (b"QCatchSyscalls:2",        b"", "untouched"),
]
# fmt: on


class ToyCalls(ToyProcesses):
    """Every instruction is a system call of number 1."""

    several = False
    caught = "untouched"

    def catch_system_calls(self, numbers):
        self.caught = numbers

    def execute(self, thread):
        super().execute(thread)
        return Noted("syscall_entry", "1") if self.caught is None or 1 in self.caught else None


@pytest.fixture
def target():
    return ToyCalls()


@pytest.mark.parametrize(("packet", "reply", "caught"), ROWS, ids=lambda value: repr(value)[2:30])
def test_reply(talk, target, packet, reply, caught):
    assert talk(packet) == reply and target.caught == caught


def test_it_is_announced(talk):
    assert b"QCatchSyscalls+" in talk(b"qSupported").split(b";")
    assert Conversation(ToyTarget())(b"QCatchSyscalls:1") == b""


def test_a_call_is_told(talk):
    talk(b"QCatchSyscalls:1")
    assert b"syscall_entry:1;" in talk(b"c")


def test_calls_are_those_of_the_chosen_process(target):
    target.several = True
    talk = Conversation(target)
    talk(HELLO)
    talk(b"Hgp20.0")
    talk(b"QCatchSyscalls:1;1")
    assert target.caught == {1}
    assert talk(b"vCont;c:p10.1") is None and talk.session.running
    talk.session.receive(b"\x03")
    talk.replies()
    assert b"thread:p20.2" in talk(b"vCont;c:p20.2")
    talk(b"Hgp10.0")
    talk(b"QCatchSyscalls:1;2")
    assert target.caught == {1, 2}
    talk(b"Hgp20.0")
    talk(b"QCatchSyscalls:0")
    assert target.caught == {2}


def test_the_common_process_speaks_for_all(target):
    target.several = True
    talk = Conversation(target)
    talk(HELLO)
    talk(b"Hgp10.0")
    talk(b"QCatchSyscalls:1")
    assert b"thread:p20.2" in talk(b"vCont;c:p20.2")
