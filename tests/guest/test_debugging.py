"""Stock gdb on the kernel, in QEMU: backtraces with names and arguments, and the way from ring 0 to ring 3 and back."""

import re
import subprocess
from pathlib import Path

import pytest

from kernel.image import find_image
from ringscope.serve import gdb_word
from tests.guest.boot import qemu_command
from tests.realgdb.harness import gdb_batch

pytestmark = [pytest.mark.gdb, pytest.mark.qemu]

PATIENCE = "set remotetimeout 30"
"""QEMU answers when it has started, which takes more than gdb's two seconds on a busy host."""

LEAVE = "disconnect"
"""`detach` lets the guest go on: one that ends at once takes QEMU away before gdb has acknowledged the last answer."""

UNATTENDED = "init_action=poweroff panic=-1"


@pytest.fixture
def debug(tmp_path):
    """debug(gdb commands, programs=names, append=words) -> gdb's output, from the first instruction on"""
    processes = []

    def run(*commands, programs=(), append=UNATTENDED):
        image, socket = find_image(), tmp_path / "gdb.sock"
        stub = [*("-S", "-serial", "null"), *("-chardev", f"socket,path={socket},server=on,wait=on,id=gdb")]
        command = [*qemu_command(image.vmlinux, image.initramfs, append), *stub, *("-gdb", "chardev:gdb")]
        processes.append(subprocess.Popen(command, stderr=subprocess.PIPE))
        for line in processes[0].stderr:
            if b"waiting for connection" in line:
                break
        before = [
            f"set substitute-path /usr/src/ringscope {gdb_word(image.sources)}",
            PATIENCE,
            f"target remote {socket}",
        ]
        symbols = [f"add-symbol-file {gdb_word(image.program(name))}" for name in programs]
        return gdb_batch(*symbols, *before, *commands, LEAVE, file=image.vmlinux)

    yield run
    for process in processes:
        process.kill()
        process.communicate()


def frames(output):
    """(function, arguments) of each frame of a backtrace."""
    return re.findall(r"^#\d+ +(?:0x[0-9a-f]+ in )?(\S+) \((.*?)\)(?: at .*)?$", output, re.MULTILINE)


CHAIN = [
    *("start_thread", "load_elf_binary", "search_binary_handler", "exec_binprm", "bprm_execve"),
    *("do_execveat_common", "do_execve", "sys_execve"),
    *("system_call", "kernel_execve", "run_init_process", "try_to_run_init_process", "kernel_init"),
    "kernel_thread_starter",
]


def test_the_chain_to_start_thread_has_names_and_arguments(debug):
    output = debug("break start_thread", "continue", "bt")
    found = frames(output)[-len(CHAIN) :]
    assert [function for function, _ in found] == CHAIN
    assert "optimized out" not in output and "error" not in output
    arguments = dict(found)
    assert re.fullmatch(r"regs=0x[0-9a-f]+, new_ip=\d+, new_sp=\d+", arguments["start_thread"])
    assert '"/sbin/init"' in arguments["do_execve"] and "<argv_init>" in arguments["do_execve"]
    assert "init_filename=0x" in arguments["run_init_process"]
    assert re.search(r"do_execveat_common .*guest/fs/exec\.c:\d+", output)


def test_start_thread_changes_cs_from_0x10_to_0x33(debug):
    output = debug(
        *("break start_thread_common", "continue", 'printf "before %#lx\\n", regs->cs', "finish"),
        *('printf "after %#lx %#lx\\n", regs->cs, regs->ss', 'printf "entry %#lx %#lx\\n", regs->ip, ex.e_entry'),
    )
    # `finish` ends in start_thread, which has regs; the ELF header is one frame up.
    assert "before 0x10" in output
    assert "after 0x33 0x2b" in output


def test_int80_out_of_ring_0(debug):
    output = debug(
        *("break kernel_execve_int80", "continue", "x/i $pc", "x/s $rbx", 'printf "%#x %d\\n", $cs, $eax'),
        *("stepi", "bt 1", "x/5gx $rsp"),
    )
    assert re.search(r"=> 0x[0-9a-f]+ <kernel_execve\+\d+>:\s+int +\$0x80", output)
    assert '"/sbin/init"' in output
    assert "0x10 11" in output
    assert re.search(r"#0 +system_call \(\) at .*entry_64\.S:\d+", output)
    assert re.search(r"0x[0-9a-f]+:\s+0xffffffff81[0-9a-f]+\s+0x0000000000000010", output)


