"""The life of processes under Debian's kernel, as the stub's target tells it: the same functions, by their names."""

import pytest

from gdbstub.stopreply import Forked, Noted, ProcessEnded
from gdbstub.target import CONTINUE
from ringscope.configuration import TASKS
from ringscope.serve import make_target
from tests.linux.debian import Debian

pytestmark = [pytest.mark.linux, pytest.mark.timeout(200)]

BUSYBOX = Noted("exec", b"/bin/busybox".hex())
MOST_SLICES = 300


@pytest.fixture(scope="module")
def debian(files_with_symbols):
    return Debian(files_with_symbols).shell()


def events(debian, line):
    """What a line for the shell makes happen, until nothing does for some time."""
    target = make_target(debian.guest, TASKS)
    target.watch_processes(("fork", "vfork", "exec", "exit"))
    debian.type(line)
    found = []
    while True:
        target.resume(dict.fromkeys(target.threads(), CONTINUE))
        stop = next(filter(None, (target.run_slice() for _ in range(MOST_SLICES))), None)
        if stop is None:
            target.client_detached()
            return found
        found.append(stop if isinstance(stop, ProcessEnded) else stop.reason)


def test_a_command_is_forked_executed_and_ends(debian):
    forked, executed, ended = events(debian, "sleep 0")
    assert isinstance(forked, Forked) and forked.way == "fork"
    assert executed == BUSYBOX
    assert ended == ProcessEnded(forked.child, 0)


def test_a_parent_waits_for_its_vforks_child(debian):
    found = events(debian, "time sleep 0")
    vfork = next(at for at, event in enumerate(found) if isinstance(event, Forked) and event.way == "vfork")
    assert vfork < found.index(Noted("vforkdone")) < len(found) - 1
    assert BUSYBOX in found[vfork:]


def test_a_signal_is_told(debian):
    *_, ended = events(debian, "sh -c 'kill -11 $$'")
    assert isinstance(ended, ProcessEnded) and ended.signal == 11
