"""`ringscope demo` on stock gdb: what it shows, and that it cannot pass where something is not observed."""

import io
import re
import subprocess
import sys

import pytest
from rich.console import Console

from kernel.errors import ImageError
from kernel.image import find_image
from machine.errors import Error
from ringscope.boot import Configuration
from ringscope.demo.main import demo, perform
from ringscope.demo.transcript import Transcript

pytestmark = pytest.mark.gdb


@pytest.fixture(scope="module", autouse=True)
def built_guest():
    try:
        find_image()
    except ImageError as error:
        pytest.skip(str(error))


def play(configuration, **options):
    """Findings by claim, and what was printed."""
    output = io.StringIO()
    transcript = Transcript(Console(file=output, width=120, soft_wrap=True, highlight=False))
    return perform(configuration, transcript, **options), output.getvalue()


@pytest.fixture(scope="module")
def printed():
    done = subprocess.run(
        [sys.executable, "-m", "ringscope.cli", "demo", "--no-color"], capture_output=True, text=True, timeout=100
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout[-3000:]
    return done.stdout


def test_every_claim_is_observed(printed):
    *_, last = printed.splitlines()
    held, of, total, *_ = last.split()
    assert (held, of) == (total, "of") and int(total) > 30


def test_plain_where_asked(printed):
    assert "\x1b" not in printed


def test_the_iretq_goes_from_ring_0_to_ring_3(printed):
    lines = printed.splitlines()
    step = lines.index("(gdb) stepi")
    assert lines[step - 1] == "CS 0x10  SS 0x18  CPL 0"
    assert lines[step + 1].startswith("_start () at start.S")
    assert lines[step + 4] == "CS 0x33  SS 0x2b  CPL 3"


def test_both_programs_report_on_the_console(printed):
    lines = [line for line in printed.splitlines() if line.startswith("serial │")]
    assert "serial │ ucs = 0x33" in lines
    assert lines[-1].endswith("] helper: ucs = 0x33")


def test_the_backtrace_crosses_into_the_program(printed):
    between = printed.partition("(gdb) tbreak do_syscall_64")[2]
    order = [between.index(f" {name} (") for name in ("entry_SYSCALL_64", "printf", "main")]
    assert order == sorted(order)


def test_another_program_is_noticed():
    findings, output = play(Configuration(append="init=/bin/sh"), seconds=3)
    by_name = {finding.claim.what: finding for finding in findings}
    assert by_name["RBX, the path"].observed == "/bin/sh"
    assert not by_name["RBX, the path"].holds
    assert by_name["CS of its program"].observed is None
    assert by_name["EAX, the number of execve"].holds
    assert re.search(r"The demo ended early: no answer to `\w+` within 3 s\.", output)
    assert "not observed" in output


def test_a_gdb_that_dies_is_no_success(tmp_path):
    program = tmp_path / "gdb"
    program.write_text("#!/bin/sh\nexit 7\n")
    program.chmod(0o755)
    findings, output = play(Configuration(), gdb=str(program))
    assert not any(finding.holds for finding in findings)
    assert "The demo ended early: gdb ended with status 7." in output
    assert demo(gdb=str(program), color=False) == 1


def test_no_gdb_is_one_sentence():
    with pytest.raises(Error, match="no-such-gdb is not installed"):
        demo(gdb="no-such-gdb")
