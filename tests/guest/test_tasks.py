"""The kernel's tasks as our own structures show them, and as the stub's threads; a guest whose lists are broken."""

import pytest

from gdbstub.errors import TargetError
from gdbstub.target import Action
from kernel.errors import SymbolsError, UnreadableError
from kernel.objects import for_each_entry
from kernel.saved import is_preempted, saved_registers
from kernel.tasks import current_task, for_each_process_thread, task_state_to_char
from ringscope.boot import power_on
from ringscope.configuration import TASKS, Configuration
from ringscope.layout import REGISTERS
from ringscope.serve import make_target
from ringscope.views import IDLE_TASK, KERNEL_PROCESS
from tests.guest.places import INIT, SHELL, at_the_prompt, run_to, until_idle


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


@pytest.mark.parametrize("wanted", [False, True])
def test_a_condition_where_a_sleeping_task_goes_on_is_asked(wanted, target, guest):
    """init sleeps where the shell does, until that one ends: a breakpoint there stops only if it wants to."""
    guest.machine.serial.receive(b"exit\r")
    points, place = guest.machine.cpu.breakpoints, register(target, INIT, "rip")
    asked = []
    points.insert(place, lambda: asked.append(current_task(guest.running_kernel).pid) or wanted)
    target.resume({INIT: Action(step=True)})
    settle(target)
    if wanted:
        assert asked == [target.view.running()] != [INIT]
    else:
        assert len(asked) > 1 and asked[-1] == target.view.running() == INIT
    assert points.addresses() == [place]


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


# Files, as gdb asks for them


def test_the_directory_of_a_task(target):
    assert target.read_file("/proc/1/cmdline", None) == b"/sbin/init\0"
    assert target.read_file("/proc/3/comm", None) == b"sh\n"
    assert target.read_link("/proc/3/exe", None) == "/bin/sh"
    assert b"Name:\tsh\nState:\tS (sleeping)\nTgid:\t3\nPid:\t3\nPPid:\t1\n" in target.read_file("/proc/3/status", None)
    assert target.read_file("/proc/self/stat", 3).startswith(b"3 (sh) S 1 ")
    assert target.read_file("/proc/3/task/3/comm", None) == b"sh\n"
    assert b"=" in target.read_file("/proc/1/environ", None)


def test_maps_are_those_of_the_kernel(target):
    lines = target.read_file("/proc/3/maps", None).decode().splitlines()
    assert lines[0].startswith("00400000-00401000 r--p 00000000 00:00 ") and lines[0].endswith("/bin/sh")
    assert any(" r-xp " in line for line in lines) and lines[-1].endswith("[stack]")


def test_a_kernel_thread_has_no_program(target):
    assert target.read_file("/proc/0/maps", None) == b""
    assert target.read_file("/proc/0/cmdline", None) == b""
    with pytest.raises(TargetError, match="leads nowhere"):
        target.read_link("/proc/0/exe", None)
    with pytest.raises(TargetError, match="the kernel has no program"):
        target.exec_file(KERNEL_PROCESS)
    assert target.auxiliary_vector(KERNEL_PROCESS) == b""


def test_the_auxiliary_vector_is_on_the_stack(target):
    data = target.auxiliary_vector(SHELL)
    words = [int.from_bytes(data[at : at + 8], "little") for at in range(0, len(data), 8)]
    pairs = dict(zip(words[::2], words[1::2], strict=True))
    assert pairs[6] == 4096 and pairs[9] >= 0x400000 and data.endswith(bytes(16))


def test_a_program_is_read_from_the_guest(target, guest):
    assert target.exec_file(SHELL) == "/bin/sh"
    data = target.read_file("/bin/sh", SHELL)
    assert data.startswith(b"\x7fELF")
    assert target.read_file("/etc/motd", None).decode().strip()


@pytest.mark.parametrize(
    "path",
    [
        *("", "/", "/no/such", "/etc/passwd", "../etc/passwd"),
        *("/proc", "/proc/3", "/proc/77/maps", "/proc/3/mem", "/proc/x/maps", "/proc/99999999999/maps"),
    ],
)
def test_what_is_not_there_is_said(target, path):
    with pytest.raises(TargetError):
        target.read_file(path, None)
    with pytest.raises(TargetError):
        target.read_link(path, None)


