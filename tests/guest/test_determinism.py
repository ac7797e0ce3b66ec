"""The kernel's run from power-on to power-off, however it is cut: one position, one console, one hash of all state."""

import contextlib
import hashlib
import random
import subprocess
import sys
from pathlib import Path

import pytest

from kernel.image import find_image
from kernel.symbols import Symbols
from machine import snapshot
from machine.boot.load import boot
from machine.branches import Branches
from machine.engine.choice import Engine
from machine.machine import Machine
from machine.probe import Probe
from machine.stop import Access, Breakpoint, Exited, Watchpoint
from machine.walk import NotMapped
from machine.watchpoints import Watch
from machine.x86.registers import GPR64

LONG = "init_action=poweroff panic=-1 /bin/forktest /bin/segv /bin/usertests"
BUSY = "init_action=poweroff panic=-1 /bin/forktest /bin/segv /bin/signals /bin/threads /bin/rings"
SHORT = "init_action=poweroff panic=-1 /bin/forktest /bin/segv /bin/int80"
PLACES = (
    "start_thread",
    "do_syscall_64",
    "entry_SYSCALL_64",
    "native_irq_return_iret",
    "native_sysret",
    "asm_exc_page_fault",
    "__switch_to",
    "do_timer",
    "schedule",
    "memset",
    "memcpy",
)


class Run:
    """One machine on its way; ``console`` is what it printed."""

    def __init__(self, line=LONG, engine=None):
        image = find_image()
        self.console = bytearray()
        self.machine = Machine(send=self.console.extend, engine=engine)
        initrd = image.initramfs.read_bytes()
        boot(self.machine, image.vmlinux.read_bytes(), initrd=initrd, command_line=line)
        symbols = Symbols.load(image.vmlinux)
        self.places = [found.address for found in map(symbols.lookup, PLACES) if found]
        self.current_task = symbols.lookup("current_task").address

    def finish(self):
        """Run to the end; what can be compared."""
        for _ in range(200_000):
            stop = self.machine.run()
            if isinstance(stop, Exited):
                break
            assert stop is None or isinstance(stop, Breakpoint | Watchpoint), stop
        else:
            raise AssertionError("the guest does not end")
        registers = [
            self.machine.cpu.read_register(name) for name in (*GPR64, "rip", "eflags", "cs", "ss", "cr2", "cr3")
        ]
        digest = hashlib.sha256(bytes(self.machine.memory.ram) + repr(registers).encode()).hexdigest()
        return stop, self.machine.position, self.machine.clock.now(), bytes(self.console), digest


@pytest.fixture(scope="module")
def plain():
    return Run().finish()


@pytest.fixture(scope="module")
def busy():
    """For runs with stops everywhere, which the long one has too many of."""
    return Run(BUSY).finish()


def test_the_run_is_a_whole_one(plain):
    stop, position, _, console, _ = plain
    assert stop == Exited(0)
    assert position.events > 100
    assert b"ucs = 0x33" in console and b"segfault" in console


def test_twice(plain):
    assert Run().finish() == plain


def test_the_clock_in_python():
    assert Run(SHORT, engine=Engine.PLAIN).finish() == Run(SHORT).finish()


@pytest.mark.parametrize("chunk", [511, 7919, 100_003])
def test_odd_chunks(plain, chunk):
    run = Run()
    while run.machine.position.progress < 1_000_000:
        run.machine.run(chunk)
    assert run.finish() == plain


def test_breakpoints_everywhere(busy):
    run = Run(BUSY)
    assert len(run.places) > 6
    for address in run.places:
        run.machine.cpu.breakpoints.insert(address)
    assert run.finish() == busy


def test_questions_everywhere(busy):
    """Conditions that read registers and memory, and never stop."""
    run, answers = Run(BUSY), []
    probe = Probe(run.machine.cpu)
    rax, stack = probe.reader("rax"), probe.reader("rsp")

    def when():
        probe.look()
        with contextlib.suppress(NotMapped):  # programs leave the stack pointer where nothing is, and fault
            answers.append(rax() ^ probe.load(stack(), 8))
        return False

    for address in run.places:
        run.machine.cpu.breakpoints.insert(address, when)
    run.machine.cpu.watchpoints.insert(Watch(Access.WRITE, run.current_task, 8), lambda: bool(answers.append(0)))
    assert run.finish() == busy
    assert len(answers) > 100


