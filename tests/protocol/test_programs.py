"""Starting programs, in extended mode: vRun and what the program gets, kill, restart, attach."""

import errno

import pytest

from gdbstub.errors import TargetError
from gdbstub.session import Ending
from gdbstub.stopreply import Exited
from gdbstub.values import Program
from gdbstub.wire import Notification, frame
from tests.protocol.test_processes import ToyProcesses
from tests.protocol.toy import RIP, Conversation, ToyTarget


def hexed(text):
    return text.encode().hex().encode()


def run(*words):
    return b"vRun;" + b";".join(map(hexed, words))


# fmt: off
ROWS = [
    (run("/bin/none"),                                     b"E02"),
    (run("/bin/bad"),                                      b"E08"),
    (b"vRun;xyz",                                          b"E16"),
    (b"vRun;;" + hexed("argument"),                        b"E16"),
    (b"vRun",                                              b""),
    (b"QEnvironmentHexEncoded:" + hexed("A=1=2"),          b"OK"),
    (b"QEnvironmentHexEncoded:" + hexed("A"),              b"E16"),
    (b"QEnvironmentHexEncoded:" + hexed("=1"),             b"E16"),
    (b"QEnvironmentHexEncoded:4",                          b"E16"),
    (b"QEnvironmentUnset:" + hexed("A"),                   b"OK"),
    (b"QEnvironmentReset",                                 b"OK"),
    (b"QSetWorkingDir:",                                   b"OK"),
    (b"QSetWorkingDir:" + hexed("/"),                      b"OK"),
    (b"QSetWorkingDir:" + hexed("/tmp"),                   b"E5f"),
    (b"QDisableRandomization:1",                           b"OK"),
    (b"QDisableRandomization:0",                           b"E5f"),
    (b"QStartupWithShell:1",                               b""),
    (b"vAttach;1",                                         b""),
]
# fmt: on


@pytest.mark.parametrize(("packet", "reply"), ROWS, ids=lambda value: repr(value)[2:30])
def test_reply(talk, packet, reply):
    assert b"+".join(talk.all(packet)) == reply


def test_a_program_gets_its_arguments_and_variables(talk, target):
    for setting in ("A=1", "B=2", "C=x=y"):
        talk(b"QEnvironmentHexEncoded:" + hexed(setting))
    talk(b"QEnvironmentUnset:" + hexed("B"))
    assert talk(run("/bin/good", "one", "")).startswith(b"T05thread:1;")
    assert target.program == Program("/bin/good", ("one", ""), {"A": "1", "C": "x=y"})
    talk(b"QEnvironmentReset")
    talk(run("/bin/good"))
    assert target.program == Program("/bin/good")


def test_no_program_begins_anew(talk, target):
    talk(b"s")
    assert b"10:0010000000000000" in talk(b"vRun;")
    assert target.get(1, RIP) == 0x1000


def test_in_extended_mode_the_client_outlives_the_target(talk, target):
    talk(b"!")
    target.set(1, RIP, 0x1200)
    assert talk(b"c") == b"W00"
    assert talk(b"s") == b"E03"
    assert talk(run("/bin/good")).startswith(b"T05")
    assert talk(b"vKill;1") == b"OK"
    assert talk.session.ended is None
    assert talk(b"vRun;").startswith(b"T05")


def test_otherwise_a_kill_ends_the_session(talk):
    assert talk(b"vKill;1") == b"OK"
    assert talk.session.ended is Ending.KILLED


def test_a_target_that_ends_before_the_program_has_words(talk, target):
    talk(b"qSupported:error-message+")
    assert talk(run("/bin/bad")) == b"E.the target ended before /bin/bad began"
    assert talk(b"?") == b"W01"


def test_a_launch_can_be_interrupted(talk, target):
    target.start_program = lambda program: target.restart()
    talk.session.receive(frame(run("/bin/slow")))
    talk.session.advance()
    talk.session.receive(b"\x03")
    assert talk.replies()[-1].startswith(b"T02")


