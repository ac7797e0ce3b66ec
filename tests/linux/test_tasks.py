"""The tasks of Debian's kernel, by its own debug information: nothing in them was typed."""

import pytest

from gdbstub.errors import TargetError
from gdbstub.target import Action
from kernel.areas import for_each_vma
from kernel.files import executable, for_each_open_file
from kernel.procfs import auxv, cmdline
from kernel.saved import saved_registers
from kernel.tasks import current_task, for_each_process_thread
from machine.stop import Breakpoint
from ringscope.configuration import TASKS
from ringscope.layout import REGISTERS
from ringscope.serve import make_target
from tests.linux.debian import Debian

pytestmark = [pytest.mark.linux, pytest.mark.timeout(200)]


@pytest.fixture(scope="module")
def debian(files_with_symbols):
    debian = Debian(files_with_symbols).shell()
    debian.type("sleep 1000 &")
    debian.expect("# ")
    return debian


@pytest.fixture(scope="module")
def tasks(debian):
    return {task.comm: task for task in for_each_process_thread(debian.guest.running_kernel)}


def test_ps_lists_the_same(debian, tasks):
    listed = {line.split()[0] for line in debian.ask("ps -o pid")} - {"PID"}
    found = {str(task.pid) for task in for_each_process_thread(debian.guest.running_kernel)}
    assert listed - found <= {max(listed, key=int)}  # ps itself
    assert "0" in found - listed
    assert tasks["kthreadd"].is_kernel_thread and tasks["kthreadd"].pid == 2
    assert tasks["sleep"].parent == tasks["sh"].pid
    assert current_task(debian.guest.running_kernel).comm == "swapper/0"


def test_sleeping_tasks_stand_in_the_scheduler(debian, tasks):
    for name in ("init", "sh", "sleep", "kthreadd"):
        saved = saved_registers(tasks[name])
        assert debian.guest.running_kernel.symbols.nearest(saved.values["rip"])[0].name == "__schedule"


def test_maps_and_files_are_those_of_proc(debian, tasks):
    sleep = tasks["sleep"]
    theirs = [line.split()[0] for line in debian.ask(f"cat /proc/{sleep.pid}/maps")]
    ours = [f"{area.start:08x}-{area.end:08x}" for area in for_each_vma(sleep.mm)]
    assert ours == [line for line in theirs if not line.startswith("ffffffffff6")]  # vsyscall is no area
    assert executable(sleep) == "/bin/busybox"
    assert cmdline(sleep) == b"sleep\x001000\0"
    assert {file.descriptor: file.path for file in for_each_open_file(sleep)}[0].startswith("/dev/")
    assert len(auxv(sleep)) % 16 == 0 and len(auxv(sleep)) > 200


MAKE = (
    "echo one >/tmp/a; ln -s a /tmp/b; ln -s /tmp/b /tmp/c; ln -s round /tmp/round; seq 200000 >/tmp/numbers",
    "mkdir -p /mnt; mount -t tmpfs tmpfs /mnt; echo two >/mnt/a",
    "echo end | dd of=/tmp/holes bs=4096 seek=99 2>/dev/null",
    "echo x >/tmp/gone; exec 3</tmp/gone; rm /tmp/gone",
)


def test_files_are_those_of_the_guest(debian, files_with_symbols):
    """By the kernel's tree of names and page cache, through links and mounts."""
    for line in MAKE:
        debian.ask(line)
    read = make_target(debian.guest, TASKS).read_file
    assert read("/bin/busybox", None) == files_with_symbols.initrd.with_name("busybox").read_bytes()
    assert [read(path, None) for path in ("/tmp/a", "/tmp/b", "/tmp/c", "/mnt/../tmp/./a")] == [b"one\n"] * 4
    assert read("/mnt/a", None) == b"two\n"
    assert read("/tmp/holes", None) == bytes(99 * 4096) + b"end\n"
    assert read("/tmp/numbers", None) == b"".join(b"%d\n" % number for number in range(1, 200001))


@pytest.mark.parametrize(
    "path, why",
    [
        ("/tmp/gone", "there is no file"),
        ("/tmp/round", "there is no file"),
        ("/tmp/a/b", "there is no file"),
        ("/mnt", "is a directory"),
        ("/dev/null", "a c has no content of its own"),
    ],
)
def test_what_is_no_file_is_told(debian, path, why):
    with pytest.raises(TargetError, match=f"{path}.*{why}|{why} {path}"):
        make_target(debian.guest, TASKS).read_file(path, None)


def test_a_step_waits_for_its_task(debian, tasks):
    target = make_target(debian.guest, TASKS)
    shell = tasks["sh"].pid
    target.resume({shell: Action(step=True)})
    debian.type("true")
    while (reason := target.run_slice()) is None:
        pass
    assert reason.thread == shell


def test_floating_point_registers_are_where_the_kernel_keeps_them(debian, tasks):
    """Set in the shell whenever it gives way, and found when it does not run."""
    machine, kernel = debian.machine, debian.guest.running_kernel
    place, wanted = kernel.address_of("__schedule"), {"xmm3": int("3" * 32, 16), "mxcsr": 0x9F80, "fctrl": 0x27F}
    machine.cpu.breakpoints.insert(place)
    debian.type("true")
    for _ in range(100):
        if isinstance(debian.run(), Breakpoint) and current_task(kernel).comm == "sh":
            for name, value in wanted.items():
                machine.cpu.write_register(name, value)
    machine.cpu.breakpoints.remove(place)
    while current_task(kernel).pid:
        debian.run()
    target = make_target(debian.guest, TASKS)
    found = {name: target.read_register(tasks["sh"].pid, REGISTERS.by_name[name].number) for name in wanted}
    assert {name: int.from_bytes(data, "little") for name, data in found.items()} == wanted
    assert target.read_register(tasks["kthreadd"].pid, REGISTERS.by_name["xmm3"].number) is None
