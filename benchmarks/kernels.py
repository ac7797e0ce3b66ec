"""What a kernel's services cost: one program, `kernel/user/programs/costs.c`, under our kernel and under Debian's.

The figures are virtual time, that is, bytes of guest code; they are the same on every host.
"""

import re
import subprocess
from pathlib import Path

from benchmarks import servers
from benchmarks.client import WrongAnswer
from benchmarks.linux import MEMORY, PATIENCE
from benchmarks.measures import Measure
from kernel.cpio import archive, character_device, directory, regular

OURS, DEBIAN = "our kernel", "Debian's 6.1"
TEXTS = {
    "syscall": "`getppid` by SYSCALL",
    "page-fault": "first touch of an anonymous page, with its part of mmap and munmap",
    "context-switch": "from one task to the other by a pipe",
    "fork": "fork, exit and wait of a small program",
    "fork-exec": "fork, execve of a static program, exit and wait",
}
MEASURES = [Measure(name, "ns", text, None, False) for name, text in TEXTS.items()]


def initial_ram_disk(costs):
    """The program alone, as the first one."""
    console = character_device("dev/console", 5, 1)
    return archive([directory("dev"), console, regular("init", costs, executable=True)])


def costs(words):
    """ns by service, as the guest's console tells them.  Raises `WrongAnswer` if one is missing."""
    done = subprocess.run([servers.COMMAND, *words], stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE)
    found = {name.decode(): float(ns) for name, ns in re.findall(rb"cost ([a-z-]+) (\d+)", done.stdout)}
    if missing := TEXTS.keys() - found.keys():
        raise WrongAnswer(
            f"no cost of {min(missing)}: {done.stdout[-300:].decode(errors='replace')}{done.stderr[-300:]}"
        )
    return found


def run(found, image, figures):
    """Both kernels once: they give the same figures every time."""
    disk = Path(found.snapshots, "costs.cpio")
    disk.write_bytes(initial_ram_disk(image.program("costs").read_bytes()))
    ours = ["run", "--append", "panic=-1 init_action=poweroff /bin/costs"]
    debian = ["run", "--kernel", found.kernel, "--initrd", disk, "--memory", MEMORY]
    debian += ["--append", f"{found.append} panic=-1"]
    for name, words in ((OURS, ours), (DEBIAN, debian)):
        for service, ns in costs(words).items():
            entry = next(entry for entry in MEASURES if entry.name == service)
            figures.add(name, entry, [ns])
    return [OURS, DEBIAN]
