"""apt as the one that finds, fetches and checks Debian's packages; needs no root."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

ARCHITECTURE = "amd64"
_ALWAYS = ("-o", f"APT::Architecture={ARCHITECTURE}", "-o", "APT::Sandbox::User=root")
TERMINAL = 2
"""The descriptor that gets apt's progress: standard error."""


class PackageError(Exception):
    """A package cannot be had or read; the message names it."""


class Release(NamedTuple):
    """A package as the archive has it, with the names of those it depends on."""

    package: str
    version: str
    depends: tuple[str, ...]

    @property
    def stem(self) -> str:
        """How its file's name begins: an epoch's colon is escaped there."""
        return f"{self.package}_{self.version.replace(':', '%3a')}"


class Apt:
    """Asks the system's package lists first, then fresh ones kept in ``lists``; ``say`` hears of what takes time.

    With ``suite``, of a name such as ``bookworm-backports``, it knows that suite of the system's Debian mirror alone.
    """

    def __init__(self, lists: Path, say: Callable[[str], None], suite: str | None = None) -> None:
        self._lists = lists
        self._say = say
        self._suite = suite
        self._sources = lists.with_name("sources.list")  # apt tidies the folder of the lists
        self._fresh = False

    def release(self, package: str) -> Release:
        """The newest version that can be installed.  Raises `PackageError`."""
        return parse_release(package, self._run("apt-cache", "show", "--no-all-versions", package))

    def download(self, release: Release, directory: Path) -> Path:
        """Fetch a package into a directory; what an interrupted call left there is resumed.  Raises `PackageError`."""
        directory.mkdir(parents=True, exist_ok=True)
        self._say(f"fetching {release.package} {release.version}")
        self._run("apt-get", "download", f"{release.package}={release.version}", directory=directory)
        found = list(directory.glob(f"{release.stem}_*.deb"))
        if not found:
            raise PackageError(f"apt-get download {release.package} left no {release.stem}_*.deb in {directory}")
        return found[0]

    def update(self) -> None:
        """Fetch the package lists, and use them from now on.  Raises `PackageError`."""
        _need("apt-get")
        self._fresh_lists("fetching the package lists")

    def _run(self, program: str, *words: str, directory: Path | None = None) -> str:
        _need(program)
        done = None if self._fresh or self._suite else _call((program, *_ALWAYS, *words), directory)
        if done is None or done.returncode:
            done = _call((program, *_ALWAYS, *self._fresh_lists(), *words), directory)
        if done.returncode:
            raise PackageError(f"{program} {' '.join(words)} failed: {reason(done)}")
        return done.stdout

    def _fresh_lists(self, what: str = "the system's package lists do not do: fetching fresh ones") -> tuple[str, ...]:
        options: tuple[str, ...] = (
            *("-o", f"Dir::State::lists={self._lists}"),
            *("-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache="),
        )
        if self._suite:
            options += ("-o", f"Dir::Etc::sourcelist={self._sources}", "-o", "Dir::Etc::sourceparts=/dev/null")
        if not self._fresh:
            (self._lists / "partial").mkdir(parents=True, exist_ok=True)
            self._say(f"fetching the package lists of {self._suite}" if self._suite else what)
            if self._suite:
                self._sources.write_text(f"deb {mirror()} {self._suite} main\n")
            done = _call(("apt-get", *_ALWAYS, *options, "update"), self._lists)
            if done.returncode:
                raise PackageError(f"apt-get update failed: {reason(done)}")
            self._fresh = True
        return options


def _need(program: str) -> None:
    if shutil.which(program) is None:
        raise PackageError(
            f"{program} is not installed, so no package can be fetched; "
            "a kernel file that is here already boots with ringscope run --kernel"
        )


def mirror() -> str:
    """Where the system gets Debian's own packages from, a URI.  Raises `PackageError` if apt names no such place."""
    words = ("indextargets", "--format", "$(ORIGIN) $(REPO_URI)", "Identifier: Packages")
    lines = _call(("apt-get", *_ALWAYS, *words), None).stdout.splitlines()
    places = [uri for origin, _, uri in (line.partition(" ") for line in lines) if origin == "Debian"]
    archives = [uri for uri in places if "security" not in uri]
    if not archives:
        raise PackageError("apt knows no mirror of Debian yet: apt-get update fetches its package lists")
    return archives[0]


def _call(command: tuple[str, ...], directory: Path | None) -> subprocess.CompletedProcess[str]:
    """Run apt: what it says of progress goes to the terminal, an answer is caught."""
    output = subprocess.PIPE if directory is None else TERMINAL
    return subprocess.run(
        command, cwd=directory, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.PIPE, text=True
    )


def reason(done: subprocess.CompletedProcess[str]) -> str:
    """Why apt failed, in its own words."""
    errors = [line for line in done.stderr.splitlines() if line.startswith("E:")]
    return " ".join(errors) or done.stderr.strip() or f"status {done.returncode}"


def parse_release(package: str, text: str) -> Release:
    """Read the first paragraph of ``apt-cache show``.  Raises `PackageError` if it lacks a version."""
    paragraph = text.split("\n\n")[0]
    fields = dict(re.findall(r"^([A-Za-z-]+): (.*)$", paragraph, re.MULTILINE))
    if "Version" not in fields:
        raise PackageError(f"apt-cache show {package} names no version")
    depends = re.findall(r"(?:^|,)\s*([a-z0-9][a-z0-9+.-]*)", fields.get("Depends", ""))
    return Release(fields.get("Package", package), fields["Version"], tuple(depends))
