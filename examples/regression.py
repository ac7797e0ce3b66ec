"""A regression test in stock gdb: where the first program's first system calls come from, and what they return.

    python examples/regression.py

`ringscope.gdbmi` drives gdb through its machine interface, parsed by pygdbmi: `execute` returns when gdb has answered
and, if the command let the guest run, when it has stopped again. Nothing sleeps.
"""

import re

from ringscope.boot import Configuration, power_on
from ringscope.debug import served
from ringscope.gdbmi import Gdb
from ringscope.serve import gdb_commands

WRITE, OPEN = 1, 2


def number(pattern: str, text: str) -> int:
    """The number that a pattern finds in gdb's answer."""
    found = re.search(pattern, text)
    assert found, f"no {pattern!r} in {text!r}"
    return int(found[1], 0)


def system_call(gdb: Gdb) -> tuple[int, int]:
    """Run to the next system call: its number, and the ring that made it."""
    nr = number(r"\bnr=(\d+)", gdb.execute("continue"))
    return nr, number(r"= (\d+)", gdb.execute("print regs->cs & 3"))


def main() -> None:
    guest = power_on(Configuration())
    with served(guest) as address, Gdb("gdb") as gdb:
        for command in gdb_commands(guest, address):
            gdb.execute(command)
        gdb.execute("break do_syscall_64")
        first, second = system_call(gdb), system_call(gdb)
        gdb.execute("kill")
    assert first == (WRITE, 3), first
    assert second == (OPEN, 3), second
    print("write, then open, both from ring 3")


if __name__ == "__main__":
    main()
