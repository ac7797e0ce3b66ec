"""Guests of our kernel, brought to a place of their run."""

from kernel.tasks import current_task
from machine import stop
from ringscope.boot import power_on
from ringscope.configuration import Configuration

INIT, SHELL = 1, 3
"""Pids, once the shell is there."""


def run_to(guest, name, *, hits=1):
    """Until a function is entered."""
    address = guest.symbols.lookup(name).address
    guest.machine.cpu.breakpoints.insert(address)
    while hits:
        hits -= isinstance(guest.machine.run(), stop.Breakpoint)
    guest.machine.cpu.breakpoints.remove(address)


def until_idle(guest):
    """Until every task waits."""
    while current_task(guest.running_kernel).pid:
        assert guest.machine.run(1 << 14) is None


def at_the_prompt(append="init_action=shell"):
    """A guest whose shell waits for input, and init for the shell."""
    guest = power_on(Configuration(append=append))
    run_to(guest, "n_tty_read")
    until_idle(guest)
    return guest