def test_a_watched_variable(plain):
    run = Run()
    run.machine.cpu.watchpoints.insert(Watch(Access.WRITE, run.current_task, 8))
    assert run.finish() == plain


def test_branches_are_recorded():
    """Both engines tell the same blocks, and the run is what it is without."""
    told, ends = [], [Run(SHORT).finish()]
    for engine in (Engine.FAST, Engine.PORTABLE):
        run = Run(SHORT, engine=engine)
        branches = Branches(run.machine)
        branches.start(1 << 16)
        ends.append(run.finish())
        told.append(branches.all())
    assert ends[0] == ends[1] == ends[2]
    assert len(told[0]) > 10_000 and told[0] == told[1]


def run_a_bit(run, choice):
    run.machine.run(choice.choice((1, 100, 3000, 40_000)))


def step_a_bit(run, choice):
    for _ in range(choice.randrange(1, 200)):
        run.machine.step()


def flush(run, choice):
    run.machine.cpu.uc.ctl_flush_tb()
    run.machine.cpu.write_register("cr3", run.machine.cpu.read_register("cr3"))


def arm(run, choice):
    run.machine.cpu.breakpoints.insert(choice.choice(run.places))


def disarm(run, choice):
    for address in run.machine.cpu.breakpoints.addresses():
        run.machine.cpu.breakpoints.remove(address)


def watch(run, choice):
    watchpoints = run.machine.cpu.watchpoints
    for watched in watchpoints.watches():
        watchpoints.remove(watched)
    if choice.random() < 0.3:
        watchpoints.insert(Watch(Access.WRITE, run.current_task, 8))


PIECES = (run_a_bit, run_a_bit, step_a_bit, flush, arm, disarm, watch)


@pytest.mark.parametrize("seed", range(4))
def test_random_routes(plain, seed):
    choice, run = random.Random(seed), Run()
    for _ in range(400):
        choice.choice(PIECES)(run, choice)
    assert run.finish() == plain


def test_steps_over_every_early_event(plain):
    """Bursts of single steps where exceptions and interrupts are delivered: a late one would show."""
    run, events = Run(), 0
    cpu = run.machine.cpu
    for _ in range(60):
        for _ in range(100_000):
            if cpu.events != events or isinstance(run.machine.run(1024), Exited):
                break
        for _ in range(20):
            run.machine.step()
        events = cpu.events
    assert run.finish() == plain


def hand_over(run, path):
    """Go on in another machine, from a file."""
    snapshot.save(run.machine, path)
    run.machine = Machine(send=run.console.extend)
    with snapshot.opened(path) as found:
        snapshot.load(run.machine, found)


def test_a_run_handed_from_machine_to_machine(plain, tmp_path):
    run, choice = Run(), random.Random(2)
    for _ in range(12):
        run_a_bit(run, choice)
        step_a_bit(run, choice)
        hand_over(run, tmp_path / "here")
        for _ in range(8):
            run.machine.run(60_000)
    assert run.finish() == plain


FRESH = """
import sys
from pathlib import Path
from machine import snapshot
from tests.guest.test_determinism import Run
run = Run()
with snapshot.opened(Path(sys.argv[1])) as found:
    snapshot.load(run.machine, found)
print(run.finish()[-1])
"""


def test_a_fresh_process_ends_the_same(plain, tmp_path):
    run = Run()
    while run.machine.position.progress < plain[1].progress // 2:
        run.machine.run(100_000)
    snapshot.save(run.machine, tmp_path / "here")
    words = [sys.executable, "-c", FRESH, str(tmp_path / "here")]
    ran = subprocess.run(words, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert ran.stdout.strip() == plain[-1]
