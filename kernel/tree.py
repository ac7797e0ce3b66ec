"""One build's directories, and compiling from the one to the other."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from kernel.toolchain import Toolchain


@dataclass(frozen=True)
class Tree:
    """Where one build reads and writes."""

    source: Path
    """The directory with guest/, user/ and abi/."""
    objects: Path
    """Compiled files, thrown away at the end."""
    out: Path
    """What is kept."""
    toolchain: Toolchain

    @property
    def generated(self) -> Path:
        """Headers and sources made from the ABI tables; kept, since debug information names them."""
        return self.toolchain.generated

    @property
    def guest(self) -> Path:
        """The kernel's sources."""
        return self.source / "guest"

    @property
    def uapi(self) -> Path:
        """Headers of what the kernel and its programs must both know."""
        return self.guest / "include" / "uapi"

    @property
    def kernel_includes(self) -> list[str]:
        """Where sources that go with the kernel find its headers, as flags."""
        return [f"-I{directory}" for directory in (self.generated, self.guest / "include", self.uapi)]

    @property
    def user_includes(self) -> list[str]:
        """Where programs find the C library's headers, as flags."""
        return [f"-I{directory}" for directory in (self.generated, self.source / "user" / "include", self.uapi)]

    def object(self, source: Path, prefix: str = "") -> Path:
        """Where the object file of a source file goes."""
        root = self.generated if source.is_relative_to(self.generated) else self.source
        return self.objects / prefix / source.relative_to(root).with_name(source.name + ".o")

    def compile_all(self, sources: Sequence[Path], flags: Sequence[str], prefix: str = "") -> list[Path]:
        """Compile several files at once; the object files, in the sources' order."""
        objects = [self.object(source, prefix) for source in sources]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            jobs = [
                pool.submit(self.toolchain.compile, source, target, flags)
                for source, target in zip(sources, objects, strict=True)
            ]
            for job in jobs:
                job.result()
        return objects

    def linker_script(self, source: Path, flags: Sequence[str]) -> Path:
        """A linker script, preprocessed."""
        script = self.object(source).with_suffix("")
        self.toolchain.compile(source, script, [*flags, "-P"], stage="-E")
        return script
