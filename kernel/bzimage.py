"""The kernel as a boot loader takes it: setup code, decompressor and packed kernel (Linux: arch/x86/boot/Makefile)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kernel import lz4
from kernel.errors import BuildError
from kernel.tree import Tree

SECTOR, PARAGRAPH = 512, 16

COMPRESSED = "compressed"
REAL = "real"
"""The directories below guest/boot that are no part of the kernel itself."""

PAYLOAD = "vmlinux.bin.lz4"

# fmt: off
COMPRESSED_FLAGS = ("-mgeneral-regs-only", "-mstack-alignment=8")
REAL_MODE_FLAGS = ("-m16", "-march=i686", "-mregparm=3", "-mgeneral-regs-only", "-mstack-alignment=4")
REAL_MODE_LINK_FLAGS = ("-m", "elf_i386")
# fmt: on


def link_bzimage(tree: Tree, kernel: Sequence[Path], script: Path) -> None:
    """Write bzImage, setup.elf and compressed/vmlinux; ``kernel`` are the kernel's objects, ``script`` links them.

    The ELF files have the symbols of what runs before the kernel.  Raises BuildError.
    """
    stripped = tree.objects / "vmlinux.bin"
    tree.toolchain.link(kernel, stripped, ["-T", str(script), "--strip-all"])
    payload = lz4.legacy_frame(stripped.read_bytes())
    (tree.objects / PAYLOAD).write_bytes(payload)
    decompressor = _link_compressed(tree)
    decompressor += bytes(-len(decompressor) % PARAGRAPH)
    setup = _link_setup(tree, len(decompressor), len(payload))
    (tree.out / "bzImage").write_bytes(setup + decompressor)


def _sources(tree: Tree, directory: str) -> list[Path]:
    return sorted(path for path in (tree.guest / "boot" / directory).glob("*.[cS]") if not _is_script(path))


def _is_script(path: Path) -> bool:
    return path.name.endswith(".lds.S")


def _link_both(tree: Tree, objects: Sequence[Path], flags: Sequence[str], elf: Path, name: str) -> bytes:
    """The ELF file, and the bytes of the same without one."""
    tree.toolchain.link(objects, elf, flags)
    flat = tree.objects / name
    tree.toolchain.link(objects, flat, [*flags, "--oformat", "binary"])
    return flat.read_bytes()


def _link_compressed(tree: Tree) -> bytes:
    flags = [*COMPRESSED_FLAGS, *tree.kernel_includes, f"-I{tree.objects}"]
    sources = [*_sources(tree, COMPRESSED), tree.guest / "lib" / "string.c"]
    objects = tree.compile_all(sources, flags, COMPRESSED)
    script = tree.linker_script(tree.guest / "boot" / COMPRESSED / "vmlinux.lds.S", flags)
    out = tree.out / COMPRESSED / "vmlinux"
    return _link_both(tree, objects, ["-T", str(script)], out, "compressed.bin")


def _link_setup(tree: Tree, decompressor: int, payload: int) -> bytes:
    """Whole sectors.  How many is in the first: it is linked once to know, and once to say."""
    script = tree.linker_script(tree.guest / "boot" / REAL / "setup.lds.S", tree.kernel_includes)
    flags = [*REAL_MODE_FLAGS, *tree.kernel_includes]
    objects = tree.compile_all(_sources(tree, REAL), flags, REAL)
    figures = {"SYSSIZE": decompressor // PARAGRAPH, "PAYLOAD_LENGTH": payload, "SETUP_SECTS": 0}
    for _ in range(2):
        defined = [f"--defsym={name}={value}" for name, value in figures.items()]
        link_flags = [*REAL_MODE_LINK_FLAGS, "-T", str(script), *defined]
        setup = _link_both(tree, objects, link_flags, tree.out / "setup.elf", "setup.bin")
        setup += bytes(-len(setup) % SECTOR)
        figures["SETUP_SECTS"] = len(setup) // SECTOR - 1
    if setup[0x1F1] != figures["SETUP_SECTS"]:
        raise BuildError(f"the setup code has {len(setup):#x} bytes, its header says {setup[0x1F1]} sectors and one")
    return setup
