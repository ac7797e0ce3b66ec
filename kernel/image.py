"""Find the built guest. Reads no file of it: that they are there is all that is checked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kernel.errors import ImageError

PACKAGE = Path(__file__).parent
IMAGE = PACKAGE / "_image"


@dataclass(frozen=True)
class Image:
    """Where the parts of one build are."""

    vmlinux: Path
    """The kernel: an ELF64 executable with a PVH note and debug information."""
    initramfs: Path
    """The root file system: a cpio archive in newc format."""
    sources: Path
    """The directory that debug information calls `/usr/src/ringscope`."""
    programs: Path
    """The directory of the user programs, ELF files with debug information, by name."""
    bzimage: Path
    """The kernel as a boot loader takes it: setup code, decompressor and packed kernel."""
    setup: Path
    """The setup code's symbols: an ELF32 file, linked at 0, that runs in real mode at any segment."""
    compressed: Path
    """The decompressor's symbols: an ELF64 file, linked where it runs."""

    def program(self, name: str) -> Path:
        """One user program's ELF file. ImageError if there is none of that name."""
        path = self.programs / name
        if not path.is_file():
            known = ", ".join(sorted(entry.name for entry in self.programs.iterdir()))
            raise ImageError(f"no user program {name!r} in {self.programs}: there are {known}")
        return path


def find_image(directory: Path = IMAGE) -> Image:
    """The image that a build left in `directory`, this package's own by default.

    ImageError says what is missing and how to make it.
    """
    compressed = directory / "compressed" / "vmlinux"
    image = Image(
        *(directory / "vmlinux", directory / "initramfs.cpio", PACKAGE, directory / "programs"),
        *(directory / "bzImage", directory / "setup.elf", compressed),
    )
    for part in (image.vmlinux, image.initramfs, image.programs, image.bzimage, image.setup, image.compressed):
        if not part.exists():
            raise ImageError(f"the guest is not built: {part} is missing; run `python -m kernel.build`")
    return image