def test_iretq_enters_ring_3(debug):
    output = debug(
        *("break native_irq_return_iret", "continue", "x/i $pc", "bt 1", 'printf "%#x %#x\\n", $cs, $ss'),
        *("stepi", 'printf "%#x %#x %s\\n", $cs, $ss, $_as_string($rip)', "info symbol $pc"),
        programs=["init"],
    )
    assert re.search(r"=> 0x[0-9a-f]+ <swapgs_restore_regs_and_return_to_usermode\+\d+>:\s+iretq", output)
    assert "0x10 0x18" in output
    assert re.search(r"_start in section \.text of .*/init", output)


def test_a_system_call_backtrace_crosses_into_main(debug):
    output = debug(
        "break do_syscall_64 if nr == 1", "continue", "bt", "up", "up", "info registers cs", programs=["init"]
    )
    functions = [function for function, _ in frames(output)]
    at = functions.index("do_syscall_64")
    assert functions[at : at + 7] == [
        "do_syscall_64",
        "entry_SYSCALL_64",
        "syscall6",
        "write",
        "vdprintf",
        "printf",
        "main",
    ]
    assert '"ucs = %#x\\n"' in output
    assert re.search(r"cs +0x33 ", output)


def test_without_the_programs_symbols_the_users_address_is_shown(debug):
    output = debug("break do_syscall_64 if nr == 1", "continue", "bt")
    assert re.search(r"#1 .*entry_SYSCALL_64 .*\n#2 +0x0000000000[0-9a-f]{6} in \?\? \(\)", output)


def test_sysret_returns_to_the_program(debug):
    output = debug(
        *("break native_sysret", "continue", "x/i $pc", "bt", "stepi", 'printf "%#x %#x\\n", $cs, $ss', "bt"),
        programs=["init"],
    )
    assert re.search(r"=> .*<entry_SYSCALL_64\+\d+>:\s+(rex\.W )?sysret", output)
    assert "0x33 0x2b" in output
    assert [function for function, _ in frames(output)].count("main") == 2


def test_a_page_fault_is_a_signal_frame(debug):
    output = debug("break bad_area", "continue", "bt", programs=["segv"], append="panic=-1 init=/bin/segv")
    functions = re.findall(r"^#\d+ +(?:0x[0-9a-f]+ in )?(\S+ \w+ \w+>|\S+)", output, re.MULTILINE)
    expected = ["bad_area", "do_user_addr_fault", "exc_page_fault", "<signal handler called>", "main"]
    assert functions[-5:] == expected
    assert re.search(r"main .*user/programs/segv\.c:4", output)


def test_an_interrupt_is_a_signal_frame(debug):
    output = debug("break timer_interrupt", "continue", "bt")
    assert re.search(
        r"timer_interrupt .*\n#1 .*do_IRQ .*vector=48.*\n#2 .*common_interrupt .*\n#3 +<signal handler called>\n#4 ",
        output,
    )


def test_the_kernels_helper_has_a_kernel_behind_it(debug):
    output = debug(
        "break call_usermodehelper", "continue", "bt", "tbreak schedule", "continue", "bt", programs=["init"]
    )
    functions = [function for function, _ in frames(output)]
    assert "kobject_uevent" in functions and "trigger_uevent" in functions
    assert '"/sbin/helper"' in output


def test_the_running_task_is_a_plain_variable(debug):
    output = debug(
        *("break sys_write", "continue", "p current_task->comm", "p current_task->pid", "ptype struct pt_regs"),
        "info line do_syscall_64",
    )
    assert '"init' in output
    assert "= 1\n" in output
    assert "unsigned long orig_ax;" in output
    assert "guest/entry/common.c" in output


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ("entry_SYSCALL_64 if $rax == 1", "do_syscall_64", "main"),
        ("syscall_exit_to_user_mode if regs->orig_ax == 1", "syscall6", "main"),
        ("system_call", "sys_execve", "kernel_init"),
    ],
)
def test_every_instruction_of_an_entry_can_be_unwound(debug, first, last, expected):
    script = Path(__file__).with_name("step_and_unwind.py")
    start = [f"break {first}", "continue", f"source {script}"]
    output = debug(*start, f'python step_until("{last}", "{expected}")', programs=["init"])
    steps, lost = map(int, re.search(r"after (\d+) steps, (\d+) lost", output).groups())
    assert steps > 20 and lost == 0, output
