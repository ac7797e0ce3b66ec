"""The tracer beside a run: a line for each call, what it cost in the machine's time; the guest does not know."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from machine.errors import Error
from machine.limits import QUANTUM
from ringscope.boot import power_on
from ringscope.configuration import Configuration
from ringscope.strace.tracer import Tracer

WORDS = "quiet init_action=poweroff /bin/forktest"


def traced(append=WORDS, *, trace=True, engine=None, cpus=1):
    """Lines, the summary's, and where the run ended."""
    lines = []
    guest = power_on(Configuration(append=append, engine=engine, processors=(cpus, QUANTUM)))
    tracer = Tracer(guest.machine, guest.symbols, lines.append) if trace else None
    while guest.machine.run() is None:
        pass
    if tracer is None:
        return lines, [], guest.machine.position
    tracer.stop()
    return lines, list(tracer.summary.lines()), guest.machine.position


def test_lines():
    lines, _, _ = traced()
    text = "".join(lines)
    assert re.search(r'^\[1 init\] write\(1, "ucs = 0x33\\n", 11\) = 11 <0\.0000\d\d>$', text, re.MULTILINE)
    assert re.search(
        r'^\[3 init\] execve\("/bin/forktest", \["/bin/forktest"\], \[.*"TERM=linux".*\]\) = 0 <', text, re.MULTILINE
    )
    assert "[3 forktest] wait4(-1, 0x" in text and "= -1 ECHILD (No child processes) <" in text
    assert "[4 forktest] exit_group(1) = ?\n" in text
    assert lines[-1].startswith("[1 init] reboot(0xfee1dead, 0x28121969, 0x4321fedc, NULL) = ?")


def test_the_guest_does_not_know():
    assert traced(trace=False)[2] == traced()[2]


def test_both_engines_tell_the_same():
    assert traced(engine="fast") == traced(engine="portable")


def test_calls_on_several_processors():
    """Each is that of the task which makes it, on whichever processor."""
    (one, _, _), (three, _, end) = traced(), traced(cpus=3)
    assert traced(trace=False, cpus=3)[2] == end
    calls = [sorted(re.findall(r"^(\[\d+ \w+\] \w+)\(", "".join(lines), re.MULTILINE)) for lines in (one, three)]
    assert calls[0] == calls[1] and "[3 forktest] wait4" in calls[1]


def test_a_summary_counts_what_the_lines_say():
    lines, summary, _ = traced()
    forks = sum(" fork() = " in line for line in lines)
    row = next(line.split() for line in summary if line.endswith(" fork"))
    assert int(row[3]) == forks == 4
    assert int(summary[-1].split()[3]) == len(lines)


def test_a_kernel_without_symbols_is_refused():
    guest = power_on(Configuration())
    with pytest.raises(Error, match="this kernel has none"):
        Tracer(guest.machine, None, None)


def test_the_command_line(tmp_path):
    command = [Path(sys.executable).with_name("ringscope"), "run", "--append", WORDS]
    command += ["--strace", str(tmp_path / "lines"), "--strace-summary", "-"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    assert "forktest: child 1" in done.stdout
    assert "usecs/call     calls    errors syscall" in done.stderr
    assert "[1 init] fork() = 3" in (tmp_path / "lines").read_text()
