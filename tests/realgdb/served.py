"""A machine of this process behind the stub, for stock gdb: `with served(machine, path)`."""

import threading
from contextlib import contextmanager
from pathlib import Path

from gdbstub.server import Server, listen
from kernel.image import find_image
from ringscope.boot import Guest
from ringscope.serial.lines import join
from ringscope.serial.spec import STDIO
from ringscope.serve import make_target


def bare_guest(machine):
    """What the product knows of a guest without a kernel file."""
    return Guest(machine, Path("bare"), "none", None, join(machine, (STDIO,), lambda data: None), None)


@contextmanager
def served(guest, path, view="cpu", **options):
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


def booted():
    """The kernel, about to run its first instruction."""
    from ringscope.boot import power_on
    from ringscope.configuration import Configuration

    assert find_image().vmlinux.is_file()
    return power_on(Configuration())
