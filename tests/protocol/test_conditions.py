"""Conditions and commands at the target: the toy asks before it stops, prints on the way, and tells only true stops."""

import pytest

from gdbstub.agent.effects import MOST_AT_ONCE, MOST_TEXT, Console
from gdbstub.points import MOST_ASKING
from gdbstub.resident import Resident
from gdbstub.target import CONTINUE
from tests.protocol.expressions import BYTE_IS, RAX_IS, STORE, UNREADABLE, expression, printed, printing, rax
from tests.protocol.toy import RAX, REGISTERS, BareTarget, Conversation


@pytest.mark.parametrize("kind", [0, 1])
def test_a_breakpoint_stops_when_its_condition_holds(talk, target, kind):
    talk(b"qSupported:swbreak+;hwbreak+")
    assert talk(b"Z%d,%x,1;%s" % (kind, STORE, expression(RAX_IS.format(7)))) == b"OK"
    assert [b"swbreak", b"hwbreak"][kind] in talk(b"vCont;c:1")
    assert rax(target) == 7


def test_one_of_several_conditions_is_enough(talk, target):
    both = expression(RAX_IS.format(9)) + expression(RAX_IS.format(4))
    assert talk(b"Z0,%x,1;%s" % (STORE, both)) == b"OK"
    stops = []
    for _ in range(2):
        talk(b"vCont;c:1")
        stops.append(rax(target))
    assert stops == [4, 9]


def test_a_new_list_of_conditions_replaces_the_old_one(talk, target):
    for value in (3, 5):
        assert talk(b"Z0,%x,1;%s" % (STORE, expression(RAX_IS.format(value)))) == b"OK"
    talk(b"vCont;c:1")
    assert rax(target) == 5
    assert talk(b"Z0,%x,1" % STORE) == b"OK"
    talk(b"vCont;c:1")
    assert rax(target) == 6
    assert talk(b"z0,%x,1" % STORE) == b"OK"
    assert not target.breakpoints and not target.questions


@pytest.mark.parametrize(("kind", "word"), [(2, b"watch"), (3, b"rwatch"), (4, b"awatch")])
def test_watchpoints_with_conditions(talk, target, kind, word):
    assert talk(b"Z%d,2008,1;%s" % (kind, expression(BYTE_IS.format(6)))) == b"OK"
    assert word + b":2008;" in talk(b"vCont;c:1")
    assert target.memory[0x1008] == 6, "the access is done"
    assert talk(b"z%d,2008,1" % kind) == b"OK"
    assert not target.watchpoints and not target.questions


def test_an_unreadable_condition_stops_for_the_client_to_see(talk, target):
    assert talk(b"Z0,%x,1;%s" % (STORE, expression(UNREADABLE))) == b"OK"
    assert talk(b"vCont;c:1")[:3] == b"T05"
    assert rax(target) == 1


def test_a_step_range_does_not_end_at_a_false_condition(talk, target):
    talk(b"Z0,%x,1;%s" % (STORE, expression(RAX_IS.format(3))))
    talk(b"vCont;r1000,100b:1")
    assert (rax(target), talk.session.program_counter(1)) == (3, STORE)


def test_commands_print_and_do_not_stop(talk, target):
    stop = expression(RAX_IS.format(4))
    talk(b"Z0,%x,1;cmds:0,%s" % (STORE, printing("rax %d%%|", 0) + printing("%s\\n", 2)))
    target.memory[0x1100:0x1104] = b"abc\0"
    talk(b"P2=0021000000000000")
    talk(b"Z0,1007,1;" + stop)
    replies = talk.all(b"vCont;c:1")
    assert printed(replies) == b"rax 1%|abc\nrax 2%|abc\nrax 3%|abc\nrax 4%|abc\n"
    assert replies[-1][:3] == b"T05" and all(reply[:1] == b"O" for reply in replies[:-1])


def test_commands_run_only_where_a_condition_holds(talk, target):
    talk(b"Z1,%x,1;%s;cmds:0,%s" % (STORE, expression(RAX_IS.format(2)), printing("%c", 0)))
    talk(b"Z0,1007,1;" + expression(RAX_IS.format(5)))
    assert printed(talk.all(b"vCont;c:1")) == b"\x02"


def test_a_command_that_fails_is_told_once_and_the_target_runs_on(talk, target):
    talk(b"Z0,%x,1;cmds:0,%s" % (STORE, expression("2210 19 29 27")))
    talk(b"Z0,1007,1;" + expression(RAX_IS.format(2)))
    text = printed(talk.all(b"vCont;c:1"))
    assert text == b"a command at 0x1005 failed, which is told once: 0x10 is not mapped\n"
    target.set(1, RAX, 0)
    assert printed(talk.all(b"vCont;c:1")) == b"", "another run does not tell it again"
    talk.session.disarm()
    talk(b"Z0,%x,1;cmds:0,%s" % (STORE, expression("2210 19 29 27")))
    talk(b"Z0,1007,1;" + expression(RAX_IS.format(4)))
    assert b"told once" in printed(talk.all(b"vCont;c:1")), "another client has not heard of it"


