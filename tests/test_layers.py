"""The arrows of the house: who may import whom, and that `__init__.py` files are one docstring."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# folder -> what it may import besides the standard library and itself; the longest folder that fits decides
ALLOWED = {
    "machine": {"unicorn", "capstone", "lz4", "zstandard"},
    "machine/x86": set(),
    "gdbstub": set(),
    "kernel": {"elftools"},
    "ringscope": {"machine", "gdbstub", "kernel", "capstone", "prompt_toolkit", "pygdbmi", "rich", "zstandard"},
    "gdb-scripts": {"gdb", "machine.x86"},
}


def sources():
    for top in sorted({Path(folder).parts[0] for folder in ALLOWED}):
        for path in sorted((ROOT / top).rglob("*.py")):
            yield path.relative_to(ROOT)


def folder_of(path):
    fitting = [folder for folder in ALLOWED if Path(folder) in path.parents]
    return max(fitting, key=len)


def imports_of(tree, path):
    """Absolute dotted names of all that a module imports, wherever in it the statement stands."""
    package = [part.replace("-", "_") for part in path.parent.parts]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            name = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{name}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and called_name(node) in {"import_module", "__import__"}:
            yield from (word.value for word in node.args[:1] if isinstance(word, ast.Constant))


def called_name(call):
    return getattr(call.func, "attr", None) or getattr(call.func, "id", None)


def within(name, package):
    return name == package or name.startswith(package + ".")


def backward_imports(source, path):
    """The imports of one module which its folder does not allow."""
    folder = folder_of(path)
    own = folder.replace("/", ".").replace("-", "_")
    for name in imports_of(ast.parse(source), path):
        top = name.partition(".")[0]
        if top in sys.stdlib_module_names or within(name, own):
            continue
        if not any(reaches(name, package) for package in ALLOWED[folder]) and not is_sibling(top, path):
            yield name


# `import machine` alone is harmless where machine.x86 is allowed: its __init__.py imports nothing.
def reaches(name, package):
    return within(name, package) or within(package, name)


# gdb-scripts is no package: its files find each other through sys.path.
def is_sibling(top, path):
    folder = ROOT / "gdb-scripts"
    return path.parts[0] == "gdb-scripts" and ((folder / f"{top}.py").exists() or (folder / top).is_dir())


@pytest.mark.parametrize("path", list(sources()), ids=str)
def test_imports_follow_the_arrows(path):
    assert list(backward_imports((ROOT / path).read_text(), path)) == []


@pytest.mark.parametrize("path", [path for path in sources() if path.name == "__init__.py"], ids=str)
def test_a_package_is_one_docstring(path):
    body = ast.parse((ROOT / path).read_text()).body
    assert len(body) == 1 and ast.get_docstring(ast.Module(body, [])), f"{path} holds more or less than a docstring"


@pytest.mark.parametrize(
    ("path", "source", "caught"),
    [
        ("machine/cpu.py", "import gdbstub.wire", "gdbstub.wire"),
        ("machine/cpu.py", "from kernel import symbols", "kernel.symbols"),
        ("machine/cpu.py", "from ringscope.cli import main", "ringscope.cli.main"),
        ("machine/x86/paging.py", "from unicorn import Uc", "unicorn.Uc"),
        ("machine/x86/paging.py", "from machine.walk import walk", "machine.walk.walk"),
        ("machine/x86/paging.py", "from ..walk import walk", "machine.walk.walk"),
        ("gdbstub/server.py", "def f():\n    import machine.stop", "machine.stop"),
        ("gdbstub/packets/memory.py", "from ...machine import memory", "machine.memory"),
        ("kernel/build.py", "import importlib\nimportlib.import_module('ziglang')", "ziglang"),
        (
            "kernel/image.py",
            "if TYPE_CHECKING:\n    from machine.memory import Memory",
            "machine.memory.Memory",
        ),
        ("ringscope/cli.py", "import serial", "serial"),
        ("gdb-scripts/loader.py", "import machine.walk", "machine.walk"),
        ("gdb-scripts/loader.py", "from machine import memory", "machine.memory"),
    ],
)
def test_a_backward_import_is_caught(path, source, caught):
    assert list(backward_imports(source, Path(path))) == [caught]


@pytest.mark.parametrize(
    ("path", "source"),
    [
        (
            "machine/cpu.py",
            "import struct, unicorn\nfrom machine.x86 import msrs\nfrom .stop import Stop",
        ),
        ("machine/x86/paging.py", "from .bits import Layout\nfrom machine.x86.control import CR0"),
        ("gdbstub/packets/memory.py", "from ..registry import TABLE\nimport gdbstub.errors"),
        ("kernel/symbols.py", "from elftools.elf import elffile\nfrom kernel.abi import syscalls"),
        (
            "ringscope/target.py",
            "from machine.cpu import Cpu\nimport gdbstub.target, kernel.image",
        ),
        (
            "gdb-scripts/loader.py",
            "import gdb\nfrom machine.x86 import msrs\nimport machine.x86.paging",
        ),
    ],
)
def test_a_forward_import_is_let_through(path, source):
    assert list(backward_imports(source, Path(path))) == []


def test_every_layer_is_looked_at():
    present = {top for top in (Path(folder).parts[0] for folder in ALLOWED) if (ROOT / top).is_dir()}
    assert {path.parts[0] for path in sources()} == present
