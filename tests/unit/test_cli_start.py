"""What the command line loads before it knows what is asked: not the machine."""

import subprocess
import sys

import pytest

HEAVY = {"unicorn", "capstone", "elftools", "prompt_toolkit", "rich", "machine.machine"}


@pytest.mark.parametrize("line", ["--help", "--version", "run --help", "linux --help", "run --memory x", ""])
def test_help_version_and_wrong_words_load_no_machine(line):
    program = (
        "import sys\n"
        "from ringscope.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "sys.stderr.write('loaded ' + ' '.join(sys.modules) + '\\n')"
    )
    ran = subprocess.run([sys.executable, "-c", program, *line.split()], capture_output=True, text=True, check=True)
    loaded = set(ran.stderr.splitlines()[-1].split())
    assert not loaded & HEAVY


def test_the_version_names_the_engine_too():
    ran = subprocess.run(
        [sys.executable, "-m", "ringscope.cli", "--version"], capture_output=True, text=True, check=True
    )
    assert ran.stdout.startswith("ringscope 0.") and "Unicorn 2.1.4" in ran.stdout
