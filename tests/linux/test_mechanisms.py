"""Where the kernel changes its own code: tracepoints, static keys, kprobes, the function tracer, modules."""

import dataclasses
import re

import pytest

from kernel.cpio import regular
from ringscope import initramfs, linux
from tests.linux.debian import Debian

pytestmark = [pytest.mark.linux, pytest.mark.timeout(300)]

TRACING = "/sys/kernel/tracing"
LOADED = "cut -d' ' -f1 /proc/modules"
MODULES = {"dummy": "drivers/net/dummy.ko", "loop": "drivers/block/loop.ko"}


@pytest.fixture(scope="module")
def debian(files, tmp_path_factory):
    """At the shell, with the modules in /, and tracefs mounted at $T."""
    packages = linux.cache(print)
    image = packages.release(linux.kernel_package(packages))
    below = f"lib/modules/{image.package.removeprefix(linux.IMAGE)}/kernel"
    held = packages.members(image, *(f"{below}/{path}" for path in MODULES.values()))
    modules = [regular(member.path.rsplit("/", 1)[1], member.data) for member in held]
    assert len(modules) == len(MODULES)
    initrd = tmp_path_factory.mktemp("initrd") / "initrd.cpio"
    initrd.write_bytes(initramfs.build(files.initrd.with_name("busybox").read_bytes(), modules))
    debian = Debian(dataclasses.replace(files, initrd=initrd)).shell()
    debian.ask(f"T={TRACING}")
    debian.ask("mount -t tracefs tracefs $T")
    return debian


@pytest.fixture
def ask(debian):
    """Type lines; what the last one printed. Afterwards nothing is traced."""

    def lines(*commands):
        said = []
        for command in commands:
            debian.type(f"echo st''art; {command}; echo; echo en''d")  # the shell's echo of the line has the quotes
            debian.expect("\nstart\r\n")
            said = debian.expect("\nend\r\n").replace("\r", "").split("\n")
        return [line for line in said if line]

    yield lines
    lines("echo nop >$T/current_tracer; echo >$T/set_ftrace_filter; echo 0 >$T/events/enable")
    lines("echo 0 >$T/tracing_on; echo >$T/trace; echo >$T/kprobe_events; echo 1 >$T/tracing_on")


def test_tracepoints_are_switched_by_static_keys(ask):
    ask("echo 1 >$T/events/sched/sched_process_exec/enable", "/bin/busybox true", "/bin/busybox false")
    found = [line for line in ask("cat $T/trace") if "sched_process_exec: filename=/bin/busybox" in line]
    assert len(found) == 2
    ask("echo 0 >$T/events/sched/sched_process_exec/enable", "/bin/busybox true")
    last = [line for line in ask("cat $T/trace") if "sched_process_exec:" in line][-1]
    assert "filename=/proc/self/exe" in last, "of the first cat"


def test_a_static_key_flips_again_and_again(ask):
    """schedstat_enabled() is a jump that the kernel patches."""
    flip = "for i in $(seq 20); do echo 1 >$K; cat $K; echo 0 >$K; cat $K; done | tr -d '\\n'"
    assert ask("K=/proc/sys/kernel/sched_schedstats", flip)[-1] == "10" * 20


def test_all_tracepoints_at_once(ask):
    ask("echo 1 >$T/events/enable", "ls / >/dev/null", "echo 0 >$T/events/enable")
    names = set(ask("sed -n 's/.*: \\([a-z_]*\\): .*/\\1/p' $T/trace | sort -u"))
    assert {"sched_switch", "mm_page_alloc", "local_timer_entry", "sys_enter"} & names


def test_a_kprobe_reads_an_argument_and_a_kretprobe_a_result(ask):
    probes = "p:opened do_sys_openat2 name=+0(%si):ustring", "r:done do_sys_openat2 result=$retval:s64"
    ask(*(f"echo '{probe}' >>$T/kprobe_events" for probe in probes))
    ask("echo 1 >$T/events/kprobes/enable", "cat /proc/version >/dev/null", "cat /no/such/file 2>/dev/null")
    ask("echo 0 >$T/events/kprobes/enable")
    trace = "\n".join(ask("grep cat $T/trace"))
    assert re.search(r'opened: \(do_sys_openat2\S*\) name="/proc/version"', trace)
    assert re.search(r'name="/no/such/file"\n.*done: .* result=-2', trace)


