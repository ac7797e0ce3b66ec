"""The same commands on other stubs: ours, QEMU's and gdbserver's."""

import re
import shutil
import socket
import subprocess
import sys

import pytest

from gdbstub.client import Client
from kernel.errors import ImageError
from kernel.image import find_image
from kernel.symbols import Symbols
from ringscope.boot import Configuration, power_on
from ringscope.commandset import COMMANDS
from ringscope.debuggee import Refused
from ringscope.local import LocalDebuggee
from ringscope.remote import RemoteDebuggee
from ringscope.session import CommandError, Session

SECONDS = 30


@pytest.fixture(scope="module")
def image():
    try:
        return find_image()
    except ImageError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def symbols(image):
    return Symbols.load(image.vmlinux)


def say(session, *script):
    """The output of the last command of a script."""
    said = []
    for line in script:
        said = list(COMMANDS.run(session, line))
    return "\n".join(said)


@pytest.fixture
def ours(image, symbols):
    """The machine in this process."""
    return Session(LocalDebuggee(power_on(Configuration()).machine), symbols)


@pytest.fixture
def served(image, symbols, tmp_path):
    """The same machine behind our own stub, in a process of its own."""
    address = f"unix:{tmp_path / 'stub'}"
    command = [sys.executable, "-m", "ringscope.cli", "serve", "--listen", address]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            assert any(line.startswith("Attach") for line in process.stdout), "it never listened"
            yield Session(RemoteDebuggee.connect(address), symbols)
        finally:
            process.kill()


@pytest.fixture
def qemu(image, symbols, tmp_path):
    """QEMU with the same image, which connects to us when it is ready."""
    path = tmp_path / "qemu"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        listener.settimeout(SECONDS)
        # fmt: off
        command = [
            "qemu-system-x86_64", "-machine", "pc", "-cpu", "Skylake-Server", "-accel", "tcg", "-m", "64",
            "-nodefaults", "-display", "none", "-no-reboot", "-S", "-kernel", image.vmlinux, "-initrd", image.initramfs,
            "-chardev", f"socket,id=gdb,path={path}", "-gdb", "chardev:gdb", "-serial", "null",
        ]
        # fmt: on
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                connection, _ = listener.accept()
                client = Client(connection)
                client.handshake()
                yield Session(RemoteDebuggee(client, "QEMU"), symbols)
            finally:
                process.kill()


LOOK = ("regs", "where", "gdt", "tss", "walk $rip", "x/2xg $rsp", "disas", "task", "tasks", "xp/4xg 0x1000000", "frame")


def test_our_stub_says_what_the_machine_says(ours, served):
    for session in (ours, served):
        say(session, "until start_thread", "step 3", "break do_syscall_64", "continue")
    for line in (*LOOK, "idt", "cr", "selector $ss"):
        assert say(served, line) == say(ours, line), line


def test_our_stub_answers_monitor(served):
    assert "processor" in say(served, "monitor info clock")
    with pytest.raises(CommandError, match="continue makes no sense in monitor"):
        say(served, "monitor continue")


def test_a_write_arrives(served):
    assert "rbx  0x0000000000000123" in say(served, "set rbx 0x123")
    assert "0x1000000: abcd" in say(served, "write 0x1000000 cdab", "x/hx 0x1000000")
    assert "0x1000000: 1234" in say(served, "writep 0x1000000 3412", "xp/hx 0x1000000")


def test_what_a_remote_stub_lacks_is_said(served):
    with pytest.raises(CommandError, match="info pic needs devices that can be looked into, which the stub at unix:"):
        say(served, "info pic")
    with pytest.raises(CommandError, match="has no virtual clock: 5 ns cannot be counted"):
        say(served, "continue 5")


@pytest.mark.qemu
def test_qemu_has_the_same_tables_at_start_thread(ours, qemu):
    for session in (ours, qemu):
        say(session, "until start_thread")
    for line in ("gdt", "idt", "tss", "walk $rip", "disas", "task", "where", "selector $cs"):
        assert _without_root(say(qemu, line)) == _without_root(say(ours, line)), line


def _without_root(text):
    """Without where the first table lies: the kernel takes pages from the top, and QEMU's memory ends earlier."""
    root = re.search(r"CR3 0x(\w+)000 ", text)
    return text.replace(root[1], "") if root else text


@pytest.mark.qemu
def test_qemu_stops_at_breakpoints_watches_and_steps(qemu):
    assert "Breakpoint 1 at" in say(qemu, "break start_thread", "continue")
    assert "=> " in say(qemu, "step 2")
    assert "Watch 2: write at" in say(qemu, "watch current_task", "continue")
    assert "VM status: paused" in say(qemu, "monitor info status")


@pytest.mark.qemu
def test_qemu_is_interrupted_between_two_looks(qemu):
    looks = []

    def look(halted):
        looks.append(halted)
        return False

    qemu.between = look
    assert "Interrupted" in say(qemu, "continue")
    assert looks == [False]


@pytest.fixture
def program():
    """A user program under gdbserver."""
    with subprocess.Popen(
        ["gdbserver", "--once", "localhost:0", shutil.which("true")], stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            port = next(found[1] for line in process.stderr if (found := re.search(r"on port (\d+)", line)))
            yield Session(RemoteDebuggee.connect(f"localhost:{port}"))
        finally:
            process.kill()


@pytest.mark.gdbserver
def test_gdbserver_runs_a_program_to_its_end(program):
    assert "64-bit mode, ring 3" in say(program, "where")
    assert "Watch 2: write" in say(program, "break $rip", "step 2", "watch $rsp-8", "continue")
    assert say(program, "delete", "continue") == "The guest has ended with code 0"


@pytest.mark.gdbserver
def test_gdbserver_has_no_system_registers(program):
    with pytest.raises(CommandError, match="gives no register 'gdtr_base'; pass BASE and LIMIT"):
        say(program, "gdt")
    with pytest.raises(CommandError, match="gives no control registers"):
        say(program, "cr")
    with pytest.raises(CommandError, match="gives no register 'cr0'"):
        say(program, "walk $rip")


def test_a_connection_that_fails_is_one_sentence(tmp_path):
    with pytest.raises(Refused, match=f"cannot connect to unix:{tmp_path}/nobody"):
        RemoteDebuggee.connect(f"unix:{tmp_path}/nobody")
