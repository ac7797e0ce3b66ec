"""Stock gdb on the guest's signals: from the fault to the handler's frame and back by rt_sigreturn."""

import re

import pytest

from ringscope.boot import power_on
from ringscope.configuration import Configuration
from tests.realgdb.harness import values
from tests.realgdb.served import gdb_on

pytestmark = pytest.mark.gdb

APPEND = "init_action=poweroff /bin/signals"


@pytest.fixture
def gdb(tmp_path):
    """gdb(commands…) -> what gdb printed, from the first instruction on."""

    def run(*commands):
        guest = power_on(Configuration(append=APPEND))
        return gdb_on(guest, tmp_path, *commands)

    return run


def test_a_fault_becomes_a_frame_on_the_stack(gdb):
    output = gdb(
        *("tbreak force_sig_fault", "continue", "print sig", "print/x addr", "bt"),
        *("tbreak setup_rt_frame", "continue", "print ksig->info.si_code", "print/x regs->sp"),
        "finish",
    )
    assert values(output)[:3] == ["11", "0x1000", "1"]
    assert re.search(r"(?s)force_sig_fault .* bad_area .* do_user_addr_fault .* exc_page_fault ", output)
    assert "handle_signal" in output and "Value returned is $5 = 0" in output


def test_the_handler_is_entered_and_leads_back(gdb):
    output = gdb(
        *("tbreak setup_rt_frame", "continue", "set $old = regs->ip", "set $handler = ksig->ka.sa.sa_handler"),
        *("tbreak *$handler", "continue", "print $rip == $handler", "print $rdi", "print/x $cs"),
        *("tbreak sys_rt_sigreturn", "continue", "bt 2", "tbreak restore_sigcontext", "continue"),
        *("print sc->ip > $old", "print sc->trapno", "print/x sc->cr2"),
    )
    assert values(output) == ["1", "11", "0x33", "1", "14", "0x1000"]
    assert "do_syscall_64" in output


def test_an_alarm_comes_in_an_interrupt_and_ends_a_sleep(gdb):
    output = gdb(
        *("tbreak it_real_fn", "continue", "bt", "tbreak handle_signal", "continue"),
        *("print (long) regs->ax", "print ksig->sig", "tbreak setup_rt_frame", "continue", "print (long) regs->ax"),
    )
    assert "common_interrupt" in output and "timer_interrupt" in output
    assert values(output) == ["-516", "14", "-4"]  # ERESTART_RESTARTBLOCK becomes EINTR


def test_a_signal_without_a_handler_ends_the_process(gdb):
    output = gdb("tbreak complete_signal if sig == 15", "continue", "tbreak do_exit if code == 15", "continue", "bt")
    assert re.search(r"do_exit \(code=(code@entry=)?15\).*\n.* do_group_exit .*\n(.*\n)?.* get_signal ", output)
