"""Every example runs as its first lines say, and prints what it is for."""

import re
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from gdbstub.server import Policy, Server, Then, listen
from kernel.image import find_image
from ringscope.boot import Configuration, power_on
from ringscope.serve import make_target

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
SECONDS = 60


def run(*words, **options):
    """The output of a program that must end well; both streams."""
    done = subprocess.run(
        list(map(str, words)),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        **options,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def ringscope(*words):
    return run(sys.executable, "-m", "ringscope.cli", *words)


@contextmanager
def served(configuration):
    """The address of a machine behind the stub, on a free port."""
    policy = Policy(detached=Then.RETURN, vanished=Then.RETURN, killed=Then.RETURN)
    with Server(make_target(power_on(configuration)), listen("127.0.0.1:0"), policy=policy) as server:
        thread = threading.Thread(target=server.serve, daemon=True)
        thread.start()
        try:
            yield server.address
        finally:
            server.stop()
            thread.join()


@pytest.mark.gdb
def test_watch_cs(tmp_path):
    with served(Configuration()) as address:
        script = tmp_path / "watch_cs.gdb"
        script.write_text((EXAMPLES / "watch_cs.gdb").read_text().replace("127.0.0.1:1234", address))
        said = run("gdb", "-nx", "-batch", "-x", script, find_image().vmlinux)
    assert re.search(r"^before: CS 0x10 SS 0x18 at 0xffffffff8", said, re.MULTILINE)
    assert re.search(r"^after:  CS 0x33 SS 0x2b at 0x40", said, re.MULTILINE)


@pytest.mark.gdb
def test_page_tables():
    said = ringscope("debug", "-ex", "source examples/page_tables.gdb")
    physical = re.search(r"^user (0x\w+) is physical (0x\w+)$", said, re.MULTILINE)
    assert physical, said
    assert f"physical {physical[2]} in a 4 KiB page" in said
    assert f"physical {physical[2]} in a 2 MiB page" in said
    user, kernel = re.findall(r"^0x\w+:\s+(0x\w+)$", said, re.MULTILINE)
    assert user == kernel


@pytest.mark.gdb
def test_regression():
    assert run(sys.executable, EXAMPLES / "regression.py") == "write, then open, both from ring 3\n"


def test_in_process():
    said = run(sys.executable, EXAMPLES / "in_process.py")
    assert re.search(r"^regs->cs at 0xffffc9\w+: 0x10, then 0x33$", said, re.MULTILINE)
    rings = re.findall(r"^rip (0x\w+) cs (0x\w+) ring (\d)", said, re.MULTILINE)
    assert [ring[1:] for ring in rings] == [("0x10", "0"), ("0x33", "3")]


@pytest.fixture(scope="module")
def tiny_kernel(tmp_path_factory):
    """Built by the commands in the source's own comment."""
    pytest.importorskip("ziglang", reason="the compiler, ziglang, is not installed")
    directory = tmp_path_factory.mktemp("tiny")
    source = (EXAMPLES / "tiny_kernel.S").read_text()
    commands = re.findall(r"^ \*   python (-m ziglang .*)$", source, re.MULTILINE)
    assert len(commands) == 2
    for command in commands:
        words = (re.sub(r"^tiny_kernel", f"{directory}/tiny_kernel", word) for word in command.split())
        run(sys.executable, *words)
    return directory / "tiny_kernel"


def test_tiny_kernel_runs(tiny_kernel):
    assert ringscope("run", "--kernel", tiny_kernel) == "hello from ring 0\n"


@pytest.mark.gdb
def test_tiny_kernel_in_gdb(tiny_kernel):
    with served(Configuration(kernel=tiny_kernel)) as address:
        attach = (f"file {tiny_kernel}", "set architecture i386:x86-64", f"target remote {address}")
        commands = (*attach, "break hello", "continue", "stepi", "print $cs", "print $cr0", "kill")
        said = run("gdb", "-nx", "-batch", *(word for command in commands for word in ("-ex", command)))
    assert "Breakpoint 1, hello () at examples/tiny_kernel.S:" in said
    assert "$1 = 8\n$2 = [ PE ET ]\n" in said


def test_every_example_is_listed_and_tested():
    names = {path.name for path in EXAMPLES.iterdir() if path.suffix in (".py", ".gdb", ".S")}
    listed = set(re.findall(r"\]\((\S+)\)", (EXAMPLES / "README.md").read_text()))
    assert names == listed
    tested = Path(__file__).read_text()
    assert [name for name in names if name.partition(".")[0] not in tested] == []
