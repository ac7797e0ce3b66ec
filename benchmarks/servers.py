"""The servers that are compared: how each is started on the workload and on the project's own kernel."""

import contextlib
import os
import selectors
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.client import WrongAnswer, clock

QEMU = "qemu-system-x86_64"
QEMU_PC = ["-nodefaults", "-no-reboot", "-display", "none", "-monitor", "none", "-machine", "pc", "-m", "64"]
QEMU_PC += ["-accel", "tcg,thread=single"]
COMMAND = Path(sys.executable).with_name("ringscope")
FIRST_WORDS_OF_INIT = b"ucs = 0x33"  # what /sbin/init prints from ring 3
PATIENCE = 30.0  # seconds


def serve_ringscope(port, elf):
    return [COMMAND, "serve", "--listen", f"127.0.0.1:{port}", "--kernel", elf]


def serve_qemu(port, elf):
    return [QEMU, *QEMU_PC, "-serial", "none", "-kernel", elf, "-S", "-gdb", f"tcp:127.0.0.1:{port}"]


def boot_ringscope(_):
    return [COMMAND, "run"]


def boot_qemu(image):
    disk = ["-kernel", image.vmlinux, "-initrd", image.initramfs, "-append", "console=ttyS0"]
    return [QEMU, *QEMU_PC, "-serial", "stdio", "-device", "isa-debug-exit,iobase=0xf4,iosize=4", *disk]


# name: (command that serves the workload, command that boots our kernel with its serial line on standard output)
SERVERS = {"ringscope": (serve_ringscope, boot_ringscope), "QEMU TCG": (serve_qemu, boot_qemu)}


def installed():
    """The names of the servers that can be measured here."""
    programs = {"ringscope": str(COMMAND), "QEMU TCG": QEMU}
    return [name for name, program in programs.items() if shutil.which(program)]


def stay_on_one_core():
    """Pin this process and its children: a wake-up across cores costs more than most of what is measured."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


@contextlib.contextmanager
def running(argv, **options):
    """A child process that is gone afterwards, whatever happened; Python may keep its byte code, as for a user."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    words = [str(word) for word in argv]
    process = subprocess.Popen(words, stderr=subprocess.STDOUT, env=environment, **options)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listening(port):
    """Whether someone listens on a TCP port, without disturbing a server that takes one connection only."""
    lines = [line.split() for name in ("tcp", "tcp6") for line in listing(Path("/proc/net", name))]
    return any(words[3] == "0A" and int(words[1].rpartition(":")[2], 16) == port for words in lines)


def listing(path):
    return path.read_text().splitlines()[1:] if path.exists() else []


@contextlib.contextmanager
def serving(name, elf, log):
    """A server of the workload, stopped before its first instruction; its port."""
    port = free_port()
    with (
        log.open("wb") as output,
        running(SERVERS[name][0](port, elf), stdin=subprocess.DEVNULL, stdout=output) as child,
    ):
        end = clock() + PATIENCE
        while not listening(port):
            if child.poll() is not None or clock() > end:
                raise WrongAnswer(f"{name} does not listen: {log.read_text(errors='replace')[-400:]}")
            time.sleep(0.01)
        yield port


def seconds_to_init(name, image):
    """From the start of the process until /sbin/init has printed its first line."""
    begin, seen = clock(), b""
    with running(SERVERS[name][1](image), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as child:
        selector = selectors.DefaultSelector()
        selector.register(child.stdout, selectors.EVENT_READ)
        while FIRST_WORDS_OF_INIT not in seen:
            chunk = os.read(child.stdout.fileno(), 1 << 16) if selector.select(begin + PATIENCE - clock()) else b""
            if not chunk:
                raise WrongAnswer(f"{name} never came to init: {seen[-300:].decode(errors='replace')}")
            seen += chunk
        return clock() - begin
