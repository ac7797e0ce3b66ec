"""The life of the kernel's processes as the stub's target tells it."""

import pytest

from gdbstub.stopreply import BreakpointHit, Forked, Noted, ProcessEnded, Stopped
from gdbstub.target import CONTINUE
from machine.stop import Breakpoint
from ringscope.boot import power_on
from ringscope.configuration import CPU, TASKS, Configuration
from ringscope.serve import make_target
from ringscope.signals import protocol_signal
from tests.guest.places import at_the_prompt

MOST_SLICES = 100
ALL = ("fork", "vfork", "exec", "exit")


def exec_of(path):
    return Noted("exec", path.encode().hex())


def events(target, most, wanted=ALL):
    """The next events with the threads that they happen to, until there are no more for some time."""
    target.watch_processes(wanted)
    while most:
        target.resume(dict.fromkeys(target.threads(), CONTINUE))
        stop = next(filter(None, (target.run_slice() for _ in range(MOST_SLICES))), None)
        if stop is None:
            return
        most -= 1
        yield (None, stop) if isinstance(stop, ProcessEnded) else (stop.thread, stop.reason)


def test_the_first_processes():
    target = make_target(power_on(Configuration(append="init_action=shell")), TASKS)
    assert list(events(target, 6)) == [
        (1, exec_of("/sbin/init")),
        (2, exec_of("/sbin/helper")),
        (None, ProcessEnded(2, 0)),
        (1, Forked("fork", 3)),
        (3, exec_of("/bin/sh")),
    ]


def test_a_program_stands_at_its_first_instruction():
    target = make_target(power_on(Configuration()), TASKS)
    ((_thread, _reason),) = events(target, 1)
    cpu = target.machine.cpu
    assert cpu.cpl == 3 and cpu.read_register("rip") < 1 << 47
    assert target.exec_file(1) == "/sbin/init"


def run_in_the_shell(guest, line, view=TASKS, wanted=ALL):
    target = make_target(guest, view)
    guest.lines.terminal.receive(f"{line}\n".encode())
    return [event for _, event in events(target, 8, wanted)]


def test_a_signal_ends_a_process():
    ended = ProcessEnded(4, 0, protocol_signal(11))
    assert run_in_the_shell(at_the_prompt(), "segv") == [Forked("fork", 4), exec_of("/bin/segv"), ended]


def test_only_what_is_watched_stops():
    assert run_in_the_shell(at_the_prompt(), "uname", wanted=("exit",)) == [ProcessEnded(4, 0)]
    assert run_in_the_shell(at_the_prompt(), "uname", wanted=()) == []


def test_processors_have_no_processes():
    assert run_in_the_shell(at_the_prompt(), "uname", view=CPU) == []


def test_nothing_stays_when_the_client_goes():
    guest = at_the_prompt()
    target = make_target(guest, TASKS)
    guest.lines.terminal.receive(b"uname\n")
    assert next(events(target, 1))[1] == Forked("fork", 4)
    target.client_detached()
    assert not guest.machine.cpu.breakpoints.addresses()
    assert isinstance(target.stop_state(), Stopped) and isinstance(target.stop_state().reason, BreakpointHit)
    assert isinstance(target.last, Breakpoint)


@pytest.mark.parametrize(
    ("linux", "protocol"),
    [(1, 1), (7, 10), (10, 30), (17, 20), (33, 45), (63, 75), (32, 77), (64, 78), (16, 143)],
)
def test_signals_have_the_protocols_numbers(linux, protocol):
    assert protocol_signal(linux) == protocol
