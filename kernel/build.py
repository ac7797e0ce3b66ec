"""Build the guest: kernel, user programs and initramfs. `python -m kernel.build` does so when they are stale.

The same sources give the same bytes in every directory and on every host.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from kernel import cpio, kallsyms
from kernel.abi.headers import generated_files
from kernel.abi.tables import constant
from kernel.bzimage import COMPRESSED, REAL, link_bzimage
from kernel.errors import BuildError
from kernel.image import IMAGE, PACKAGE
from kernel.toolchain import KERNEL_FLAGS, REQUIREMENT, find_toolchain
from kernel.tree import Tree

STAMP = "stamp"

PROGRAMS = ("build.py", "bzimage.py", "cpio.py", "kallsyms.py", "lz4.py", "toolchain.py", "tree.py")
"""Files of this package that decide the result."""

INPUT_PATTERNS = ("guest/**/*", "user/**/*", "abi/*", *PROGRAMS)
INPUT_SUFFIXES_IGNORED = {".pyc"}

PROGRAM_DIRECTORIES = {"init": "sbin", "helper": "sbin"}
DEFAULT_PROGRAM_DIRECTORY = "bin"
PROGRAMS_OF_SEVERAL_FILES = ("usertests",)
PROGRAM_LINK_FLAGS = (f"--image-base={constant('ELF_BASE'):#x}", "-z", "separate-code", "-e", "_start")
IA32_LINK_FLAGS = ("-m", "elf_i386", "--image-base=0x8048000", "-z", "separate-code", "-e", "_start")
VDSO_LINK_FLAGS = (
    *("-shared", "--no-undefined", "-soname", "linux-vdso.so.1", "--hash-style=both", "-z", "rodynamic"),
    *("-z", "max-page-size=4096", "-z", "noexecstack", "--build-id=none", "--strip-debug"),
)
SHARED_WITH_KERNEL = ("guest/lib/string.c", "guest/lib/vsprintf.c")

DEVICES = (
    cpio.character_device("dev/console", 5, 1),
    cpio.character_device("dev/kmsg", 1, 11),
    cpio.character_device("dev/null", 1, 3),
    cpio.character_device("dev/tty", 5, 0),
    cpio.character_device("dev/ttyS0", 4, 64),
    cpio.character_device("dev/zero", 1, 5),
)

KALLSYMS_LINKS = 4

ASM_OFFSET = re.compile(r'\.ascii\s+"->(?P<name>\w+) \$?(?P<value>\d+)"')


def build(out: Path, *, source: Path | None = None) -> None:
    """Build into the directory `out`, replacing what it holds: vmlinux, bzImage, initramfs.cpio, programs/, ….

    `source` is the directory with guest/, user/ and abi/; this package's own by default. BuildError carries the
    compiler's or linker's words, and leaves `out` as it was.
    """
    source = (source or PACKAGE).resolve()
    out = out.resolve()
    out.parent.mkdir(parents=True, exist_ok=True)
    inputs = input_hash(source)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as work:
        new = Path(work) / "image"
        toolchain = find_toolchain(source, new / "generated")
        _build_into(Tree(source, Path(work) / "objects", new, toolchain))
        stamp = {"inputs": inputs, "outputs": output_hash(new)}
        (new / STAMP).write_text(json.dumps(stamp, indent=1) + "\n", encoding="utf-8")
        if out.exists():
            out.rename(Path(work) / "old")
        new.rename(out)


def stale(out: Path, *, source: Path | None = None) -> bool:
    """Whether `out` was built from other sources, by another compiler, or was changed or cut short since."""
    try:
        stamp = json.loads((out / STAMP).read_text(encoding="utf-8"))
        return bool(stamp != {"inputs": input_hash(source or PACKAGE), "outputs": output_hash(out)})
    except (OSError, ValueError):
        return True


def input_hash(source: Path) -> str:
    """SHA-256 over the names and bytes of all that decides the result, and the compiler's version."""
    files = {path for pattern in INPUT_PATTERNS for path in source.glob(pattern) if path.is_file()}
    return _hash(source, (path for path in files if path.suffix not in INPUT_SUFFIXES_IGNORED), REQUIREMENT)


