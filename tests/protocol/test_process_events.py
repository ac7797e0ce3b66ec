"""Fork, vfork, exec and the end of one process; processes that a client has left."""

import pytest

from gdbstub.stopreply import BreakpointHit, Forked, Noted, ProcessEnded, Signal, Signalled, Stopped, ThreadEnded
from gdbstub.wire import frame
from tests.protocol.test_processes import HELLO, ToyProcesses
from tests.protocol.toy import Conversation

EVENTS = b"fork-events+;vfork-events+;exec-events+"
ALL = HELLO + b";" + EVENTS
CHILD = 3
"""A thread of process 0x30."""


class ToyLives(ToyProcesses):
    """What happens next is put into ``next``, with the thread that it happens to."""

    def __init__(self):
        super().__init__()
        self.events = None
        self.next = []

    def watch_processes(self, events):
        self.events = set(events)

    def execute(self, thread):
        if not self.next:
            return super().execute(thread)
        thread, event = self.next.pop(0)
        ended = isinstance(event, ProcessEnded | ThreadEnded)
        return event if ended else Stopped(Signal.TRAP, thread, event, thread - 1)

    def stopped(self, thread, stop):
        if isinstance(stop, ProcessEnded | ThreadEnded):
            self.actions, self.stop = {}, stop
            return stop
        return super().stopped(thread, stop)

    def bear(self, child=CHILD, parent=2, way="fork"):
        self.blocks[child] = bytearray(self.blocks[parent])
        self.next.append((parent, Forked(way, child)))


@pytest.fixture
def target():
    return ToyLives()


@pytest.fixture
def talk(target):
    talk = Conversation(target)
    talk(ALL)
    return talk


def test_events_are_those_that_the_client_knows(target):
    assert set(EVENTS.split(b";")) < set(Conversation(target)(ALL).split(b";"))
    assert target.events == {"fork", "vfork", "exec", "exit"}
    assert b"-events" not in Conversation(target)(HELLO)
    assert target.events == {"exit"}
    target.events = None
    assert b"-events" not in Conversation(target)(EVENTS.join([b"qSupported:", b""]).replace(b"multiprocess", b""))
    assert target.events is None


def test_a_target_without_processes_has_no_events(target):
    target.several = False
    assert b"-events" not in Conversation(target)(ALL)
    assert target.events is None


# fmt: off
REPLIES = [
    (Forked("fork", 1),              b"fork:p10.1;"),
    (Forked("vfork", 1),             b"vfork:p10.1;"),
    (Noted("vforkdone"),             b"vforkdone:;"),
    (Noted("exec", b"/a".hex()),     b"exec:2f61;"),
    (Signalled(),                    b";"),
]
# fmt: on


@pytest.mark.parametrize(("event", "text"), REPLIES, ids=lambda value: repr(value)[:20])
def test_an_event_is_a_stop(talk, target, event, text):
    target.next = [(2, event)]
    reply = talk(b"vCont;c")
    assert reply.startswith(b"T05thread:p20.2;") and reply.endswith(text)


@pytest.mark.parametrize(("signal", "text"), [(0, b"W07;process:20"), (11, b"X0b;process:20")])
def test_the_end_of_a_process_is_not_the_targets(talk, target, signal, text):
    talk(b"qfThreadInfo")
    target.next = [(2, ProcessEnded(0x20, 7, signal))]
    assert talk(b"vCont;c") == text
    assert talk(b"qfThreadInfo") == b"mp10.1"
    assert talk(b"Hgp20.2") == b"E03"
    assert talk(b"qC") == b"QCp10.1"
    assert talk(b"vCont;s:p10.1").startswith(b"T05thread:p10.1;")


def test_the_end_of_a_process_that_nobody_has_seen_is_none(talk, target):
    target.next = [(2, ProcessEnded(0x20, 0))]
    assert talk(b"vCont;c") is None and talk.session.running


