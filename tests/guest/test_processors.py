"""The guest's kernel on several processors: right answers by any quantum, the same run twice, and one end of all."""

import re
import time

import pytest

from machine.limits import QUANTUM
from machine.stop import Exited, Halted
from ringscope.boot import power_on
from ringscope.configuration import Configuration
from tests.guest.boot import POWER_OFF, on_qemu

TESTS = (
    "affinity affinity_is_inherited atomic_everywhere tlb_shootdown remap_under_another ldt_everywhere kill_the_other "
    "work_is_shared proc_knows_processors ksoftirqd_takes_over threads_share_memory vdso_others"
)
PROMPT = b"# "
SECONDS = 100


class Session:
    """A guest that is typed at; `console` is what it wrote."""

    def __init__(self, append="", *, cpus=2, quantum=QUANTUM, typed=(), entry=None):
        self.console = bytearray()
        setup = Configuration(append=f"loglevel=4 {append}", processors=(cpus, quantum), entry=entry)
        self.machine = power_on(setup, self.console.extend).machine
        self.typed = [f"{line}\r".encode() for line in typed]

    def run(self):
        """To its end, which it returns."""
        deadline = time.monotonic() + SECONDS
        while (stop := self.machine.run()) is None:
            assert time.monotonic() < deadline, f"no end after {SECONDS} s:\n{self.text}"
            if self.typed and self.console.endswith(PROMPT):
                self.machine.serial.receive(self.typed.pop(0))
        return stop

    @property
    def text(self):
        return self.console.replace(b"\r", b"").decode()


def passed(text):
    """How many usertests passed, if all did."""
    assert "FAIL" not in text, text
    found = re.search(r"usertests: (\d+) of \1 passed", text)
    assert found, text
    return int(found[1])


@pytest.mark.parametrize(
    ("cpus", "quantum", "append"),
    [(2, QUANTUM, ""), (4, QUANTUM, ""), (2, 3000, ""), (2, 100_000, "pti=on"), (2, QUANTUM, "la57 setcpuid=la57")],
)
def test_usertests(cpus, quantum, append):
    session = Session(append, cpus=cpus, quantum=quantum, typed=[f"usertests {TESTS}", "exit"])
    assert session.run() == Exited(POWER_OFF)
    assert passed(session.text) == len(TESTS.split())


@pytest.mark.qemu
@pytest.mark.parametrize("cpus", [2, 4])
def test_usertests_side_by_side(tmp_path, cpus):
    """In QEMU the processors run at the same time, as the host's threads."""
    run = on_qemu("", typed=[f"usertests {TESTS}".encode(), b"exit"], directory=tmp_path, cpus=cpus)
    assert passed(run.console) == len(TESTS.split())


@pytest.mark.parametrize("policy", ["cfs", "rr", "coop"])
def test_every_policy(policy):
    session = Session(f"sched={policy} init_action=poweroff /bin/threads", cpus=3)
    assert session.run() == Exited(POWER_OFF)
    assert "threads: all are gone" in session.text


def test_from_real_mode():
    session = Session("loglevel=7 init_action=poweroff", entry="real")
    assert session.run() == Exited(POWER_OFF)
    assert "smp: Brought up 1 node, 2 CPUs" in session.text


def end(**options):
    session = Session("init_action=poweroff /bin/threads /bin/hogs hogs=3 ms=20", **options)
    assert session.run() == Exited(POWER_OFF)
    machine = session.machine
    registers = [[cpu.read_register(name) for name in ("rip", "rsp", "eflags", "cr3")] for cpu in machine.cpus]
    return bytes(session.console), machine.position, registers, hash(machine.memory.read(0, machine.memory.size))


def test_the_same_run_twice():
    first = end()
    assert end() == first
    assert end(quantum=700)[1] != first[1]


@pytest.mark.parametrize("word", ["nosmp", "maxcpus=1", "maxcpus=0"])
def test_the_others_stay_asleep(word):
    session = Session(f"{word} init_action=poweroff /bin/threads", cpus=4)
    assert session.run() == Exited(POWER_OFF)
    assert [processor.waiting for processor in session.machine.turns.processors] == [False, True, True, True]


def test_a_panic_stops_all():
    session = Session("panic=0 init=/bin/segv")
    assert isinstance(session.run(), Halted)
    assert "end Kernel panic" in session.text
    assert all(cpu.halted for cpu in session.machine.cpus)
