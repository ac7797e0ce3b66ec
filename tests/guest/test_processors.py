"""The guest's kernel on a machine with several processors: it runs on the first, and the others wait for ever."""

from machine.limits import QUANTUM
from machine.stop import Exited
from ringscope.boot import power_on
from ringscope.configuration import Configuration


def test_the_others_are_never_started():
    console = bytearray()
    setup = Configuration(append="quiet init_action=poweroff /bin/threads", processors=(4, QUANTUM))
    machine = power_on(setup, console.extend).machine
    while (stop := machine.run()) is None:
        pass
    assert stop == Exited(0) and b"threads: all are gone" in console
    assert [processor.waiting for processor in machine.turns.processors] == [False, True, True, True]
