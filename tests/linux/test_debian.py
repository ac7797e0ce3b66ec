"""Debian's unmodified kernel: to a shell by every entry, and stock gdb on its system calls without any symbols."""

import subprocess
import sys
from hashlib import sha256

import pytest

from machine import snapshot
from machine.boot.linux import ENTRIES
from machine.machine import Machine
from machine.positions import Goal
from machine.stop import Arrived, Exited, Halted, Reset
from ringscope import initramfs
from ringscope.debug import served
from ringscope.packages import cache_directory
from ringscope.serial.spec import STDIO, parse
from tests.linux.debian import Debian
from tests.realgdb.harness import Gdb
from tests.routes import go

pytestmark = [pytest.mark.linux, pytest.mark.timeout(200)]

CODE_AHEAD = 400
"""Instructions behind a symbol among which the one that leaves the kernel is found."""


def test_typed_commands_answer(debian):
    assert debian.ask("echo $((6 * 7)) | sed s/4/four/") == ["four2"]
    assert debian.ask("cat /proc/cmdline")[0].startswith("console=ttyS0 nokaslr")
    assert debian.ask("uname -m; tty") == ["x86_64", "/dev/ttyS0"]
    assert debian.ask("for n in 1 2 3; do (exit $n); echo $?; done") == ["1", "2", "3"]
    (total,) = debian.ask("awk '/MemTotal/ { print $2 }' /proc/meminfo")
    assert 180_000 < int(total) < 262_144, "kilobytes of a machine with 256 MiB"


def address(debian, symbol):
    (line,) = debian.ask(f"grep ' {symbol}$' /proc/kallsyms")
    return int(line.split()[0], 16)


def find_instruction(gdb, start, mnemonic):
    """The address of the first such instruction from ``start`` on."""
    listing = gdb.console(f"x/{CODE_AHEAD}i {start:#x}")
    for line in listing.splitlines():
        place, _, text = line.partition(":")
        if mnemonic in text.split():
            return int(place.split()[-1], 16)
    raise AssertionError(f"no {mnemonic} from {start:#x} on:\n{listing}")


@pytest.mark.gdb
def test_stock_gdb_follows_a_system_call_back_to_ring_3(debian):
    entry = address(debian, "do_syscall_64")
    slow_exit = address(debian, "native_irq_return_iret")
    fast_exit = address(debian, "entry_SYSCALL_64")
    debian.type("true")
    with served(debian.guest) as path, Gdb(seconds=60) as gdb:
        gdb.connect(path)
        number = gdb.break_at(f"*{entry:#x}")
        stop = gdb.cont()
        assert (stop.reason, stop.address) == ("breakpoint-hit", entry)
        assert (gdb.register("cs"), gdb.register("cs") & 3) == (0x10, 0)
        regs = gdb.register("rdi")
        assert gdb.value(f"*(unsigned long *)({regs:#x} + 17 * 8)") == 0x33, "struct pt_regs: cs of the caller"
        caller = gdb.value(f"*(unsigned long *)({regs:#x} + 16 * 8)")
        gdb.command(f"-break-delete {number}")
        for exit_at in (find_instruction(gdb, fast_exit, "sysretq"), slow_exit):
            gdb.break_at(f"*{exit_at:#x}")
        leaving = gdb.cont()
        assert leaving.reason == "breakpoint-hit" and gdb.register("cs") == 0x10
        gdb.step_instruction()
        assert (gdb.register("cs"), gdb.register("ss"), gdb.register("rip")) == (0x33, 0x2B, caller)
        gdb.command("-break-delete")
        gdb.command("-target-detach")
    debian.expect("# ")


def end(debian, command):
    """The stop that a last command leads to."""
    debian.type(command)
    while (stop := debian.run()) is None:
        pass
    return stop


def test_the_kernels_log_has_no_complaint_about_the_machine(debian):
    log = debian.ask("dmesg")
    assert any("ACPI: Interpreter enabled" in line for line in log)
    words = ("ACPI BIOS Error", "ACPI Error", "ACPI Warning", "[Firmware Bug]", "No irq handler", "unhandled", "nobody")
    assert not [line for line in log if any(word in line for word in words)]


def test_poweroff_goes_to_s5(files):
    debian = Debian(files, append="quiet").shell()
    assert end(debian, "poweroff -f") == Exited(0)
    assert debian.output.endswith(b"reboot: Power down\r\n")


