"""Non-stop mode with the toy: threads stop one by one, stops are notified, and one clock stands for all."""

import pytest

from gdbstub.session import Ending
from gdbstub.wire import Notification, frame
from tests.protocol.expressions import RAX_IS, STORE, expression, printed, printing
from tests.protocol.toy import RIP, BareTarget, Conversation

RUN_ON = b"vCont;c"


@pytest.fixture
def talk(target):
    talk = Conversation(target)
    assert b"QNonStop+" in talk(b"qSupported:swbreak+;hwbreak+").split(b";")
    assert talk(b"QNonStop:1") == b"OK"
    return talk


def send(talk, packet):
    """Send without running the target; every answer."""
    talk.session.receive(frame(packet, run_lengths=False))
    return talk.replies()


def stops(replies):
    """The beginnings of the stops that were notified."""
    return [reply.payload[:17].removeprefix(b"Stop:") for reply in replies if isinstance(reply, Notification)]


def test_the_client_finds_one_thread_stopped(talk):
    assert talk(b"?").startswith(b"T05thread:1;")
    assert talk(b"vStopped") == b"OK"
    assert talk(b"vStopped") == b"OK", "nothing is left to acknowledge"
    assert not talk.session.running


def test_a_target_that_runs_has_no_stop_to_tell(talk):
    assert send(talk, RUN_ON) == [b"OK"]
    assert send(talk, b"?") == [b"OK"]


def test_a_resumption_is_answered_at_once_and_its_stop_notified(talk):
    assert talk(b"Z0,%x,1" % STORE) == b"OK"
    assert send(talk, b"vCont;c:1") == [b"OK"]
    assert talk.session.running
    talk.run()
    (stop,) = talk.replies()
    assert stop.payload.startswith(b"Stop:T05thread:") and stop.payload.endswith(b"swbreak:;")
    assert talk(b"vStopped") == b"OK"


def test_a_thread_is_stopped_without_a_signal(talk):
    send(talk, RUN_ON)
    assert stops(send(talk, b"vCont;t:2")) == [b"T00thread:2;"]
    assert not talk.session.running
    assert send(talk, b"vCont;t:2") == [b"OK"], "it is stopped already"


def test_the_clock_stands_while_a_thread_is_stopped(talk, target):
    send(talk, RUN_ON)
    send(talk, b"vCont;t:1")
    send(talk, b"vStopped")
    send(talk, b"vCont;t:2")
    send(talk, b"vStopped")
    assert send(talk, b"vCont;c:1") == [b"OK"] and not talk.session.running
    assert send(talk, b"vCont;c:2") == [b"OK"] and talk.session.running
    assert target.log[-1][0] == "resume" and set(target.log[-1][1]) == {1, 2}


def test_a_step_runs_beside_stopped_threads(talk, target):
    send(talk, b"vCont;t:2")
    send(talk, b"vStopped")
    assert stops(talk.all(b"vCont;s:1")) == [b"T05thread:1;"]
    assert target.get(1, RIP) == 0x1001 and target.get(2, RIP) == 0x1000


def test_stops_are_told_one_after_another(talk):
    send(talk, RUN_ON)
    assert stops(send(talk, b"vCont;t")) == [b"T00thread:1;"]
    assert send(talk, RUN_ON) == [b"OK"] and not talk.session.running, "what was not heard of goes not on"
    assert send(talk, b"vStopped")[0].startswith(b"T00thread:2;")
    assert send(talk, b"vStopped") == [b"OK"]
    assert send(talk, RUN_ON) == [b"OK"] and talk.session.running


def test_a_stop_waits_for_the_acknowledgement_of_another(talk):
    send(talk, RUN_ON)
    assert len(stops(send(talk, b"vCont;t:1"))) == 1
    assert send(talk, b"vCont;t:2") == [b"OK"]
    assert send(talk, b"vStopped")[0].startswith(b"T00thread:2;")


def test_why_is_told_of_all_stopped_threads(talk):
    send(talk, b"vCont;t")
    assert send(talk, b"?")[0].startswith(b"T05thread:1;")
    assert send(talk, b"vStopped")[0].startswith(b"T00thread:2;")
    assert send(talk, b"vStopped") == [b"OK"]


