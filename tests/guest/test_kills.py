"""A client's kill of one process of the guest: the guest's kernel sends the signal, as its own interrupts might."""

import pytest

from gdbstub.errors import TargetError
from gdbstub.stopreply import BreakpointHit
from gdbstub.target import CONTINUE, STEP
from kernel.tasks import for_each_process_thread
from ringscope.boot import power_on
from ringscope.configuration import TASKS, Configuration
from ringscope.kills import CLOBBERED, PLACES, Kills
from ringscope.serve import make_target
from tests.guest.places import INIT, SHELL, run_to, until_idle

SLICES = 200


class Prompt:
    """A shell in a shell, which waits for input."""

    def __init__(self):
        self.output = bytearray()
        self.guest = power_on(Configuration(append="init_action=shell"), self.output.extend)
        run_to(self.guest, "n_tty_read")
        self.type("sh")
        self.target = make_target(self.guest, TASKS)
        (self.process,) = self.pids() - {0, INIT, SHELL}

    def type(self, line):
        until_idle(self.guest)
        self.guest.lines.terminal.receive(f"{line}\n".encode())
        for _ in range(SLICES):
            self.guest.lines.take()
            assert self.guest.machine.run(1 << 14) is None
            self.guest.lines.flush()
        until_idle(self.guest)

    def pids(self):
        return {task.pid for task in for_each_process_thread(self.guest.running_kernel)}

    def go_on(self):
        """A client's continue; the stop, or None if there is none for some time."""
        self.target.resume(dict.fromkeys(self.target.threads(), CONTINUE))
        return next(filter(None, (self.target.run_slice() for _ in range(20))), None)

    def into_the_call(self):
        """A client's kill of the process, stopped while the guest sends the signal; where the call returns to."""
        inside = self.address("do_send_sig_info")
        self.target.insert_breakpoint(inside, 1)
        self.target.kill(self.process)
        assert self.go_on().reason == BreakpointHit(inside)
        self.target.remove_breakpoint(inside, 1)
        return self.address(PLACES[-1])

    def goes_on(self):
        """Without the process: the shell above takes a command."""
        assert self.go_on() is None and self.process not in self.pids()
        assert not self.guest.machine.cpu.breakpoints.addresses()
        seen = len(self.output)
        self.type("echo still here")
        assert b"\r\nstill here\r\n" in self.output[seen:]

    def address(self, name):
        return self.guest.symbols.lookup(name).address


@pytest.fixture
def prompt():
    return Prompt()


def test_a_process_ends_and_its_parent_knows(prompt):
    prompt.target.kill(prompt.process)
    assert prompt.process in prompt.pids(), "it ends as the guest runs"
    assert prompt.go_on() is None
    assert prompt.pids() == {0, INIT, SHELL}
    assert not prompt.guest.machine.cpu.breakpoints.addresses()
    prompt.target.resume({})
    assert not prompt.target._waiting, "nothing is left to be looked for at a stop"
    prompt.goes_on()


def test_the_registers_are_those_of_before(prompt, monkeypatch):
    """All that a call may change is put back where it was made."""
    machine, seen = prompt.guest.machine, []
    begin, act = Kills._begin, Kills.act

    def registers():
        return [machine.cpu.read_register(name) for name in CLOBBERED]

    def note(self, *task):
        seen.append(registers())
        begin(self, *task)
        assert registers() != seen[0]

    monkeypatch.setattr(Kills, "_begin", note)
    monkeypatch.setattr(Kills, "act", lambda self: act(self) and (seen.append(registers()) or True))
    prompt.target.kill(prompt.process)
    prompt.go_on()
    before, after = seen
    assert before == after


def test_breakpoints_in_the_call_and_where_it_is_made_are_met(prompt):
    place, inside = prompt.address(PLACES[-1]), prompt.address("do_send_sig_info")
    for address in (place, inside):
        prompt.target.insert_breakpoint(address, 1)
    prompt.target.kill(prompt.process)
    stops = [prompt.go_on().reason for _ in range(2)]
    assert stops == [BreakpointHit(inside), BreakpointHit(place)]
    assert prompt.guest.machine.cpu.read_register("rip") == place
    prompt.target.remove_breakpoint(place, 1)
    prompt.target.remove_breakpoint(inside, 1)
    assert prompt.go_on() is None and prompt.process not in prompt.pids()