def test_a_process_that_is_left_is_out_of_sight(talk, target):
    assert talk(b"qfThreadInfo") == b"mp10.1,p20.2"
    assert talk(b"D;20") == b"OK"
    assert talk(b"qfThreadInfo") == b"mp10.1"
    assert b"p20" not in talk(b"qXfer:threads:read::0,1000")
    assert talk(b"Tp20.2") == b"E03"
    target.next = [(2, Noted("exec", "")), (2, Signalled()), (2, ProcessEnded(0x20, 0))]
    assert talk(b"vCont;c:p10.-1") is None and not target.next


def test_its_breakpoints_go_with_it(talk, target):
    talk(b"Hgp20.0")
    talk(b"Z0,1005,1")
    talk(b"Z1,1005,1")
    talk(b"D;20")
    assert not target.breakpoints


def test_a_stop_in_it_brings_it_back(talk, target):
    talk(b"Hgp10.0")
    talk(b"Z0,1005,1")
    talk(b"D;20")
    target.next = [(2, BreakpointHit(0x1005))]
    assert b"thread:p20.2" in talk(b"vCont;c")
    assert talk(b"qfThreadInfo") == b"mp10.1,p20.2"


def test_a_program_that_is_replaced_takes_its_breakpoints_along(talk, target):
    talk(b"Hgp20.0")
    talk(b"Z0,1800,1")
    target.next = [(2, Noted("exec", ""))]
    talk(b"vCont;c")
    assert not target.breakpoints


def test_a_child_that_is_let_go_is_seen_again_in_the_list(talk, target):
    target.bear()
    assert b"fork:p30.3;" in talk(b"vCont;c")
    assert talk(b"D;30") == b"OK"
    target.next = [(CHILD, Noted("exec", ""))]
    assert talk(b"vCont;c") is None  # it's not the client's now
    talk.session.receive(b"\x03")
    talk.replies()
    assert talk(b"qfThreadInfo") == b"mp10.1,p20.2,p30.3"
    target.next = [(CHILD, Noted("exec", ""))]
    assert b"exec:;" in talk(b"vCont;c")


def test_children_of_a_process_that_is_left_are_left(talk, target):
    talk(b"D;20")
    target.bear()
    assert talk(b"vCont;c") is None
    talk.session.receive(b"\x03")
    talk.replies()
    assert talk(b"qfThreadInfo") == b"mp10.1"


def test_a_number_that_is_given_again_is_another_process(talk, target):
    talk(b"D;20")
    del target.blocks[2]
    assert talk(b"qfThreadInfo") == b"mp10.1"
    target.blocks[2] = bytearray(target.blocks[1])
    assert talk(b"qfThreadInfo") == b"mp10.1,p20.2"


def test_all_can_be_left(talk, target):
    talk(b"D;20")
    talk(b"D;10")
    assert talk(b"qfThreadInfo") == b"l"
    assert talk(b"vCont;c") == b"E03"
    assert talk(b"g") == b"E03"


# Threads


def test_threads_are_told_as_long_as_the_client_wants(talk, target):
    assert talk(b"QThreadEvents:1") == b"OK"
    assert target.events == {"fork", "vfork", "exec", "exit", "thread"}
    target.next = [(2, Noted("create"))]
    assert talk(b"vCont;c").endswith(b"create:;")
    target.next = [(2, ThreadEnded(2, 0x20))]
    assert talk(b"vCont;c") == b"w00;p20.2"
    assert talk(b"QThreadEvents:0") == b"OK"
    assert target.events == {"fork", "vfork", "exec", "exit"}
    assert talk(b"QThreadEvents:2") == b"E16"


def test_in_non_stop_mode_the_end_of_a_thread_stops_nothing(talk, target):
    talk(b"QNonStop:1")
    talk(b"QThreadEvents:1")
    target.next = [(2, ThreadEnded(2, 0x20))]
    talk.session.receive(frame(b"vCont;c"))
    talk.session.advance()
    assert [reply.payload for reply in talk.replies()[1:]] == [b"Stop:w00;p20.2"]
    assert talk.session.running


def test_threads_of_a_process_that_was_left_are_not_told(talk, target):
    talk(b"QThreadEvents:1")
    talk(b"D;20")
    target.next = [(2, ThreadEnded(2, 0x20)), (2, Noted("create"))]
    talk.session.receive(frame(b"vCont;c"))
    talk.run(5)
    assert talk.replies() == []
