"""Files out of Debian's packages, by package name, kept in a cache.

A `.deb` is an ar archive with a tar archive in it (Debian: deb(5)); it is unpacked here, so that dpkg is not needed.
"""

from __future__ import annotations

import json
import lzma
import os
import shutil
import tarfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import zstandard

from kernel.cpio import Member, directory, regular, symbolic_link
from ringscope.apt import Apt, PackageError, Release
from ringscope.cache import root
from ringscope.output import naming

AR_MAGIC, AR_HEADER, AR_END = b"!<arch>\n", 60, b"`\n"
_TAR_MODES = {"data.tar": "r|", "data.tar.gz": "r|gz", "data.tar.bz2": "r|bz2", "data.tar.xz": "r|xz"}
_ZSTD = "data.tar.zst"
_DAMAGE = (tarfile.TarError, lzma.LZMAError, zstandard.ZstdError, zlib.error, EOFError)


def cache_directory() -> Path:
    """Where what was fetched stays."""
    return root() / "debian"


class Packages:
    """The cache in ``directory``; ``say`` gets a sentence before what takes time.

    Only what is not in the cache yet needs apt and the network.  ``suite`` names a suite of Debian's other than those
    that the system's apt knows (see `Apt`); its packages have a folder of their own.
    """

    def __init__(self, directory: Path, say: Callable[[str], None], suite: str | None = None) -> None:
        self._directory = directory / suite if suite else directory
        self._say = say
        self._updates = False
        self._apt = Apt(self._directory / "lists", say, suite)

    def update(self) -> None:
        """From now on take the newest versions, by fresh package lists.  Raises `PackageError`."""
        self._apt.update()
        self._updates = True

    def release(self, package: str) -> Release:
        """A package's version and dependencies, as they were the first time or at `update`.  Raises `PackageError`."""
        record = self._directory / f"{package}.json"
        if record.exists() and not self._updates:
            name, version, depends = json.loads(record.read_text())
            return Release(name, version, tuple(depends))
        release = self._apt.release(package)
        self._directory.mkdir(parents=True, exist_ok=True)
        with _replacing(record) as file:
            file.write(json.dumps(release).encode())
        return release

    def file(self, release: Release, *paths: str) -> Path:
        """The first of ``paths`` that the package holds, as a file in the cache.  Raises `PackageError`."""
        target = self._directory / release.stem / Path(paths[0]).name
        if not target.exists():
            archive = self._apt.download(release, self._directory / "download")
            self._say(f"unpacking {archive.name}")
            target.parent.mkdir(parents=True, exist_ok=True)
            extract(archive, paths, target)
            archive.unlink()
        return target

    def members(self, release: Release, *below: str) -> list[Member]:
        """What the package holds, or what it has below some paths, for an initial RAM disk.  Raises `PackageError`."""
        archive = self._directory / release.stem / "package.deb"
        if not archive.exists():
            fetched = self._apt.download(release, self._directory / "download")
            archive.parent.mkdir(parents=True, exist_ok=True)
            fetched.replace(archive)
        return list(members(archive, below))


@contextmanager
def _replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file that takes its name when it is whole.  Raises `OutputError`."""
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        with naming(path):
            with new.open("wb") as file:
                yield file
            new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def extract(archive: Path, paths: Sequence[str], target: Path) -> None:
    """Write the first of ``paths`` (without a leading ``./``) found in a `.deb` to ``target``.

    Raises `PackageError` if the archive is broken or has none of them.
    """
    try:
        with archive.open("rb") as file, _data(archive, file) as data:
            for member in data:
                if member.isfile() and member.name.removeprefix("./") in paths:
                    content = data.extractfile(member)
                    assert content is not None
                    with _replacing(target) as out:
                        shutil.copyfileobj(content, out, 1 << 20)
                    return
    except _DAMAGE as error:
        raise PackageError(f"{archive.name} is damaged: {error}") from error
    raise PackageError(f"{archive.name} has no {' or '.join(paths)}")


def members(archive: Path, below: Sequence[str] = ()) -> Iterator[Member]:
    """The directories, files and symbolic links of a `.deb`, or those below some paths.

    Raises `PackageError` if the archive is broken.
    """
    try:
        with archive.open("rb") as file, _data(archive, file) as data:
            for found in data:
                path = found.name.removeprefix("./").rstrip("/")
                if path in ("", ".") or (below and not path.startswith(tuple(below))):
                    continue
                if found.issym():
                    yield symbolic_link(path, found.linkname)
                elif found.isdir():
                    yield directory(path)
                elif found.isfile():
                    content = data.extractfile(found)
                    assert content is not None
                    yield regular(path, content.read(), executable=bool(found.mode & 0o100))
    except _DAMAGE as error:
        raise PackageError(f"{archive.name} is damaged: {error}") from error


@contextmanager
def _data(archive: Path, file: IO[bytes]) -> Iterator[tarfile.TarFile]:
    """The archive of the package's files, to be read once from front to end."""
    name = _seek_data(archive, file)
    if name == _ZSTD:
        with zstandard.ZstdDecompressor().stream_reader(file) as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
            yield tar
        return
    if name not in _TAR_MODES:
        raise PackageError(f"{archive.name} has its files in {name}: not one of {', '.join((*_TAR_MODES, _ZSTD))}")
    with tarfile.open(fileobj=file, mode=_TAR_MODES[name]) as tar:  # type: ignore[call-overload]
        yield tar


def _seek_data(archive: Path, file: IO[bytes]) -> str:
    """Go to the first byte of the ar member ``data.tar*``, the last of a package; returns its name."""
    if file.read(len(AR_MAGIC)) != AR_MAGIC:
        raise PackageError(f"{archive.name} is no ar archive")
    while True:
        at, header = file.tell(), file.read(AR_HEADER)
        name, size = header[:16].decode("latin-1").rstrip(" /"), header[48:58].strip()
        if len(header) < AR_HEADER or header[58:] != AR_END or not size.isdigit():
            raise PackageError(f"{archive.name} has no ar member data.tar before byte {at:#x}")
        if name.startswith("data.tar"):
            return name
        file.seek(int(size) + int(size) % 2, os.SEEK_CUR)
