"""System calls of our kernel's programs as events: each entry has its return, and nothing in the guest changes."""

import pytest

from gdbstub.stopreply import Exited, Noted
from gdbstub.target import CONTINUE
from ringscope.boot import power_on
from ringscope.configuration import CPU, TASKS, Configuration
from ringscope.serve import make_target
from ringscope.systemcalls import IA32, MOST_RETURNS, common_number

READ, WRITE, GETPID, FORK, WAIT4, EXIT_GROUP = 0, 1, 39, 57, 61, 231


def booted(view=CPU, engine=None):
    guest = power_on(Configuration(append="init_action=poweroff forktest", engine=engine))
    return guest, make_target(guest, view)


def events(target, most=10_000):
    """Run to the end; what stopped it on the way."""
    while most:
        target.resume({target.threads()[0]: CONTINUE})
        while (reason := target.run_slice()) is None:
            pass
        if isinstance(reason, Exited):
            return
        yield reason
        most -= 1


@pytest.mark.parametrize("engine", ["fast", "portable"])
def test_every_call_returns_but_those_that_cannot(engine):
    _, target = booted(engine=engine)
    target.catch_system_calls(None)
    entered, returned = [], []
    for reason in events(target):
        assert isinstance(reason.reason, Noted)
        number = int(reason.reason.value, 16)
        if reason.reason.key == "syscall_entry":
            assert target.machine.cpu.read_register("rax") == number and target.machine.cpu.cpl == 0
            entered.append(number)
        else:
            assert target.machine.cpu.cpl == 3
            returned.append(number)
    assert {WRITE, FORK, WAIT4, EXIT_GROUP} <= set(entered)
    for number in (WRITE, READ, WAIT4):
        assert entered.count(number) == returned.count(number)
    assert EXIT_GROUP not in returned


def test_only_some_numbers():
    _, target = booted()
    target.catch_system_calls({WAIT4})
    assert {reason.reason.value for reason in events(target)} == {f"{WAIT4:x}"}


def test_nothing_is_caught_after_the_client():
    guest, target = booted()
    target.catch_system_calls(None)
    next(events(target))
    target.client_detached()
    assert not list(events(target)) and not guest.machine.cpu.breakpoints.addresses()


def test_the_run_is_the_same():
    plain, target = booted()
    assert not list(events(target))
    caught, target = booted()
    target.catch_system_calls(None)
    assert len(list(events(target))) > 20
    assert caught.machine.position == plain.machine.position


def test_tasks_are_named():
    _, target = booted(TASKS)
    target.catch_system_calls({WRITE})
    assert {1, 2} <= {reason.thread for reason in events(target)}


def test_calls_that_never_return_are_forgotten_in_time():
    guest, target = booted()
    target.catch_system_calls({EXIT_GROUP})
    for _ in events(target):
        pass
    assert len(guest.machine.cpu.breakpoints.addresses()) <= MOST_RETURNS + 2


@pytest.mark.parametrize("engine", ["fast", "portable"])
def test_the_old_way_into_the_kernel(engine):
    """`int $0x80` of ring 3, with i386's numbers: told by x86-64's. The kernel's own, from ring 0, is not told."""
    target = make_target(power_on(Configuration(append="init_action=poweroff /bin/int80", engine=engine)), CPU)
    target.catch_system_calls({WRITE, GETPID})
    cpu, old = target.machine.cpu, []
    for reason in events(target):
        number, key = int(reason.reason.value, 16), reason.reason.key
        rax = cpu.read_register("rax")
        if key == "syscall_entry" and rax != number:
            old.append((number, rax))
            where = cpu.linear_pc
        elif key == "syscall_return" and old and len(old[-1]) == 2:
            assert cpu.cpl == 3 and number == old[-1][0]
            old[-1] = (*old[-1], "back")
    assert old == [(WRITE, 4, "back"), (GETPID, 20, "back")]
    assert where != cpu.read_register("lstar")


def test_numbers_of_both_tables():
    assert common_number(4) == WRITE and common_number(119) == IA32 + 119  # sigreturn is i386's alone