def output_hash(out: Path) -> str:
    """SHA-256 over the names and bytes of a build's files."""
    return _hash(out, (path for path in out.rglob("*") if path.is_file() and path.name != STAMP), "")


def _hash(root: Path, files: Iterable[Path], salt: str) -> str:
    digest = hashlib.sha256(salt.encode())
    for name, path in sorted((path.relative_to(root).as_posix(), path) for path in files):
        data = path.read_bytes()
        digest.update(f"\0{name}\0{len(data)}\0".encode() + data)
    return digest.hexdigest()


def _build_into(tree: Tree) -> None:
    for name, text in generated_files().items():
        path = tree.generated / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    _generate_asm_offsets(tree)
    _link_vdso(tree)
    _link_kernel(tree)
    names = [*_link_programs(tree), *_link_ia32_programs(tree)]
    (tree.out / "initramfs.cpio").write_bytes(cpio.archive(_initramfs(tree, names)))


def _kernel_flags(tree: Tree) -> list[str]:
    return [*KERNEL_FLAGS, *tree.kernel_includes, f"-I{tree.objects}"]


def _generate_asm_offsets(tree: Tree) -> None:
    """asm-offsets.h: what assembly must know of C's structures, asked of the compiler."""
    assembly = tree.objects / "asm-offsets.s"
    source = tree.source / "guest" / "entry" / "asm-offsets.c"
    tree.toolchain.compile(source, assembly, _kernel_flags(tree), stage="-S")
    found = ASM_OFFSET.findall(assembly.read_text(encoding="utf-8"))
    if not found:
        raise BuildError(f"{source.name}: the compiler's output holds no '->NAME value' line")
    lines = [f"#define {name:<24}{value}\n" for name, value in found]
    (tree.generated / "asm" / "asm-offsets.h").write_text("".join(lines), encoding="utf-8", newline="\n")


def _link_vdso(tree: Tree) -> None:
    """The shared object that the kernel lends programs; the kernel's image includes it."""
    vdso = tree.source / "guest" / "vdso"
    flags = [*tree.kernel_includes, "-fpic", "-mgeneral-regs-only"]
    objects = tree.compile_all([vdso / "vclock_gettime.c"], flags)
    script = tree.objects / "vdso.lds"
    tree.toolchain.compile(vdso / "vdso.lds.S", script, [*flags, "-P"], stage="-E")
    tree.toolchain.link_as_told(objects, tree.objects / "vdso64.so", [*VDSO_LINK_FLAGS, "-T", str(script)])


def _link_kernel(tree: Tree) -> None:
    """vmlinux for debuggers and loaders that read ELF files, bzImage for the others."""
    flags = _kernel_flags(tree)
    boot = tree.guest / "boot"
    others = {tree.guest / "vdso", boot / COMPRESSED, boot / REAL}
    skipped = {boot / "vmlinux.lds.S", tree.guest / "entry" / "asm-offsets.c"}
    found = (path for path in tree.guest.rglob("*.[cS]") if path not in skipped and not others & set(path.parents))
    objects = tree.compile_all(sorted(found), flags)
    script = tree.linker_script(boot / "vmlinux.lds.S", flags)
    objects.append(_link_with_symbols(tree, objects, script))
    link_bzimage(tree, objects, script)