def test_a_kprobe_in_the_middle_of_a_function_boosted_or_stepped(ask):
    """Whatever instruction stands there is copied, and stepped or run out of line."""
    offsets = 'for o in $(seq 0 60); do echo "p:at$o vfs_read+$o" >>$T/kprobe_events; done 2>/dev/null'
    ask(offsets, "echo 1 >$T/events/kprobes/enable")
    assert ask("cat /proc/sys/kernel/ostype") == ["Linux"]
    ask("echo 0 >$T/events/kprobes/enable")
    hit = set(ask("sed -n 's/.*: \\(at[0-9]*\\): .*/\\1/p' $T/trace | sort -u"))
    assert "at0" in hit and len(hit) > 5


def test_the_function_tracer_on_one_function(ask):
    ask("echo vfs_read >$T/set_ftrace_filter", "echo function >$T/current_tracer", "cat /proc/version >/dev/null")
    ask("echo 0 >$T/tracing_on")
    assert any(re.search(r"vfs_read <-ksys_read", line) for line in ask("cat $T/trace"))


def test_the_function_tracer_on_the_whole_kernel(ask):
    """Tens of thousands of calls are patched, twice."""
    (count,) = ask("wc -l <$T/available_filter_functions")
    assert int(count) > 20000
    ask("echo >$T/set_ftrace_filter", "echo function >$T/current_tracer", "cat /proc/version >/dev/null")
    (enabled,) = ask("sed -n 's/ pages.*//p' $T/dyn_ftrace_total_info")
    ask("echo nop >$T/current_tracer")
    assert int(enabled) > 20000
    assert ask("cat /proc/sys/kernel/ostype") == ["Linux"]


def test_the_graph_of_calls(ask):
    ask(
        "echo ksys_read >$T/set_graph_function",
        "echo function_graph >$T/current_tracer",
        "cat /proc/version >/dev/null",
    )
    ask("echo 0 >$T/tracing_on")  # or reading the trace would be traced
    graph = "\n".join(ask("head -400 $T/trace"))
    ask("echo nop >$T/current_tracer")
    assert re.search(r"ksys_read\(\) \{\n(?:.*\n)*?.*vfs_read\(\) \{", graph)


def test_a_network_module_and_a_probe_in_it(ask):
    assert ask("insmod /dummy.ko numdummies=2", "ls /sys/class/net | grep -c dummy") == ["2"]
    assert ask(LOADED) == ["dummy"]
    ask("echo 'p:sent dummy:dummy_xmit' >$T/kprobe_events", "echo 1 >$T/events/kprobes/enable")
    ask("ip addr add 10.0.0.1/24 dev dummy0", "ip link set dummy0 up", "ping -c 1 -W 1 10.0.0.2 >/dev/null")
    ask("echo 0 >$T/events/kprobes/enable", "ip link set dummy0 down")
    (count,) = ask("grep -c 'sent: (dummy_xmit' $T/trace")
    assert int(count) >= 1
    ask("echo >$T/kprobe_events", "rmmod dummy")
    assert ask(LOADED, "ls /sys/class/net | grep dummy") == []


def test_a_block_module_carries_bytes(ask):
    ask("insmod /loop.ko", "seq 20000 | head -c 65536 >/tmp/disk")
    ask("losetup /dev/loop0 /tmp/disk")
    sums = ask("for f in /tmp/disk /dev/loop0; do sha256sum <$f; done")
    assert len(sums) == 2 and sums[0] == sums[1]
    ask("echo written | dd of=/dev/loop0 bs=512 seek=100 2>/dev/null", "sync")
    assert ask("dd if=/tmp/disk bs=512 skip=100 count=1 2>/dev/null | head -n 1") == ["written"]
    ask("losetup -d /dev/loop0", "rmmod loop")
    assert ask(LOADED) == []


def test_a_module_of_another_kernel_is_refused(ask):
    said = ask("sed 's/vermagic=6/vermagic=5/' /dummy.ko >/tmp/odd.ko; insmod /tmp/odd.ko 2>&1; true")
    assert any("insmod" in line for line in said)
    assert ask(LOADED) == []