def interrupt_sources(debian):
    """Interrupts by who asks for them: the name at the end of a line of /proc/interrupts, and the count."""
    lines = [line.split() for line in debian.ask("cat /proc/interrupts")[1:]]
    return {words[-1]: int(words[1]) for words in lines if len(words) > 2}, "\n".join(map(" ".join, lines))


def test_interrupts_come_by_the_apics(debian):
    counts, text = interrupt_sources(debian)
    assert "IO-APIC 4-edge ttyS0" in text and counts["ttyS0"] > 20
    assert "XT-PIC" not in text
    (local,) = [line for line in text.splitlines() if line.startswith("LOC:")]
    assert int(local.split()[1]) > 100, "the APIC's timer"


@pytest.mark.parametrize("append", ["noapic", "nolapic"])
def test_without_an_apic_the_8259_pair_serves(files, append):
    counts, text = interrupt_sources(Debian(files, append=f"quiet {append}").shell())
    assert "XT-PIC ttyS0" in text and counts["ttyS0"] > 10


def test_without_acpi_poweroff_halts_for_good(files):
    debian = Debian(files, append="quiet acpi=off").shell()
    assert isinstance(end(debian, "poweroff -f"), Halted)
    assert debian.output.endswith(b"reboot: System halted\r\n")


@pytest.mark.parametrize(
    ("append", "cause"), [("", "port 0xcf9"), ("reboot=kbd", "the keyboard controller"), ("reboot=pci", "port 0xcf9")]
)
def test_reboot_asks_for_a_restart(files, append, cause):
    debian = Debian(files, append=f"quiet {append}").shell()
    assert end(debian, "reboot -f") == Reset(cause)


@pytest.mark.parametrize("entry", [name for name in ENTRIES if name not in ("unpacked", "real")])
def test_an_entry_leads_to_the_shell(files, entry):
    debian = Debian(files, entry=entry, append="quiet").shell()
    assert debian.ask("echo $((1 + 1))") == ["2"]


def test_the_console_on_the_second_port(files, tmp_path):
    serial = (parse(f"file:{tmp_path}/first"), STDIO)
    debian = Debian(files, append="quiet", serial=serial)
    with debian.guest.lines:
        debian.shell()
        assert debian.ask("tty") == ["/dev/ttyS1"]
        assert debian.ask("echo to the first > /dev/ttyS0; echo done") == ["done"]
        assert debian.ask("grep -c ttyS /proc/interrupts") == ["1"]
    assert (tmp_path / "first").read_bytes().endswith(b"to the first\r\n")


@pytest.mark.parametrize(("last", "status"), [("", 0), ("exit 3", 3)])
def test_the_command_boots_and_ends_with_the_shells_status(files, last, status):
    words = [sys.executable, "-m", "ringscope.cli", "linux", "--append", "quiet"]
    ran = subprocess.run(words, input=f"echo sum $((20 + 3))\n{last}", capture_output=True, text=True, timeout=150)
    assert "sum 23" in ran.stdout
    assert ran.returncode == status, ran.stderr


def test_a_machine_out_of_a_file_goes_on_as_the_first(files, tmp_path):
    """The same typed line, in the machine itself, in that again, and in one that has only the file."""
    debian = Debian(files).shell()
    machine, path, ends = debian.machine, tmp_path / "prompt", []
    snapshot.save(machine, path)
    for _ in range(3):
        shown = bytearray()
        machine.serial.send = shown.extend
        machine.serial.receive(b"for n in 1 2 3; do sh -c 'echo $$'; sleep 0.3; done; echo en''d\n")
        assert go(machine, Goal(machine.position.progress + 24_000_000)) == Arrived()
        assert b"end\r\n" in shown
        ends.append((machine.position, machine.clock.now(), bytes(shown), sha256(machine.memory.ram).hexdigest()))
        machine, _ = snapshot.begin(path, lambda found: Machine(found.memory))
    assert ends[0] == ends[1] == ends[2]


def test_the_second_start_is_instant(files, tmp_path, monkeypatch):
    (tmp_path / "ringscope").mkdir()
    (tmp_path / "ringscope" / "debian").symlink_to(cache_directory())
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    words = [sys.executable, "-m", "ringscope.cli", "linux", "--instant"]
    for boots in (True, False):
        ran = subprocess.run(words, input="echo sum $((20 + 3))\n", capture_output=True, text=True, timeout=150)
        assert ran.returncode == 0 and "sum 23" in ran.stdout, ran.stderr
        assert ("snapshot at position" in ran.stderr) is boots
        assert (initramfs.GREETING in ran.stdout) is boots