def test_processors_have_no_program(guest):
    target = make_target(guest)
    assert target.auxiliary_vector(1) == b""
    with pytest.raises(TargetError):
        target.exec_file(1)
    assert target.read_file("/proc/3/comm", None) == b"sh\n"


def test_broken_areas_are_said(target, kernel):
    mm = tasks(kernel)[SHELL].mm
    kernel.memory.write(mm.address_of("mmap"), (0xDEAD).to_bytes(8, "little"))
    with pytest.raises(TargetError, match="kernel memory at"):
        target.read_file("/proc/3/maps", None)


def rows(target, name):
    return [tuple(row) for row in target.os_rows(name).rows]


def test_tables_of_the_system(target):
    assert [(row[0], row[1], row[4]) for row in rows(target, "processes")] == [
        ("0", "0", "[swapper]"),
        ("1", "0", "/sbin/init"),
        ("3", "1", "/bin/sh"),
    ]
    assert ("0", "0", "swapper", "running", "0") in rows(target, "threads")
    assert ("3", "sh", "0", "/dev/console") in [row[:4] for row in rows(target, "files")]


def test_tables_before_the_kernel_runs():
    target = make_target(power_on(Configuration()))
    for name in ("processes", "threads", "files"):
        with pytest.raises(TargetError, match="not in long mode"):
            target.os_rows(name)


def test_the_branch_trace_is_that_of_the_task_that_runs():
    target = make_target(at_the_prompt(), TASKS)
    runs, other = target.view.running(), next(t for t in target.threads() if t != target.view.running())
    for thread in (runs, other):
        target.record_branches(thread, 0x1000)
    target.resume({runs: Action(step=True)})
    assert target.run_slice() is not None
    assert target.view.running() == runs
    assert target.new_branches(runs)[-1].end == target.machine.cpu.linear_pc == target.branches(runs)[-1].end
    assert target.new_branches(other) is None and not target.branches(other)
    target.client_detached()
    assert target.branch_room(runs) is target.branch_room(other) is None


X87 = {"fstat": 0x3800, "ftag": 0x3FFF, "fctrl": 0x27F, "st0": 0x3FFF8000000000000000}
"""1.0 in the last physical register, which is the stack's top, double precision."""


def test_the_kernel_keeps_a_tasks_floating_point_registers():
    guest = power_on(Configuration(append="init_action=shell"))
    run_to(guest, "n_tty_read")
    cpu, target = guest.machine.cpu, make_target(guest, TASKS)
    ones, twos = int("1" * 32, 16), int("2" * 32, 16)
    wanted = {"xmm0": 7, "xmm15": ones, "mxcsr": 0x9F80, **X87}
    for name, value in wanted.items():
        cpu.write_register(name, value)
    until_idle(guest)
    target.forget()
    assert {name: register(target, SHELL, name) for name in wanted} == wanted
    assert register(target, INIT, "xmm15") != ones
    target.write_register(SHELL, REGISTERS.by_name["xmm15"].number, twos.to_bytes(16, "little"))
    target.write_register(SHELL, REGISTERS.by_name["mxcsr"].number, (0x1F80).to_bytes(4, "little"))
    with pytest.raises(TargetError, match="ftag of a task that does not run is kept not by itself"):
        target.write_register(SHELL, REGISTERS.by_name["ftag"].number, bytes(4))
    guest.machine.serial.receive(b"echo\r")
    while current_task(guest.running_kernel).pid != SHELL:
        guest.machine.step()
    run_to(guest, "finish_task_switch")
    assert [cpu.read_register(name) for name in ("xmm0", "xmm15", "mxcsr")] == [7, twos, 0x1F80]


def test_a_kernel_thread_has_no_floating_point_registers(guest):
    """The idle task, while another runs."""
    guest.machine.serial.receive(b"echo\r")
    while not current_task(guest.running_kernel).pid:
        guest.machine.step()
    target = make_target(guest, TASKS)
    assert register(target, IDLE_TASK, "xmm0") is None and register(target, IDLE_TASK, "rsp")
