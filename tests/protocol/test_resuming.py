"""Going on and stopping: actions, breakpoints and watchpoints that are blamed, ends and restarts."""

import errno
from dataclasses import replace

import pytest

from gdbstub.errors import TargetError
from gdbstub.stopreply import Exited, Noted, Stopped, Terminated, WatchKind, WatchpointHit
from gdbstub.target import CONTINUE, STEP, Action
from gdbstub.wire import frame
from tests.protocol.replies import HERE, STEPPED, STOP
from tests.protocol.toy import REGISTERS, Conversation, ToyTarget


@pytest.mark.parametrize(
    ("packet", "chosen", "actions"),
    [
        (b"c", None, {1: CONTINUE, 2: CONTINUE}),
        (b"s", None, {1: STEP, 2: CONTINUE}),
        (b"s", b"Hc2", {2: STEP}),
        (b"C0b", b"Hc1", {1: Action(signal=11)}),
        (b"vCont;s:2", None, {2: STEP}),
        (b"vCont;s:2;c", None, {1: CONTINUE, 2: STEP}),
        (b"vCont;C02:2;s:1;c", None, {1: STEP, 2: Action(signal=2)}),
        (b"vCont;c;s:1", None, {1: CONTINUE, 2: CONTINUE}),
        (b"vCont;r1000,1001:1;c", None, {1: STEP, 2: CONTINUE}),
    ],
)
def test_actions_reach_the_target(talk, target, packet, chosen, actions):
    if chosen:
        assert talk(chosen) == b"OK"
    talk.session.receive(frame(packet))
    assert target.log[-1] == ("resume", actions)


@pytest.mark.parametrize(
    ("features", "insert", "reason"),
    [
        (b"swbreak+;hwbreak+", b"Z0,1007,1", b"swbreak:;"),
        (b"swbreak+;hwbreak+", b"Z1,1007,1", b"hwbreak:;"),
        (b"swbreak-;hwbreak+", b"Z0,1007,1", b""),
        (b"", b"Z0,1007,1", b""),
        (b"", b"Z1,1007,1", b""),
        (b"swbreak+", b"Z1,1007,1", b""),
    ],
)
def test_breakpoints_are_blamed_as_they_were_set(talk, features, insert, reason):
    talk(b"qSupported:" + features)
    assert talk(insert) == b"OK"
    reply = talk(b"vCont;c:1")
    assert reply == b"T05thread:1;core:0;" + HERE.replace(b"10:00", b"10:07") + reason


def test_a_breakpoint_of_another_is_not_blamed(talk, target):
    talk(b"qSupported:swbreak+;hwbreak+")
    target.insert_breakpoint(0x1007, 1)
    assert talk(b"vCont;c:1").endswith(b"11:00000000;")


def test_both_sorts_of_breakpoint_share_an_address(talk, target):
    for packet in (b"Z0,1007,1", b"Z1,1007,1", b"Z0,1007,1", b"z0,1007,1", b"z0,1007,1"):
        assert talk(packet) == b"OK"
    assert target.breakpoints == {0x1007}
    assert talk(b"z1,1007,1") == b"OK"
    assert target.breakpoints == set()


@pytest.mark.parametrize(
    ("insert", "reason", "pc"),
    [(b"Z2", b"watch:2008;", b"10:07"), (b"Z3", b"rwatch:2008;", b"10:09"), (b"Z4", b"awatch:2008;", b"10:07")],
)
def test_watchpoints_tell_their_address(talk, insert, reason, pc):
    assert talk(insert + b",2006,4") == b"OK"
    assert talk(b"vCont;c:1") == b"T05thread:1;core:0;" + HERE.replace(b"10:00", pc) + reason
    assert talk(insert.lower() + b",2006,4") == b"OK"


def test_a_watchpoint_of_another_is_not_blamed(talk, target):
    target.run_slice = lambda: target.stopped(1, WatchpointHit(WatchKind.WRITE, 0x2008))
    assert talk(b"c") == STOP


def test_a_range_step_ends_at_a_breakpoint(talk):
    talk(b"Z0,1002,1")
    assert talk(b"vCont;r1000,1007:1").startswith(b"T05thread:1;core:0;10:02")


def test_a_long_range_step_hears_an_interrupt(talk):
    talk.session.receive(frame(b"vCont;r1000,1100:1"))
    talk.session.advance()
    assert talk.session.running
    talk.session.receive(b"\x03")
    assert [reply[:3] for reply in talk.replies()] == [b"T02"]


@pytest.mark.parametrize(
    ("stop", "reply"),
    [
        (Exited(3), b"W03"),
        (Terminated(9), b"X09"),
        (Stopped(5, 2), b"T05thread:2;" + HERE),
        (Stopped(5, 1, Noted("replaylog", "end")), b"T05thread:1;" + HERE + b"replaylog:end;"),
    ],
)
def test_stop_replies(target, stop, reply):
    target.stop = stop
    assert Conversation(target)(b"?") == reply


def test_what_has_ended_does_not_go_on(talk):
    assert talk(b"c1200") == b"W00"
    assert talk(b"c") == b"E03"
    assert talk(b"?") == b"W00"
    assert talk(b"m1200,1") == b"f4"


def test_absent_registers_are_not_expedited(target):
    target.unknown_registers = lambda thread: [slot.number for slot in target.registers.slots]
    assert Conversation(target)(b"?") == b"T05thread:1;core:0;"


def test_a_description_may_name_no_program_counter():
    target = ToyTarget()
    target.registers = replace(REGISTERS, pc=None)
    talk = Conversation(target)
    assert talk(b"vCont?") == b"vCont;c;C;s;S;t"
    assert talk(b"vCont;r1000,1005:1") == b"E5f"
    assert talk(b"s1000") == b"E5f"
    assert talk(b"s") == STEPPED


def test_registers_that_fail_are_not_expedited(target):
    def fail(*_):
        raise TargetError(errno.EIO, "gone")

    target.read_registers = target.read_register = fail
    assert Conversation(target)(b"?") == b"T05thread:1;core:0;"


def test_kill_and_restart_reach_the_target(talk, target):
    assert talk(b"s") == STEPPED
    assert talk(b"R00") is None
    assert talk(b"?").replace(b"core:0;", b"") == STOP.replace(b"core:0;", b"")
    assert talk(b"k") is None
    assert target.log[-2:] == [("restart",), ("kill",)]


def test_a_command_may_move_the_target(talk):
    talk(b"s")
    talk.all(b"qRcmd,%s" % b"reset".hex().encode())
    assert talk(b"?").startswith(b"T05thread:1;10:0010")