@pytest.mark.parametrize("way", [frame(b"vCtrlC"), b"\x03"])
def test_an_interrupt_stops_the_current_thread(talk, way):
    send(talk, RUN_ON)
    talk.session.receive(way)
    replies = talk.replies()
    assert stops(replies) == [b"T02thread:1;"] and not talk.session.running


def test_an_interrupt_stops_a_thread_that_waits(talk):
    send(talk, b"vCont;t:2")
    send(talk, b"vStopped")
    send(talk, b"vCont;c:1")
    assert not talk.session.running
    assert stops(send(talk, b"vCtrlC")) == [b"T02thread:1;"]
    send(talk, b"vStopped")
    assert send(talk, b"vCtrlC") == [b"OK"], "there is nothing to interrupt"


def test_questions_are_answered_while_the_target_runs(talk):
    send(talk, RUN_ON)
    assert send(talk, b"m1000,2") == [b"9090"]
    assert send(talk, b"Z0,1100,1") == [b"OK"]
    assert send(talk, b"qXfer:threads:read::0,1000")[0].startswith(b"l<?xml")
    assert send(talk, b"qRcmd,68656c6c6f") == [b"E10"], "commands may move the target"
    assert talk.session.running


def test_commands_that_only_look_are_run_meanwhile(target):
    target.only_looks = lambda command: command == "hello"
    talk = Conversation(target)
    talk(b"QNonStop:1")
    send(talk, RUN_ON)
    assert printed(send(talk, b"qRcmd,68656c6c6f")[:-1]) == b"hello, world\n"
    assert send(talk, b"qRcmd," + b"reset".hex().encode()) == [b"E10"]
    assert talk.session.running


def test_a_breakpoint_set_while_it_runs_stops(talk):
    send(talk, RUN_ON)
    talk.session.advance()
    send(talk, b"Z0,%x,1" % STORE)
    talk.run()
    assert len(stops(talk.replies())) == 1


def test_a_thread_that_has_ended_is_told_to_have(talk):
    send(talk, RUN_ON)
    assert stops(send(talk, b"vCont;t:7")) == [b"w00;7"]
    assert send(talk, b"vStopped") == [b"OK"]
    assert talk.session.running, "no thread is stopped"


def test_the_end_is_notified(talk, target):
    target.set(1, RIP, 0x1200)
    assert stops(talk.all(RUN_ON)) == [b"W00"]
    assert send(talk, b"vCont;t:1")[0] == b"OK" and not talk.session.running


def test_a_range_step_ends_at_the_range(talk, target):
    talk.all(b"vCont;r1000,1005:1")
    assert target.get(1, RIP) == 0x1005


def test_texts_wait_for_a_command(talk):
    send(talk, b"Z0,%x,1;cmds:0,%s" % (STORE, printing("hit %d", 0)))
    send(talk, b"Z0,1007,1;" + expression(RAX_IS.format(2)))
    assert printed([reply for reply in talk.all(RUN_ON) if isinstance(reply, bytes)]) == b""
    send(talk, b"vStopped")
    assert b"hit" in printed(talk.all(b"qRcmd,68656c6c6f"))


def test_only_vcont_resumes(talk):
    assert talk(b"c") == talk(b"s") == b"E16"


def test_all_stop_is_chosen_again(talk):
    send(talk, RUN_ON)
    assert send(talk, b"QNonStop:0") == [b"OK"]
    assert not talk.session.running
    assert talk(b"vCont;t") == b"E16"
    assert talk(b"vCont;s:1").startswith(b"T05")


def test_leaving_ends_it(talk):
    send(talk, RUN_ON)
    assert send(talk, b"D") == [b"OK"]
    assert talk.session.ended is Ending.DETACHED


def test_a_target_of_few_powers_has_it_too():
    talk = Conversation(BareTarget())
    assert talk(b"QNonStop:1") == b"OK"
    assert stops(talk.all(b"vCont;s:1"))[0].startswith(b"T05thread:1;")