def _link_with_symbols(tree: Tree, objects: Sequence[Path], script: Path) -> Path:
    """vmlinux, which carries a table of its own symbols; that table's object file.

    The first link has an empty table, the second one of the right size, the third the right one (link-vmlinux.sh).
    """
    vmlinux, source = tree.out / "vmlinux", tree.objects / "kallsyms.S"
    target, rows = source.with_suffix(".o"), list[kallsyms.Row]()
    for _ in range(KALLSYMS_LINKS):
        source.write_text(kallsyms.assembly(rows), encoding="ascii")
        tree.toolchain.compile(source, target, [*_kernel_flags(tree), "-g0"])  # it has no lines to show
        tree.toolchain.link([*objects, target], vmlinux, ["-T", str(script)])
        before, rows = rows, kallsyms.read(vmlinux)
        if rows == before:
            return target
    raise BuildError(f"{vmlinux.name}: its symbols move with each link")


def _program_sources(tree: Tree) -> dict[str, list[Path]]:
    """Name and sources of each program: a file in user/programs, or a directory of its own beside it."""
    user = tree.source / "user"
    found = {path.stem: [path] for path in (user / "programs").glob("*.c")}
    for name in PROGRAMS_OF_SEVERAL_FILES:
        found[name] = sorted((user / name).glob("*.c"))
    return dict(sorted(found.items()))


def _library(tree: Tree, flags: Sequence[str]) -> list[Path]:
    """Objects that every program gets: the C library, the system calls, and what is shared with the kernel."""
    # The order of linking must not depend on where the sources and the output lie.
    sources = [*sorted((tree.source / "user" / "libc").glob("*.[cS]")), tree.generated / "user" / "syscalls.c"]
    shared = [tree.source / name for name in SHARED_WITH_KERNEL]
    return [*tree.compile_all(sources, flags), *tree.compile_all(shared, tree.kernel_includes, "shared")]


def _link_programs(tree: Tree) -> list[str]:
    """Link every program twice: with debug information for the debugger, without for the initramfs."""
    flags = tree.user_includes
    library = _library(tree, flags)
    programs = _program_sources(tree)
    for name, sources in programs.items():
        objects = [*tree.compile_all(sources, flags), *library]
        tree.toolchain.link(objects, tree.out / "programs" / name, PROGRAM_LINK_FLAGS)
        stripped = [*PROGRAM_LINK_FLAGS, "--strip-debug"]
        tree.toolchain.link(objects, tree.objects / "stripped" / name, stripped)
    return list(programs)


def _link_ia32_programs(tree: Tree) -> list[str]:
    """Programs of 32 bits, a file in user/ia32 each, with nothing but its start.S to rely on."""
    place = tree.source / "user" / "ia32"
    flags = ["-m32", "-mgeneral-regs-only"]
    programs = sorted(place.glob("*.c"))
    start, *objects = tree.compile_all([place / "start.S", *programs], flags)
    for source, compiled in zip(programs, objects, strict=True):
        tree.toolchain.link([start, compiled], tree.out / "programs" / source.stem, IA32_LINK_FLAGS)
        tree.toolchain.link(
            [start, compiled], tree.objects / "stripped" / source.stem, [*IA32_LINK_FLAGS, "--strip-debug"]
        )
    return [source.stem for source in programs]


def _initramfs(tree: Tree, names: Sequence[str]) -> Iterator[cpio.Member]:
    """Devices, programs, and the files below user/root, those in a bin directory executable."""
    yield from DEVICES
    for name in names:
        directory = PROGRAM_DIRECTORIES.get(name, DEFAULT_PROGRAM_DIRECTORY)
        data = (tree.objects / "stripped" / name).read_bytes()
        yield cpio.regular(f"{directory}/{name}", data, executable=True)
    root = tree.source / "user" / "root"
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        executable = path.parent.name in {"bin", "sbin"}
        yield cpio.regular(path.relative_to(root).as_posix(), path.read_bytes(), executable=executable)


def main() -> int:
    """Build this package's image if it is stale; exit status."""
    if not stale(IMAGE):
        sys.stdout.write(f"{IMAGE} is up to date\n")
        return 0
    try:
        build(IMAGE)
    except BuildError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"built {IMAGE}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
