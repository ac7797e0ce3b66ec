"""Positions: every stop has one exact name, and another machine gets there by another way, with the same state."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machine.engine.choice import Engine
from machine.engine.proof import refusal
from machine.errors import Error
from machine.positions import Goal, Position, parse_goal
from machine.stop import Arrived, Breakpoint, Exited, Halted, Interrupted
from tests.machine.bare import EXIT, KERNEL, Bare
from tests.machine.test_determinism import PLACES, make
from tests.routes import chart, go, meet

SECONDS = 2
"""Host time that each fuzzer takes."""


# Goals


@given(st.integers(0, 1 << 62), st.none() | st.integers(0, 1 << 62))
def test_a_goal_is_read_as_it_is_printed(progress, events):
    goal = Goal(progress, events)
    assert parse_goal(str(goal)) == goal
    if events is not None:
        assert str(Position(progress, events)) == str(goal)


def test_underscores_and_blanks_are_read():
    assert parse_goal(" 1_000_000,2_0 ") == Goal(1_000_000, 20)


@pytest.mark.parametrize("text", ["", "x", "-1", "1,", ",1", "1,2,3", "1.5", "_", "1__0", "0x10", "٣", str(1 << 63)])
def test_what_is_no_position_is_named(text):
    with pytest.raises(Error, match="is no position") as error:
        parse_goal(text)
    assert repr(text) in str(error.value)


# Arriving


def test_a_goal_between_two_instructions_stops_at_the_next_boundary():
    code = "nop; movl $1, %eax; nop; nop; "  # boundaries at 0, 1, 6, 7, 8
    for progress, expected in ((0, 0), (1, 1), (2, 6), (5, 6), (6, 6), (7, 7)):
        guest = Bare().kernel(code + EXIT)
        assert go(guest.machine, Goal(progress)) == Arrived()
        assert guest.machine.position == Position(expected, 0)
        assert guest.rip == KERNEL + expected


def test_every_place_of_a_block_that_runs_over_its_page():
    """With an instruction across the boundary, and a bit test, which is run alone, on either side."""
    adds = "addl $0x11111111, %ebx; adcq %rbx, %rcx; "
    code = (
        f"jmp 1f; .org 0xfd3; 1: {adds * 2} btq $3, %rbx; {adds * 3} btq $3, %rbx; {adds * 4} pushfq; popq %rax; {EXIT}"
    )
    walked = Bare().kernel(code)
    while walked.machine.position.progress < 90:
        walked.step()
        guest = Bare().kernel(code)
        assert go(guest.machine, Goal(walked.machine.position.progress)) == Arrived()
        assert (guest.machine.position, guest.digest()) == (walked.machine.position, walked.digest())


def test_events_pick_among_positions_of_equal_progress():
    """INT: before it, in its handler, which is an invalid opcode, and in that one's."""
    for events, rip in ((None, KERNEL + 1), (0, KERNEL + 1), (1, KERNEL + 0x800), (2, KERNEL + 0x900)):
        guest = Bare().kernel("nop; ud2; .org 0x800; movl %ss:0xffffffff90000000, %eax; .org 0x900; " + EXIT)
        guest.gate(6, KERNEL + 0x800)
        guest.gate(14, KERNEL + 0x900)
        assert go(guest.machine, Goal(1, events)) == Arrived()
        assert (guest.machine.position, guest.rip) == (Position(1, events or 0), rip)


def test_a_goal_behind_a_jump_to_a_missing_page_is_before_its_fault():
    guest = Bare().kernel("movl $0x302, %eax; jmp *%rax; .org 0x800; " + EXIT)
    guest.map(0, 0)
    guest.gate(14, KERNEL + 0x800)
    assert go(guest.machine, Goal(7)) == Arrived()
    assert (guest.machine.position, guest.rip, guest.reg("cr2")) == (Position(7, 0), 0x302, 0)
    assert go(guest.machine, Goal(7, 1)) == Arrived()
    assert (guest.machine.position, guest.rip, guest.reg("cr2")) == (Position(7, 1), KERNEL + 0x800, 0x302)


def test_more_events_than_there_are_end_at_the_next_boundary():
    guest = Bare().kernel("nop; nop; " + EXIT)
    assert go(guest.machine, Goal(1, 5)) == Arrived()
    assert guest.machine.position == Position(2, 0)


def test_the_past_is_refused_in_words():
    guest = Bare().kernel("nop; ud2; .org 0x800; nop; " + EXIT)
    guest.gate(6, KERNEL + 0x800)
    guest.step(2)
    for goal in (Goal(0), Goal(0, 7), Goal(1, 0)):
        with pytest.raises(Error, match=f"{goal} is behind: the machine is at 1,1, and it cannot go back"):
            guest.machine.run_to(goal)
    assert guest.machine.run_to(Goal(1)) == guest.machine.run_to(Goal(1, 1)) == Arrived()


def test_what_stops_the_run_before_is_told():
    guest = Bare().kernel("nop; nop; nop; " + EXIT)
    guest.cpu.breakpoints.insert(KERNEL + 1)
    assert go(guest.machine, Goal(3)) == Breakpoint(KERNEL + 1)
    guest.cpu.breakpoints.insert(KERNEL + 2)
    assert go(guest.machine, Goal(3)) == Breakpoint(KERNEL + 2), "also right before the goal"
    assert go(guest.machine, Goal(3)) == Arrived()
    assert go(guest.machine, Goal(1 << 40)) == Exited(0)
    assert go(Bare().kernel("cli; hlt").machine, Goal(1 << 40)) == Halted(KERNEL + 2)


def test_a_breakpoint_at_the_goal_has_been_told():
    guest = Bare().kernel("nop; nop; " + EXIT)
    guest.cpu.breakpoints.insert(KERNEL + 1)
    assert go(guest.machine, Goal(1)) == Arrived()
    assert guest.run() == Exited(0)


def test_it_can_be_interrupted():
    guest = Bare().kernel("1: jmp 1b")
    guest.machine.interrupt()
    assert go(guest.machine, Goal(1 << 40)) == Interrupted()


# The route fuzzer


@pytest.mark.parametrize("kind", ["periodic", "one-shot"])
@pytest.mark.parametrize("other", Engine)
def test_two_machines_meet_by_different_ways(kind, other):
    if other is Engine.FAST and (reason := refusal()):
        pytest.skip(reason)
    events, end = chart(make(kind).machine, 97)

    def make_other():
        return make(kind, engine=other).machine

    assert meet(lambda: make(kind).machine, make_other, events, end, PLACES, SECONDS, farthest=4000) > 10
