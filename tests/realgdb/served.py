"""A machine of this process behind the stub, for stock gdb: `with served(machine, path)`, or all at once."""

import threading
from contextlib import contextmanager
from pathlib import Path

from gdbstub.server import Server, listen
from kernel.image import find_image
from ringscope.boot import Guest, power_on
from ringscope.configuration import CPU, Configuration
from ringscope.serial.lines import join
from ringscope.serial.spec import STDIO
from ringscope.serve import make_target
from tests.realgdb.harness import gdb_batch


def bare_guest(machine):
    """What the product knows of a guest without a kernel file."""
    return Guest(machine, Path("bare"), "none", None, join(machine, (STDIO,), lambda data: None), None)


@contextmanager
def served(guest, path, view=CPU, **options):
    """Serve on a socket in the file system until the context is left; yields the server."""
    with Server(make_target(guest, view), listen(f"unix:{path}"), **options) as server:
        thread = threading.Thread(target=server.serve, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.stop()
            thread.join(30)
            assert not thread.is_alive(), "the server did not stop"


def booted(append="", **configuration):
    """The kernel, about to run its first instruction."""
    assert find_image().vmlinux.is_file()
    return power_on(Configuration(append=append, **configuration))


AS_PROCESSES = ("set sysroot target:", "set architecture i386:x86-64", "set schedule-multiple on")
"""Settings with which gdb takes the guest's tasks for threads of processes."""


def gdb_on(guest, directory, *commands, view=CPU, before=(), remote="remote"):
    """What `gdb -batch` prints on a guest, with its kernel's symbols, after it has attached."""
    with served(guest, directory / "gdb.sock", view=view) as server:
        attach = f"target {remote} {server.address}"
        return gdb_batch(*before, attach, *commands, file=guest.kernel)


def gdb_from_boot(directory, append, *commands):
    """`gdb_on`, from the kernel's first instruction on."""
    return gdb_on(booted(append), directory, *commands)
