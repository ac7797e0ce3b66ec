"""Debian's kernel on every engine and on QEMU: one boot a round, timed by the marks that an init script prints."""

import contextlib
import os
import re
import selectors
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from benchmarks import breakpoints, servers
from benchmarks.client import WrongAnswer, clock
from benchmarks.measures import Measure
from kernel.cpio import archive, character_device, directory, regular

MEMORY = "256M"
LOOPS, FORKS = 200_000, 300
PATIENCE = 240.0  # seconds

INIT = f"""#!/bin/busybox sh
/bin/busybox mkdir -p /proc
/bin/busybox mount -t proc proc /proc
echo @ready
i=0; while [ $i -lt {LOOPS} ]; do i=$((i+1)); done; echo @loop
i=0; while [ $i -lt {FORKS} ]; do /bin/true; i=$((i+1)); done; echo @fork
read line
"""

BOOT = Measure("linux boot", "s", "Debian's bzImage, entered at 64, to its init script's line", None, False)
UNPACKED = Measure("linux unpacked", "s", "the same, unpacked by the host", None, False)
LOOP = Measure("linux loop", "s", f"busybox ash: a loop of {LOOPS:,} rounds", None, False)
FORK = Measure("linux fork", "s", f"busybox ash: {FORKS} times fork and exec of /bin/true", None, False)
PROMPT = Measure("linux prompt", "s", "process start to the prompt, from a snapshot of it", None, False)
ANSWER = Measure("linux answer", "s", "the same, to the answer of a line typed there", None, False)
ONE = Measure("linux, 1 bp", "%", "time that 1 breakpoint adds to the loop in ash, armed and not hit", None, False)
FIFTY = Measure("linux, 50 bp", "%", "the same with 50, on pages of the code that runs", None, False)
PEAK = Measure("linux peak", "MB", f"peak memory of the process, with what was touched of {MEMORY} RAM", None, False)
MEASURES = (BOOT, UNPACKED, LOOP, FORK, PROMPT, ANSWER, ONE, FIFTY, PEAK)


class Files(NamedTuple):
    """What every server boots, and where its snapshots are put."""

    kernel: Path
    initrd: Path
    append: str
    snapshots: Path


@contextlib.contextmanager
def files():
    """Debian's kernel with an initial RAM disk made here.  Raises `PackageError` if it is not to be had."""
    from ringscope import linux

    packages = linux.cache(lambda text: print(text, file=sys.stderr))
    kernel = linux.fetch(packages).kernel
    busybox = packages.file(packages.release(linux.BUSYBOX), "bin/busybox", "usr/bin/busybox").read_bytes()
    with tempfile.TemporaryDirectory(prefix="ringscope-bench-") as place:
        disk = Path(place, "initrd.cpio")
        disk.write_bytes(initial_ram_disk(busybox))
        yield Files(kernel, disk, f"console=ttyS0 {linux.COMMAND_LINE} quiet", Path(place))


def initial_ram_disk(busybox):
    """busybox as its own /bin/true, and the script."""
    return archive(
        [
            directory("dev"),
            character_device("dev/console", 5, 1),
            directory("bin"),
            regular("bin/busybox", busybox, executable=True),
            regular("bin/true", busybox, executable=True),
            regular("init", INIT.encode(), executable=True),
        ]
    )


def engines():
    """The engines that ringscope offers: the options that choose each, by the name of its column."""
    ran = subprocess.run([servers.COMMAND, "run", "--help"], capture_output=True, text=True, check=True)
    found = re.search(r"--engine \{([a-z,]+)\}", ran.stdout)
    names = [name for name in found[1].split(",") if name in ("fast", "portable")] if found else []
    return {f"ringscope, {name}": ["--engine", name] for name in names} or {"ringscope": []}


def ringscope(found, options, entry):
    words = [servers.COMMAND, "run", "--kernel", found.kernel, "--initrd", found.initrd, "--append", found.append]
    return [*words, "--memory", MEMORY, "--entry", entry, *options]


def qemu(found):
    words = [servers.QEMU, "-nodefaults", "-no-reboot", "-display", "none", "-monitor", "none", "-machine", "pc"]
    words += ["-accel", "tcg,thread=single", "-m", MEMORY, "-serial", "stdio"]
    return [*words, "-kernel", found.kernel, "-initrd", found.initrd, "-append", found.append]


