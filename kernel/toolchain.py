"""The pinned compiler: where it is, how it is called. Knows flags and files, nothing of what is built."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kernel.errors import BuildError

ZIGLANG = "0.16.0"
REQUIREMENT = f"ziglang=={ZIGLANG}"

SOURCE_ROOT = "/usr/src/ringscope"
"""What debug information calls the directory of the guest's sources."""

# fmt: off
TARGET_FLAGS = (
    "--no-default-config", "--target=x86_64-unknown-none-elf", "-ffreestanding", "-nostdinc",
    "-mno-red-zone", "-fno-stack-protector", "-fno-pic", "-fno-pie", "-fno-asynchronous-unwind-tables",
)
DEBUG_FLAGS = ("-g", "-gdwarf-5", "-O0", "-fno-omit-frame-pointer", "-fno-optimize-sibling-calls")
"""-O0 keeps every argument and local in memory from its function's first line to its last. With -Og some are gone
after a call, and the compiler's call-frame information lets gdb show a stale register in their place."""

WARNING_FLAGS = (
    "-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter", "-Wmissing-prototypes", "-Wstrict-prototypes",
)
LANGUAGE_FLAGS = {".c": ("-std=gnu17",), ".S": ("-D__ASSEMBLY__",)}
KERNEL_FLAGS = ("-mcmodel=kernel", "-mgeneral-regs-only", "-mstack-alignment=8")
LINK_FLAGS = ("-static", "--no-pie", "-z", "max-page-size=4096", "-z", "noexecstack", "--build-id=none")
# fmt: on


@dataclass(frozen=True)
class Toolchain:
    """The compiler's directory, and the host directories that debug information must not mention."""

    directory: Path
    source: Path
    generated: Path

    @property
    def zig(self) -> Path:
        """The one program that is compiler, assembler and linker."""
        return self.directory / ("zig.exe" if os.name == "nt" else "zig")

    def compile(self, source: Path, target: Path, flags: Sequence[str], *, stage: str = "-c") -> None:
        """Compile or assemble one file; stage is -c, -S or -E. BuildError carries the compiler's words."""
        target.parent.mkdir(parents=True, exist_ok=True)
        fixed = [*TARGET_FLAGS, *DEBUG_FLAGS, *WARNING_FLAGS, *LANGUAGE_FLAGS[source.suffix], *self._maps()]
        self._run("clang", [*fixed, *flags, stage, str(source), "-o", str(target)])

    def link(self, objects: Sequence[Path], target: Path, flags: Sequence[str]) -> None:
        """Link a static executable. BuildError carries the linker's words."""
        target.parent.mkdir(parents=True, exist_ok=True)
        self._run("ld.lld", [*LINK_FLAGS, *flags, *map(str, objects), "-o", str(target)])

    def link_as_told(self, objects: Sequence[Path], target: Path, flags: Sequence[str]) -> None:
        """Link with these flags alone: not a static executable. BuildError carries the linker's words."""
        self._run("ld.lld", [*flags, *map(str, objects), "-o", str(target)])

    def _maps(self) -> list[str]:
        """The compiler's own headers, and names for the host's directories that are the same everywhere."""
        return [
            f"-isystem{self.directory / 'lib' / 'include'}",
            f"-fdebug-compilation-dir={SOURCE_ROOT}",
            f"-ffile-prefix-map={self.directory}=/usr/lib/zig",
            f"-ffile-prefix-map={self.source}={SOURCE_ROOT}",
            f"-ffile-prefix-map={self.generated}={SOURCE_ROOT}/_image/generated",
        ]

    def _run(self, tool: str, arguments: list[str]) -> None:
        command = [str(self.zig), tool, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise BuildError(f"{tool} failed with status {done.returncode}:\n{done.stderr.strip()}")


def find_toolchain(source: Path, generated: Path) -> Toolchain:
    """The installed compiler of the pinned version. BuildError says what to install."""
    spec = importlib.util.find_spec("ziglang")
    if spec is None or spec.origin is None:
        raise BuildError(f"the guest is built by {REQUIREMENT}, which is not installed: pip install {REQUIREMENT}")
    version = importlib.metadata.version("ziglang")
    if version != ZIGLANG:
        raise BuildError(f"the guest is built by {REQUIREMENT}, but ziglang {version} is installed")
    return Toolchain(Path(spec.origin).parent, source, generated)
