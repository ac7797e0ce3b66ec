"""Stock gdb on the guest's terminal: from a key to the signal of the job in the foreground."""

import re

import pytest

from tests.guest.places import at_the_prompt
from tests.realgdb.harness import values
from tests.realgdb.served import gdb_on

pytestmark = pytest.mark.gdb


@pytest.fixture
def gdb(tmp_path):
    """gdb(keys, commands…) -> what gdb printed: the shell waits at its prompt, and the keys come next."""

    def run(keys, *commands):
        guest = at_the_prompt("quiet loglevel=1")
        guest.machine.serial.receive(keys)
        return gdb_on(guest, tmp_path, *commands)

    return run


def test_ctrl_c_is_an_interrupt_that_becomes_a_signal(gdb):
    output = gdb(b"\x03", "tbreak isig", "continue", "bt", "print sig", "print tty->pgrp", "print tty->session")
    assert re.search(r"(?s)isig .* n_tty_receive_char .* flush_to_ldisc .* tasklet_action .* common_interrupt ", output)
    assert values(output) == ["2", "3", "3"]


def test_a_job_gets_the_terminal(gdb):
    output = gdb(
        b"ls\r",
        *("tbreak do_exit", "continue", "print current_task->comm", "print current_task->signal->session"),
        *("print console_tty.pgrp == current_task->signal->pgrp", "print console_tty.pgrp == current_task->tgid"),
    )
    assert '"ls"' in output
    assert values(output)[1:] == ["3", "1", "1"]


def test_a_line_is_whole_before_it_is_read(gdb):
    output = gdb(
        b"ls\r",
        *("tbreak end_line", "continue", "print tty->disc_data.read_head - tty->disc_data.read_tail"),
        *("print tty->disc_data.canon_head == tty->disc_data.read_tail", "finish"),
        "print console_tty.disc_data.canon_head == console_tty.disc_data.read_head",
    )
    assert values(output) == ["2", "1", "1"]
