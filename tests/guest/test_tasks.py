"""The kernel's tasks as our own structures show them, and as the stub's threads; a guest whose lists are broken."""

import pytest

from gdbstub.errors import TargetError
from gdbstub.target import Action
from kernel.errors import SymbolsError, UnreadableError
from kernel.objects import for_each_entry
from kernel.saved import is_preempted, saved_registers, user_registers
from kernel.tasks import current_task, for_each_process_thread, task_state_to_char
from machine import stop
from ringscope.boot import power_on
from ringscope.configuration import TASKS, Configuration
from ringscope.layout import REGISTERS
from ringscope.serve import make_target
from ringscope.views import IDLE_TASK, KERNEL_PROCESS

INIT, SHELL = 1, 3


def run_to(guest, name, *, hits=1):
    address = guest.symbols.lookup(name).address
    guest.machine.cpu.breakpoints.insert(address)
    while hits:
        hits -= isinstance(guest.machine.run(), stop.Breakpoint)
    guest.machine.cpu.breakpoints.remove(address)


def at_the_prompt():
    """The shell waits for input, init for the shell."""
    guest = power_on(Configuration(append="init_action=shell"))
    run_to(guest, "n_tty_read")
    while current_task(guest.running_kernel).pid:
        assert guest.machine.run(1 << 14) is None
    return guest


@pytest.fixture
def guest():
    return at_the_prompt()


@pytest.fixture
def kernel(guest):
    return guest.running_kernel


def tasks(kernel):
    return {task.pid: task for task in for_each_process_thread(kernel)}


def test_every_task_is_found(kernel):
    found = tasks(kernel)
    assert {pid: (task.comm, task.letter) for pid, task in found.items()} == {
        0: ("swapper", "I"),
        INIT: ("init", "S"),
        SHELL: ("sh", "S"),
    }
    assert current_task(kernel).pid == 0 and found[0].is_kernel_thread
    assert found[SHELL].parent == INIT
    assert found[0].page_table is None
    assert found[INIT].page_table != found[SHELL].page_table


@pytest.mark.parametrize(
    ("state", "letter"),
    list(zip((0, 1, 2, 4, 8, 0x10, 0x20, 0x40, 0x402, 0x102), "RSDTtXZPID", strict=True)),
)
def test_states_have_letters(state, letter):
    assert task_state_to_char(state) == letter


def test_a_sleeping_task_goes_on_in_the_kernel(guest, kernel):
    saved = saved_registers(tasks(kernel)[SHELL])
    assert not saved.in_user
    assert guest.symbols.nearest(saved.values["rip"])[0].name == "context_switch"
    assert user_registers(tasks(kernel)[SHELL]).values["orig_rax"] == 0  # read


def test_a_new_task_goes_on_in_ring_3(kernel, guest):
    guest = power_on(Configuration())
    run_to(guest, "wake_up_new_task", hits=3)
    while len(found := tasks(guest.running_kernel)) < 3:
        guest.machine.step()
    child = found[max(found)]
    while not is_preempted(child):
        guest.machine.step()
        child = tasks(guest.running_kernel)[child.pid]
    saved = saved_registers(child)
    assert saved.in_user and saved.values["cs"] == 0x33 and saved.values["rax"] == 0
    assert saved.values["rip"] < 1 << 47


def test_a_list_that_leads_nowhere_or_round_is_said(kernel):
    head = kernel.variable("init_task", "struct task_struct").address_of("tasks")
    first = kernel.number_at(head)
    for link, message in ((0x1234, "kernel memory at 0x1234"), (first, "not back to its head")):
        kernel.memory.write(first, link.to_bytes(8, "little"))
        with pytest.raises(UnreadableError, match=message):
            list(for_each_entry(kernel, head, "struct task_struct", "tasks"))


def test_before_the_kernel_runs_there_is_nothing_to_read():
    guest = power_on(Configuration())
    with pytest.raises(UnreadableError, match="not in long mode"):
        current_task(guest.running_kernel)


def test_a_kernel_without_symbols_has_no_tasks(guest):
    import dataclasses

    bare = dataclasses.replace(guest, symbols_file=None)
    with pytest.raises(SymbolsError, match="has no symbols"):
        make_target(bare, TASKS)