def marks(argv, wanted, typed=b""):
    """Seconds from the process's start to each mark, and at the last one the process's peak memory in bytes.

    ``typed`` waits on its standard input from the start.
    """
    begin, seen, times = clock(), b"", {}
    with servers.running(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        child.stdin.write(typed)
        child.stdin.flush()
        selector = selectors.DefaultSelector()
        selector.register(child.stdout, selectors.EVENT_READ)
        while len(times) < len(wanted):
            ready = selector.select(max(begin + PATIENCE - clock(), 0))
            chunk = os.read(child.stdout.fileno(), 1 << 16) if ready else b""
            if not chunk:
                tail = seen[-300:].decode(errors="replace")
                raise WrongAnswer(f"no {wanted[len(times)]} from {Path(argv[0]).name}: {tail}")
            seen += chunk
            while len(times) < len(wanted) and wanted[len(times)].encode() in seen:
                times[wanted[len(times)]] = clock() - begin
        return times, peak(child.pid)


def peak(pid):
    """VmHWM in bytes (proc(5))."""
    return int(re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())[1]) * 1024


def one_round(name, argv, figures):
    """A boot to the end of the script; the times of its marks."""
    times, most = marks(argv, ["@ready", "@loop", "@fork"])
    figures.add(name, BOOT, [times["@ready"]])
    figures.add(name, LOOP, [times["@loop"] - times["@ready"]])
    figures.add(name, FORK, [times["@fork"] - times["@loop"]])
    return times, most


class Kept(NamedTuple):
    """Snapshots: at the prompt of `ringscope linux`, and at the start of the script's loop."""

    prompt: Path
    loop: Path


def keep(found):
    """Boot to where a snapshot is wanted, twice."""
    prompt, loop = found.snapshots / "prompt", found.snapshots / "loop"
    boots = {prompt: ([servers.COMMAND, "linux", "--append", "quiet"], "login")}
    boots[loop] = (ringscope(found, [], "unpacked"), "@ready")
    for path, (words, place) in boots.items():
        command = [*words, "--snapshot-at", place, "--snapshot-to", path]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE)
        if not path.exists():
            raise WrongAnswer(f"no snapshot: {done.stderr[-300:]}")
    return Kept(prompt, loop)


def go_on(name, options, kept, figures):
    """From the snapshots: to the prompt, to an answer there, and what breakpoints cost."""
    words = [servers.COMMAND, "linux", *options, "--from-snapshot", kept.prompt]
    times, _ = marks(words, ["# ", "answer\r"], b"echo an''swer\n")
    figures.add(name, PROMPT, [times["# "]])
    figures.add(name, ANSWER, [times["answer\r"]])
    added = breakpoints.costs(kept.loop, options)
    for entry, count in zip((ONE, FIFTY), breakpoints.COUNTS, strict=True):
        figures.add(name, entry, added[count])


def boot(name, options, found, figures):
    """Both ways in, and the most memory that either took."""
    _, most = one_round(name, ringscope(found, options, "64"), figures)
    times, unpacked = marks(ringscope(found, options, "unpacked"), ["@ready"])
    figures.add(name, UNPACKED, [times["@ready"]])
    figures.add(name, PEAK, [max(most, unpacked) / 1e6])


def run_rounds(found, options, figures, names):
    """All columns in turn, as often as asked; ``names`` are the servers. Returns the names of the columns."""
    columns = engines() if "ringscope" in names else {}
    kept = keep(found) if columns else None
    reference = next((name for name in names if name != "ringscope"), None)
    names = [*columns, *([reference] if reference else [])]
    for turn in range(options.rounds):
        for name in names:
            print(f"round {turn + 1} of {options.rounds}: Linux on {name}", file=sys.stderr, flush=True)
            try:
                if name == reference:
                    times, most = one_round(name, qemu(found), figures)
                    figures.add(name, UNPACKED, [times["@ready"]])  # it has one way to boot
                    figures.add(name, PEAK, [most / 1e6])
                else:
                    boot(name, columns[name], found, figures)
                    go_on(name, columns[name], kept, figures)
            except (OSError, WrongAnswer, subprocess.TimeoutExpired) as error:
                print(f"{name}: {error}", file=sys.stderr)
                figures.reasons[name, "round"] = str(error)
    return names