def test_steps_out_of_the_call(prompt):
    place, cpu = prompt.into_the_call(), prompt.guest.machine.cpu
    while cpu.linear_pc != place:
        prompt.target.resume({prompt.target.stop_state().thread: STEP})
        assert prompt.target.run_slice() is not None
    prompt.goes_on()


def test_ctrl_c_where_the_call_returns(prompt):
    place, machine = prompt.into_the_call(), prompt.guest.machine
    while machine.cpu.linear_pc != place:
        machine.step()
    prompt.target.interrupt()
    prompt.goes_on()


def test_a_client_that_leaves_in_the_call(prompt):
    prompt.into_the_call()
    prompt.target.client_detached()
    prompt.target.client_attached()
    prompt.goes_on()


def test_another_kill_in_the_call(prompt):
    prompt.type("sh")
    prompt.process, other = sorted(prompt.pids() - {0, INIT, SHELL})
    prompt.into_the_call()
    prompt.target.kill(other)
    prompt.goes_on()
    assert prompt.pids() == {0, INIT, SHELL}


def test_a_snapshot_loaded_in_the_call(prompt, tmp_path, monkeypatch):
    """There the process lives, and can be killed."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    prompt.target.monitor("snapshot save before", print)
    prompt.into_the_call()
    prompt.target.monitor("snapshot load before", print)
    assert prompt.go_on() is None and prompt.process in prompt.pids()
    prompt.target.kill(prompt.process)
    prompt.goes_on()


def test_its_signal_stops_nobody(prompt):
    prompt.target.pass_signals(())
    prompt.target.kill(prompt.process)
    assert prompt.go_on() is None and prompt.process not in prompt.pids()


def test_two_at_once(prompt):
    prompt.type("sh")
    for process in (below := prompt.pids() - {0, INIT, SHELL}):
        prompt.target.kill(process)
    assert len(below) == 2 and prompt.go_on() is None
    assert prompt.pids() == {0, INIT, SHELL}


def test_one_that_has_ended_by_then(prompt):
    prompt.target.kill(prompt.process)
    for task in for_each_process_thread(prompt.guest.running_kernel):
        if task.pid == prompt.process:
            unlink(task.object)
    assert prompt.go_on() is None
    assert not prompt.guest.machine.cpu.breakpoints.addresses()


def unlink(task):
    """Out of the list of processes, as if it had been reaped."""
    entry = task.address_of("tasks")
    following, before = (task.kernel.number_at(entry + offset) for offset in (0, 8))
    task.kernel.memory.write(following + 8, before.to_bytes(8, "little"))
    task.kernel.memory.write(before, following.to_bytes(8, "little"))


def test_one_whose_list_is_broken_by_then(prompt):
    prompt.target.kill(prompt.process)
    tasks = prompt.guest.running_kernel.variable("init_task", "struct task_struct").address_of("tasks")
    prompt.guest.running_kernel.memory.write(tasks, (1 << 62).to_bytes(8, "little"))
    prompt.go_on()
    assert not prompt.guest.machine.cpu.breakpoints.addresses()


def test_the_same_run_twice(monkeypatch):
    """It is sent at the same position, and takes the kernel as long."""
    positions, act = [], Kills.act

    def note(self):
        positions.append(self._machine.position)
        return act(self)

    monkeypatch.setattr(Kills, "act", note)
    for _ in range(2):
        prompt = Prompt()
        prompt.target.kill(prompt.process)
        prompt.go_on()
    assert len(positions) == 4 and positions[:2] == positions[2:]


def test_what_cannot_be_killed_is_told(prompt, monkeypatch):
    with pytest.raises(TargetError, match="process 1 cannot be killed: it is the kernel's first, which may not end"):
        prompt.target.kill(INIT)
    with pytest.raises(TargetError, match="there is no process 77"):
        prompt.target.kill(77)
    monkeypatch.setattr("ringscope.kills.PLACES", ("no_such_place",))
    with pytest.raises(TargetError, match=r"process 3 cannot be killed: .* no symbol 'no_such_place'"):
        prompt.target.kill(SHELL)


def test_a_machine_that_is_off_has_no_processes_left(prompt):
    prompt.target.kill()
    prompt.target.kill(prompt.process)
    assert not prompt.guest.machine.cpu.breakpoints.addresses()


def test_what_was_wanted_is_forgotten_as_the_machine_begins_anew(prompt):
    prompt.target.kill(prompt.process)
    prompt.target.restart()
    prompt.go_on()
    assert not prompt.guest.machine.cpu.breakpoints.addresses()
