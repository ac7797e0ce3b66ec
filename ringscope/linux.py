"""`ringscope linux`: Debian's own kernel, unmodified, up to a shell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kernel.cpio import regular
from kernel.image import find_image
from ringscope import initramfs
from ringscope.apt import PackageError
from ringscope.configuration import Configuration
from ringscope.output import naming
from ringscope.serial.spec import STDIO, Spec

if TYPE_CHECKING:
    from ringscope.packages import Packages

IMAGE, UNSIGNED = "linux-image-", "-unsigned"
"""How the packages of Debian's kernels are named; one that is not signed for Secure Boot says so."""

KERNEL, BUSYBOX = "linux-image-cloud-amd64", "busybox-static"
"""The package that depends on Debian's newest kernel for virtual machines, and the one with the user programs."""

COMMAND_LINE = "nokaslr mitigations=off panic=-1"
"""Addresses as linked, so that symbols fit; no detours around faults that this processor does not have.  The console
is the terminal's serial port, unless the user names one: Linux takes the first of several."""

MEMORY = 256 << 20

LEAST_MEMORY = 80 << 20
"""Bytes of RAM in which Debian's kernels come to a shell; Linux 6.1 runs out with 68 MiB."""


@dataclass(frozen=True)
class Files:
    """What `ringscope linux` boots."""

    kernel: Path
    initrd: Path
    symbols: Path | None


def fetch(packages: Packages, *, initrd: Path | None = None, symbols: bool = False, package: str = KERNEL) -> Files:
    """Kernel, initial RAM disk and, if wanted, the kernel's debug information, from the cache or the network.

    ``package`` is a kernel's own, ``linux-image-VERSION``, or one that depends on it.  Raises `PackageError` if
    something cannot be had.
    """
    image = packages.release(kernel_package(packages, package))
    version = image.package.removeprefix(IMAGE).removesuffix(UNSIGNED)
    kernel = packages.file(image, f"boot/vmlinuz-{version}")
    debug_info = None
    if symbols:
        names = image._replace(package=f"{IMAGE}{version}-dbg")
        debug_info = packages.file(names, f"usr/lib/debug/boot/vmlinux-{version}")
    return Files(kernel, initrd or make_initrd(packages), debug_info)


def kernel_package(packages: Packages, package: str = KERNEL) -> str:
    """The name of the package with the kernel itself, such as ``linux-image-VERSION-cloud-amd64``.

    Raises `PackageError`.
    """
    if not package.startswith(IMAGE):
        raise PackageError(f"{package} is no kernel of Debian's: their names begin with {IMAGE}")
    if package[len(IMAGE) :][:1].isdigit():
        return package
    release = packages.release(package)
    names = [name for name in release.depends if name.startswith(IMAGE)]
    if not names:
        raise PackageError(
            f"{package} {release.version} depends on no kernel: {', '.join(release.depends) or 'nothing'}"
        )
    return names[0]


def make_initrd(packages: Packages) -> Path:
    """The busybox initial RAM disk, made anew: it takes milliseconds.  Raises `kernel.errors.Error`, `PackageError`."""
    busybox = packages.file(packages.release(BUSYBOX), "bin/busybox", "usr/bin/busybox")
    path = busybox.with_name("initrd.cpio")
    exitport = find_image().program("exitport").read_bytes()
    data = initramfs.build(busybox.read_bytes(), [regular("sbin/exitport", exitport, executable=True)])
    if not path.exists() or path.read_bytes() != data:
        with naming(path):
            path.write_bytes(data)
    return path


def configuration(
    files: Files,
    *,
    append: str = "",
    memory: int = MEMORY,
    entry: str | None = None,
    serial: tuple[Spec, ...] = (STDIO,),
    engine: str | None = None,
) -> Configuration:
    """The machine for these files; ``append`` comes last on the command line, so that it has the last word."""
    line = f"{_console(append, serial)}{COMMAND_LINE} {append}".strip()
    return Configuration(
        files.kernel,
        files.initrd,
        line,
        memory,
        entry=entry,
        symbols_file=files.symbols,
        serial=serial,
        engine=engine,
        least_memory=LEAST_MEMORY,
    )


def _console(append: str, serial: tuple[Spec, ...]) -> str:
    if any(word.startswith("console=") for word in append.split()):
        return ""
    return f"console=ttyS{serial.index(STDIO) if STDIO in serial else 0} "


def cache(say: Callable[[str], None], suite: str | None = None) -> Packages:
    """The user's cache, of a suite if one is named; ``say`` gets a sentence before what takes time."""
    from ringscope.packages import Packages, cache_directory

    return Packages(cache_directory(), say, suite)