def test_the_reply_is_the_stop_in_non_stop_mode_too(talk):
    talk(b"QNonStop:1")
    talk.session.receive(frame(b"vCont;c"))
    talk.session.receive(frame(run("/bin/good")))
    talk.run()
    replies = talk.replies()
    assert replies[-1].startswith(b"T05thread:1;") and not any(isinstance(reply, Notification) for reply in replies)
    assert talk(b"vStopped") == b"OK"


class OnlyRestarts(ToyTarget):
    start_program = None

    def __getattribute__(self, name):
        if name == "start_program":
            raise AttributeError(name)
        return super().__getattribute__(name)


def test_a_target_may_only_begin_anew():
    talk = Conversation(OnlyRestarts())
    assert talk(run("/bin/good")) == b"E5f"
    assert talk(b"vRun;").startswith(b"T05")
    assert talk(b"QEnvironmentReset") == b""


# Processes


@pytest.fixture
def several():
    talk = Conversation(ToyProcesses())
    talk(b"qSupported:multiprocess+")
    return talk


def test_a_process_that_was_left_is_attached_to(several):
    assert several(b"D;20") == b"OK"
    assert several(b"qfThreadInfo") == b"mp10.1"
    assert several(b"vAttach;20").startswith(b"T00thread:p20.2;")
    assert several(b"qfThreadInfo") == b"mp10.1,p20.2"
    assert several(b"vAttach;30") == b"E03"
    assert several(b"vAttach;x") == b"E16"


def test_processors_are_not_attached_to():
    assert Conversation(ToyProcesses())(b"vAttach;10") == b"E5f"


def test_in_non_stop_mode_the_process_stops_by_notification(several):
    several(b"QNonStop:1")
    several(b"D;20")
    replies = several.all(b"vAttach;20")
    assert replies[0] == b"OK" and replies[1].payload.startswith(b"Stop:T00thread:p20.2;")


def test_a_process_is_killed_by_its_number(several):
    several(b"!")
    assert several(b"vKill;20") == b"OK"
    assert several.target.log[-1] == ("kill", 0x20)
    assert several(b"qfThreadInfo") == b"mp10.1", "what was killed is out of sight"


def test_no_program_begins_under_processes_that_the_client_holds(several):
    """It would take those of the new target for them."""
    several(b"!")
    assert several(b"qfThreadInfo") == b"mp10.1,p20.2"
    assert several(b"vKill;10") == b"OK"
    assert several(run("/bin/good")) == b"E10"
    assert not hasattr(several.target, "program")
    words = several.all(b"qRcmd," + b"help".hex().encode())[0]
    assert bytes.fromhex(words[1:].decode()).startswith(b"/bin/good is not started while processes 32 are the client's")
    assert several(b"D;20") == b"OK"
    several(run("/bin/good"))
    assert several.target.program == Program("/bin/good")


def test_the_client_of_the_others_stays(several):
    several(b"Z0,1000,1")
    several(b"Hgp20.2")
    assert several(b"vKill;20") == b"OK"
    assert several.session.ended is None
    assert several(b"Hgp20.2") == b"E03"
    assert several(b"vCont;s:p10.1").startswith(b"T05thread:p10.1;")


def test_in_non_stop_mode_the_others_stay_as_they_are(several):
    several(b"QNonStop:1")
    assert several(b"vKill;20") == b"OK"
    assert several(b"qfThreadInfo") == b"mp10.1"
    assert not several.session.running, "the first is stopped"
    several.session.receive(frame(b"vCont;c:p10.1"))
    assert several.session.running


def test_why_a_process_cannot_be_killed_comes_when_the_client_listens(several):
    def refuse(process):
        raise TargetError(errno.EPERM, f"process {process:#x} stays")

    several.target.kill = refuse
    assert several(b"vKill;20") == b"E01"
    words, stop = several.all(b"vCont;s:p10.1")
    assert words == b"O" + b"process 0x20 stays\n".hex().encode() and stop.startswith(b"T05")
    assert several(b"qfThreadInfo") == b"mp10.1,p20.2"


def test_the_end_of_a_killed_target_is_its_end(several):
    several(b"!")
    several.target.kill = lambda process: setattr(several.target, "stop", Exited(0))
    assert several(b"vKill;10") == b"OK"
    assert several(b"vCont;c") == b"E03"