def test_a_step_onto_a_command_runs_it_once(talk, target):
    talk(b"Z0,%x,1;cmds:0,%s" % (STORE, printing("%d ", 0)))
    steps = [talk.all(b"vCont;s:1") for _ in range(5)]
    assert [printed(replies) for replies in steps] == [b"", b"", b"1 ", b"", b""]
    assert [len(replies) for replies in steps] == [1, 1, 2, 1, 1]


def test_a_plain_breakpoint_beside_commands_stops(talk, target):
    talk(b"Z0,%x,1;cmds:0,%s" % (STORE, printing("%d ", 0)))
    talk(b"Z1,%x,1" % STORE)
    replies = talk.all(b"vCont;c:1")
    assert printed(replies) == b"1 " and replies[-1][:3] == b"T05"
    talk(b"z0,%x,1" % STORE)
    assert printed(talk.all(b"vCont;c:1")) == b"" and rax(target) == 2


# fmt: off
REFUSED = [
    (b"X3,2201",               "2 bytes of code where 3 were announced"),
    (b"X1,27",                 "the condition leaves no value"),
    (b"X2,3127",               "offset 0: there is no opcode 0x31"),
    (b"X1,22",                 "offset 0: const8 lacks its operand"),
    (b"X2,0227",               "offset 0: add needs 2 elements on the stack, there are 0"),
    (b"X3,22011bX4,22011b27",  "offset 2: ref_float"),
    (b"cmds:1,X2,3127",        "offset 0: there is no opcode 0x31"),
    (b"X4,22012727" * 2049,    "8196 bytes of code at one point; 8192 can be"),
]
# fmt: on


@pytest.mark.parametrize(("parameters", "text"), REFUSED, ids=lambda value: repr(value)[:20])
def test_what_cannot_be_evaluated_is_refused_and_nothing_is_armed(talk, target, parameters, text):
    talk(b"qSupported:error-message+")
    reply = talk(b"Z0,%x,1;%s" % (STORE, parameters))
    assert reply[:2] == b"E." and text in reply.decode()
    assert not target.breakpoints and not talk.session.points.software


@pytest.mark.parametrize("parameters", [b"Y3,220127", b"cmds:", b"cmds:x,X1,27", b"cmds:1", b"7"])
def test_parameters_that_cannot_be_read(talk, target, parameters):
    assert talk(b"Z0,%x,1;%s" % (STORE, parameters)) == b"E16"
    assert not target.breakpoints


def test_a_refused_replacement_leaves_the_old_condition(talk, target):
    talk(b"Z0,%x,1;%s" % (STORE, expression(RAX_IS.format(3))))
    assert talk(b"Z0,%x,1;X2,3127" % STORE) == b"E16"
    talk(b"vCont;c:1")
    assert rax(target) == 3


def test_a_target_that_cannot_ask_refuses_conditions():
    bare = Conversation(BareTarget())
    assert b"Condition" not in bare(b"qSupported")
    assert bare(b"Z0,1000,1;X3,220127") == b""


def test_persistent_commands_stay_and_their_text_waits_for_the_next_client(target):
    resident = Resident(target)
    first = Conversation(target, resident=resident)
    first(b"Z0,%x,1;cmds:1,%s" % (STORE, printing("%d ", 0)))
    first(b"Z0,1007,1;" + expression(RAX_IS.format(99)))
    first(b"Z2,2008,1")
    first.session.disarm()
    assert target.breakpoints == {STORE} and not target.watchpoints
    target.resume({1: CONTINUE})
    assert resident.run_slice() is None
    resident.idle()
    second = Conversation(target, resident=resident)
    target.interrupt()
    second(b"Z0,1000,1")
    text = printed(second.all(b"vCont;c:1"))
    assert text.startswith(b"1 2 3 ")
    second(b"z0,%x,1" % STORE)
    assert target.breakpoints == {0x1000}


def test_text_for_nobody_is_bounded():
    console = Console()
    for number in range(20000):
        console.print(b"line %d\n" % number)
        console.shorten()
    text = console.take()
    assert len(text) <= MOST_TEXT and text.startswith(b"line ") and text.endswith(b"line 19999\n")
    assert console.take() == b""


def test_registers_of_the_right_thread_are_asked(target):
    talk = Conversation(target)
    target.set(2, RAX, 40)
    talk(b"Z0,%x,1;%s" % (STORE, expression(RAX_IS.format(42))))
    assert b"thread:2" in talk(b"vCont;c")


def test_an_absent_register_stops(talk, target):
    talk(b"Z0,%x,1;%s" % (STORE, expression("26%04x 27" % (len(REGISTERS.slots) + 50))))
    assert talk(b"vCont;c:1")[:3] == b"T05"


def test_text_of_one_slice_is_bounded():
    console = Console()
    for _ in range(5000):
        console.print(b"x" * 1000)
    text = console.take()
    assert len(text) < MOST_AT_ONCE + 100 and text.endswith(b" bytes were too much at once)\n")


def test_points_that_ask_are_bounded(talk, target):
    talk(b"qSupported:error-message+")
    for address in range(MOST_ASKING):
        assert talk(b"Z0,%x,1;X3,220027" % address) == b"OK"
    assert b"1024 points are all" in talk(b"Z0,5000,1;X3,220027")
    assert b"1024 points are all" in talk(b"Z2,5000,1;X3,220027")
    assert talk(b"Z0,0,1;X3,220127") == b"OK" and talk(b"Z0,5000,1") == b"OK"
