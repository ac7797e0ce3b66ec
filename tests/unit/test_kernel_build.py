"""The build: the same bytes everywhere, nothing of the host in them, and when it has to be done again."""

import shutil
import struct

import pytest

from kernel import build
from kernel.errors import BuildError
from kernel.symbols import Symbols
from kernel.toolchain import REQUIREMENT, find_toolchain

pytest.importorskip("ziglang", reason=f"{REQUIREMENT} is not installed")

PT_LOAD, PT_NOTE, X, W = 1, 4, 1, 2


def copy_sources(target):
    for name in ("guest", "user", "abi"):
        shutil.copytree(build.PACKAGE / name, target / name)
    for name in build.PROGRAMS:
        shutil.copy(build.PACKAGE / name, target / name)
    return target


def contents(out):
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A build elsewhere, of a copy of the sources: (sources, out)."""
    base = tmp_path_factory.mktemp("a") / "much" / "deeper"
    sources = copy_sources(base / "sources")
    build.build(base / "out", source=sources)
    return sources, base / "out"


def test_the_same_bytes_in_another_directory(built, tmp_path, monkeypatch):
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.delenv("HOME", raising=False)
    build.build(tmp_path / "o")
    assert contents(tmp_path / "o") == contents(built[1])


def test_nothing_of_the_host_gets_in(built):
    sources, out = built
    for name, data in contents(out).items():
        assert str(sources).encode() not in data, name
        assert str(find_toolchain(sources, out).directory).encode() not in data, name


def test_it_is_not_stale_until_a_source_changes(built, tmp_path):
    sources = copy_sources(tmp_path / "s")
    out = tmp_path / "o"
    shutil.copytree(built[1], out)
    assert not build.stale(out, source=sources)
    with (sources / "user" / "root" / "etc" / "motd").open("a") as stream:
        stream.write("changed\n")
    assert build.stale(out, source=sources)


@pytest.mark.parametrize("damage", ["missing", "changed", "extra", "no stamp", "broken stamp"])
def test_it_is_stale_when_the_image_is_not_what_was_built(built, tmp_path, damage):
    sources, out = built[0], tmp_path / "o"
    shutil.copytree(built[1], out)
    match damage:
        case "missing":
            (out / "programs" / "sh").unlink()
        case "changed":
            (out / "vmlinux").write_bytes(b"x")
        case "extra":
            (out / "programs" / "new").write_bytes(b"")
        case "no stamp":
            (out / "stamp").unlink()
        case "broken stamp":
            (out / "stamp").write_text("{")
    assert build.stale(out, source=sources)


def test_a_directory_that_is_not_there_is_stale(tmp_path):
    assert build.stale(tmp_path / "nothing")


def test_an_error_carries_the_compilers_words_and_keeps_the_old_image(built, tmp_path):
    sources, out = copy_sources(tmp_path / "s"), tmp_path / "o"
    shutil.copytree(built[1], out)
    before = contents(out)
    with (sources / "guest" / "kernel" / "sys.c").open("a") as stream:
        stream.write("int broken(void) { return no_such_name; }\n")
    with pytest.raises(BuildError, match=r"sys\.c:\d+:\d+: error: .*no_such_name"):
        build.build(out, source=sources)
    assert contents(out) == before
    assert {path.name for path in tmp_path.iterdir()} == {"s", "o"}


def test_a_symbol_that_is_missing_is_the_linkers_error(built, tmp_path):
    sources = copy_sources(tmp_path / "s")
    (sources / "user" / "programs" / "echo.c").write_text("int absent(void);\nint main(void) { return absent(); }\n")
    with pytest.raises(BuildError, match="undefined symbol: absent"):
        build.build(tmp_path / "o", source=sources)


def headers(data):
    """(type, flags, offset, vaddr, paddr, filesz, memsz) of each program header."""
    offset, size, count = struct.unpack_from("<Q", data, 32)[0], *struct.unpack_from("<HH", data, 54)
    return [struct.unpack_from("<IIQQQQQ", data, offset + n * size) for n in range(count)]


def test_no_segment_is_written_and_executed(built):
    for name in ("vmlinux", "programs/init", "programs/usertests"):
        for kind, flags, *_ in headers((built[1] / name).read_bytes()):
            assert kind != PT_LOAD or flags & (W | X) != W | X, name


def test_the_kernel_is_loaded_at_16_mib_and_entered_by_its_note(built):
    data = (built[1] / "vmlinux").read_bytes()
    loads = [header for header in headers(data) if header[0] == PT_LOAD]
    assert [vaddr - paddr for _, _, _, vaddr, paddr, *_ in loads] == [0, *[0xFFFFFFFF80000000] * (len(loads) - 1)]
    assert loads[0][4] == 0x1000000
    (note,) = [header for header in headers(data) if header[0] == PT_NOTE]
    name_size, value_size, kind = struct.unpack_from("<III", data, note[2])
    assert (name_size, kind, data[note[2] + 12 : note[2] + 16]) == (4, 18, b"Xen\0")
    entry = int.from_bytes(data[note[2] + 16 : note[2] + 16 + value_size], "little")
    assert entry == Symbols.load(built[1] / "vmlinux").lookup("pvh_start_xen").address


def test_main_builds_once(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(build, "IMAGE", tmp_path / "image")
    assert build.main() == 0 and capsys.readouterr().out.startswith("built ")
    assert build.main() == 0 and capsys.readouterr().out.endswith("is up to date\n")


def test_without_the_compiler_it_says_what_to_install(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr(build, "IMAGE", tmp_path / "image")
    assert build.main() == 1
    assert f"pip install {REQUIREMENT}" in capsys.readouterr().err


def test_another_version_of_the_compiler_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr("importlib.metadata.version", lambda name: "0.1.0")
    with pytest.raises(BuildError, match=rf"{REQUIREMENT}, but ziglang 0\.1\.0 is installed"):
        find_toolchain(tmp_path, tmp_path)
