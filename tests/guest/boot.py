"""Boot the guest on our own machine or in QEMU, type at its console, and see what it says and how it ends."""

import os
import selectors
import subprocess
import time
from typing import NamedTuple

from kernel.abi.tables import constant
from kernel.image import find_image
from machine.boot.load import boot as load
from machine.machine import Machine
from machine.stop import Exited

PROMPT = b"# "
SECONDS = 60
DISK = 32 << 20
"""Bytes of the disk, as our own machine has one."""

POWER_OFF, PANIC, RESTART = (constant(f"EXIT_{name}") for name in ("POWER_OFF", "PANIC", "RESTART"))


class Run(NamedTuple):
    """What the guest wrote to its console, with plain newlines, and the code it wrote to the exit port."""

    console: str
    code: int | None

    def lines(self):
        """The console's lines without the kernel's time stamps."""
        return [line.partition("] ")[2] if line.startswith("[") else line for line in self.console.splitlines()]


class Typist:
    """Collects the console's bytes and answers each prompt with the next line."""

    def __init__(self, typed):
        self.console = bytearray()
        self.typed = list(typed)

    def answer(self):
        """The bytes to type now."""
        if self.typed and self.console.endswith(PROMPT):
            return self.typed.pop(0) + b"\r"
        return b""

    def run(self, code):
        return Run(self.console.replace(b"\r", b"").decode("utf-8", "replace"), code)


def on_machine(append, *, typed=(), kernel=None, initramfs=None, memory=64, entry=None):
    """Run to the guest's end on our own machine; `memory` in MiB."""
    typist = Typist(typed)
    machine = Machine(memory << 20, send=typist.console.extend)
    load(machine, kernel or vmlinux(), initrd=initrd(initramfs), command_line=append, entry=entry)
    deadline = time.monotonic() + SECONDS
    while (stop := machine.run()) is None:
        assert time.monotonic() < deadline, f"no end after {SECONDS} s:\n{typist.run(None).console}"
        if keys := typist.answer():
            machine.serial.receive(keys)
    return typist.run(stop.code if isinstance(stop, Exited) else None)


def on_qemu(append, *, typed=(), kernel=None, initramfs=None, memory=64, directory=None, cpus=1):
    """Run to the guest's end in QEMU; `directory` is for the files that it is given."""
    (directory / "vmlinux").write_bytes(kernel or vmlinux())
    (directory / "initramfs.cpio").write_bytes(initrd(initramfs))
    with (directory / "disk").open("wb") as disk:
        disk.truncate(DISK)
    typist = Typist(typed)
    command = qemu_command(directory / "vmlinux", directory / "initramfs.cpio", append, memory, cpus)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    drive = ("-drive", f"file={directory / 'disk'},format=raw,if=ide,index=0")
    with subprocess.Popen([*command, *drive, "-serial", "stdio"], **pipes) as process:
        try:
            _converse(process, typist)
        finally:
            process.kill()
    return typist.run(process.returncode >> 1 if process.returncode > 0 else None)


def _converse(process, typist):
    deadline = time.monotonic() + SECONDS
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while selector.select(deadline - time.monotonic()):
            data = os.read(process.stdout.fileno(), 65536)
            typist.console += data
            if not data:
                process.wait(timeout=SECONDS)
                return
            if keys := typist.answer():
                process.stdin.write(keys)
                process.stdin.flush()
    raise AssertionError(f"no end after {SECONDS} s:\n{typist.run(None).console}")


def qemu_command(kernel, initramfs, append, memory=64, cpus=1):
    """QEMU without a screen, with the exit port, and nothing said about the console.

    Each processor in a socket of its own: SeaBIOS's MP table names one of each.

    Without SMAP: QEMU 7.2 makes the stack accesses of LRET and IRET in ring 3 with ring 0's rights, which SMAP forbids.
    """
    return [
        *("qemu-system-x86_64", "-accel", "tcg", "-cpu", "max,-smap", "-m", str(memory), "-no-reboot"),
        *("-smp", f"{cpus},sockets={cpus}"),
        *("-kernel", str(kernel), "-initrd", str(initramfs), "-append", append),
        *("-display", "none", "-monitor", "none"),
        *("-device", "isa-debug-exit,iobase=0xf4,iosize=0x04"),
    ]


def vmlinux():
    return find_image().vmlinux.read_bytes()


def bzimage():
    return find_image().bzimage.read_bytes()


def initrd(given):
    return find_image().initramfs.read_bytes() if given is None else given