# As the stub shows them


@pytest.fixture
def target(guest):
    return make_target(guest, TASKS)


def register(target, thread, name):
    data = target.read_register(thread, REGISTERS.by_name[name].number)
    return None if data is None else int.from_bytes(data, "little")


def test_threads_are_tasks(target):
    assert list(target.threads()) == [IDLE_TASK, INIT, SHELL]
    assert [target.process_of(thread) for thread in target.threads()] == [KERNEL_PROCESS, INIT, SHELL]
    info = target.thread_info(SHELL)
    assert (info.name, info.core, info.details) == ("sh", None, "pid 3, sleeping")
    assert target.thread_info(IDLE_TASK).details.startswith("pid 0, running, ")
    assert target.stop_state().thread == IDLE_TASK


def test_registers_of_those_that_do_not_run(target, guest):
    cpu = guest.machine.cpu
    assert register(target, SHELL, "cr3") != register(target, INIT, "cr3")
    assert register(target, SHELL, "cr0") == cpu.read_register("cr0")
    assert register(target, SHELL, "rax") is None
    assert REGISTERS.by_name["rax"].number in target.unknown_registers(SHELL)
    assert target.unknown_registers(IDLE_TASK) == ()
    block = target.read_registers(SHELL)
    slot = REGISTERS.by_name["rip"]
    assert int.from_bytes(block[slot.offset : slot.offset + 8], "little") == register(target, SHELL, "rip")


def test_writing_a_saved_register(target, guest):
    target.write_register(SHELL, REGISTERS.by_name["r12"].number, (0x1234).to_bytes(8, "little"))
    assert register(target, SHELL, "r12") == 0x1234
    with pytest.raises(TargetError, match="rax of a task that does not run"):
        target.write_register(SHELL, REGISTERS.by_name["rax"].number, bytes(8))


def test_memory_is_the_tasks_own(target):
    seen = {}
    for thread in (INIT, SHELL):
        target.select_thread(thread)
        seen[thread] = target.read_memory(0x401000, 64)
    assert seen[INIT] != seen[SHELL]
    target.select_thread(SHELL)
    target.write_memory(0x401000, b"\xaa")
    target.select_thread(INIT)
    assert target.read_memory(0x401000, 1) == seen[INIT][:1]


def settle(target):
    for _ in range(10_000):
        if (reason := target.run_slice()) is not None:
            return reason
    raise AssertionError("no stop")


def test_a_step_of_a_sleeping_task_waits_for_it(target, guest):
    before = register(target, SHELL, "rip")
    target.resume({SHELL: Action(step=True)})
    assert target.run_slice() is None
    guest.machine.serial.receive(b"echo\r")
    reason = settle(target)
    assert reason.thread == SHELL and target.view.running() == SHELL
    assert 0 < register(target, SHELL, "rip") - before < 16
    assert not guest.machine.cpu.breakpoints.addresses()


def test_an_interrupt_ends_a_waiting_step(target, guest):
    target.resume({SHELL: Action(step=True)})
    assert target.run_slice() is None
    target.interrupt()
    assert not guest.machine.cpu.breakpoints.addresses()


def test_steps_stay_in_their_task(target, guest):
    """From the wake-up of the shell to its next sleep and back, through other tasks."""
    guest.machine.serial.receive(b"uname\r")
    target.resume({SHELL: Action(step=True)})
    settle(target)
    for _ in range(3000):
        target.resume({SHELL: Action(step=True)})
        assert settle(target).thread == SHELL


def test_a_broken_list_leaves_what_can_be_read(target, kernel):
    head = kernel.variable("init_task", "struct task_struct").address_of("tasks")
    kernel.memory.write(head, (0xDEAD).to_bytes(8, "little"))
    target.forget()
    assert list(target.threads()) == [IDLE_TASK]
    assert "kernel memory at" in target.thread_info(IDLE_TASK).details


def test_looking_changes_nothing(target, guest):
    machine = guest.machine
    before = bytes(machine.memory.ram)
    for thread in target.threads():
        target.select_thread(thread)
        target.read_registers(thread)
        target.thread_info(thread)
    assert bytes(machine.memory.ram) == before
