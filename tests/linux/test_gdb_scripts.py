"""Linux 6.1's own gdb commands (scripts/gdb) on the kernel model: docs/howto/linux-gdb-scripts.md, row by row."""

import os
import re
import shutil

import pytest

from ringscope.apt import PackageError
from ringscope.boot import power_on
from ringscope.configuration import Configuration
from tests.linux import gdb_scripts
from tests.realgdb.harness import gdb_batch
from tests.realgdb.served import served

pytestmark = [pytest.mark.linux, pytest.mark.gdb, pytest.mark.timeout(400)]

SHELL = "tbreak do_syscall_64 if nr == 1 && current_task->pid > 2"
MARK = "---- "
TRY_TO = f"""
def try_to(command):
    print()
    print({MARK!r} + command, flush=True)
    try:
        gdb.execute(command)
    except gdb.error as error:
        print(error, flush=True)
"""

WORK = {
    "lx-version": r"^Linux version 6\.1\.0-ringscope .*$",
    "lx-cmdline": r"^loglevel=7$",
    "lx-ps": r"^ +TASK +PID +COMM\n0xffffffff\w+ +0 +swapper\n0xffff8880\w+ +1 +init\n(.*\n)*0xffff8880\w+ +\d+ +sh$",
    "lx-dmesg": r"^\[    0\.000000\] Linux version (.*\n)+\[    0\.\d{6}\] Run /sbin/init as init process$",
    "lx-mounts": r"<rootfs_sb> rootfs / rootfs rw 0 0\n.*<proc_sb> proc /proc proc rw 0 0\n.* sysfs /sys sysfs rw 0 0$",
    "lx-mounts 1": r"<rootfs_sb> rootfs / rootfs rw 0 0$",
    "lx-list-check init_task.tasks": r"^list is consistent: \d node\(s\)$",
    "lx-cpus": r"^Possible CPUs : \[0\]\nPresent CPUs  : \[0\]\nOnline CPUs   : \[0\]\nActive CPUs   : \[0\]$",
    "lx-lsmod": r"^Address +Module +Size +Used by$",
    "lx-symbols": r"^loading vmlinux$",
    "print $lx_current().comm": r'= "sh",',
    'print $lx_per_cpu("current_task") == &$lx_current()': r"= 1$",
    "print $lx_task_by_pid(1).comm": r'= "init",',
    "print $lx_thread_info($lx_current())": r"= {flags = ",
    "print $lx_thread_info_by_pid(1)": r"= {flags = ",
    'print $container_of(init_task.tasks.next, "struct task_struct", "tasks")->pid': r"= 1$",
}

REASONS = {
    "lx-timerlist": 'No symbol "tk_core"',
    "lx-iomem": 'No symbol "iomem_resource"',
    "lx-ioports": 'No symbol "ioport_resource"',
    "lx-configdump /dev/null": "Can't find config, enable CONFIG_IKCONFIG?",
    "lx-fdtdump /dev/null": "Kernel not compiled with CONFIG_OF",
    "lx-clk-summary": "No clocks registered",
    "lx-genpd-summary": "No power domain(s) registered",
    "lx-device-list-bus": 'No symbol "bus_kset"',
    "lx-device-list-class": 'No symbol "class_kset"',
    'print $lx_module("any")': "Unable to find MODULE any",
}


@pytest.fixture(scope="module")
def scripts(tmp_path_factory):
    """The file to source."""
    try:
        return gdb_scripts.fetch(tmp_path_factory.mktemp("linux"))
    except PackageError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))


def on_the_guest(path, append, scripts, *commands):
    guest = power_on(Configuration(append=append))
    source = f'python exec({TRY_TO!r}); gdb.execute("source " + {str(scripts)!r})'
    vmlinux = shutil.copy(guest.kernel, path.with_name("vmlinux"))  # lx-symbols cannot load from a path with a blank
    with served(guest, path) as server:
        return gdb_batch(source, *commands, file=vmlinux, connect=server.address, seconds=120)


@pytest.fixture(scope="module")
def answers(scripts, tmp_path_factory):
    """What each command says while the guest's shell writes its prompt."""
    lines = [SHELL, "continue"]
    lines += [f"python try_to({command!r})" for command in (*WORK, *REASONS)]
    path = tmp_path_factory.mktemp("served") / "gdb.sock"
    said = on_the_guest(path, "loglevel=7", scripts, *lines)
    return {name: text for name, _, text in (part.partition("\n") for part in said.split(f"\n{MARK}")[1:])}


@pytest.mark.parametrize("command", WORK)
def test_works(answers, command):
    assert re.search(WORK[command], answers[command], re.MULTILINE), answers[command]


@pytest.mark.parametrize("command", REASONS)
def test_gives_its_reason(answers, command):
    assert REASONS[command] in answers[command]


def test_walks_a_red_black_tree(scripts, tmp_path):
    tree = "runqueues.cfs.tasks_timeline"
    said = on_the_guest(
        tmp_path / "gdb.sock",
        "init_action=poweroff /bin/hogs hogs=9",
        scripts,
        *("tbreak check_preempt_tick if runqueues.nr_running == 9", "continue"),
        f"set $first = $lx_rb_first(&{tree}.rb_root)",
        f"set $last = $lx_rb_last(&{tree}.rb_root)",
        f"print $first == {tree}.rb_leftmost && $first->rb_left == 0 && $last->rb_right == 0",
        'set $vruntime = $container_of($first, "struct sched_entity", "run_node")->vruntime',
        'print $container_of($lx_rb_next($first), "struct sched_entity", "run_node")->vruntime >= $vruntime',
        'print $container_of($last, "struct sched_entity", "run_node")->vruntime >= $vruntime',
    )
    assert re.findall(r"^\$\d+ = (.*)", said, re.MULTILINE) == ["1", "1", "1"]
