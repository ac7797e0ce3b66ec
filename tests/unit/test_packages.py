"""Debian packages: unpacked without dpkg, kept in a cache, fetched by an apt that is played here."""

import bz2
import gzip
import io
import lzma
import stat
import tarfile
from random import Random

import pytest
import zstandard

from kernel.cpio import directory, regular, symbolic_link
from kernel.image import find_image
from ringscope import initramfs, linux
from ringscope.apt import Apt, PackageError, Release, parse_release
from ringscope.boot import MOST_SYMBOLS, Guest
from ringscope.cli import main
from ringscope.packages import Packages, cache_directory, extract, members
from ringscope.serial.spec import STDIO, parse
from ringscope.serve import gdb_commands

PACKERS = {
    "data.tar": bytes,
    "data.tar.gz": gzip.compress,
    "data.tar.bz2": bz2.compress,
    "data.tar.xz": lzma.compress,
    "data.tar.zst": lambda data: zstandard.ZstdCompressor().compress(data),
}

NOISE = Random(1).randbytes(9000)
KERNEL_FILE = NOISE
KERNEL = "linux-image-6.1.0-9-cloud-amd64"

SHOW = f"""\
Package: linux-image-cloud-amd64
Source: linux-signed-amd64
Version: 6.1.27-1
Depends: {KERNEL} (= 6.1.27-1), kmod | initramfs-tools
Description: Linux for x86-64 cloud (meta-package)
 This package depends on the latest Linux kernel.

Package: linux-image-cloud-amd64
Version: 6.1.20-1
"""

# What is on the path instead of apt: it logs its words, answers from a folder, and can be told to fail.
APT = """\
#!/bin/sh
echo "${0##*/} $*" >>"$PLAYED/log"
for word; do case $word in Dir::State::lists=*) fresh=1;; esac; last=$word; done
if [ -e "$PLAYED/stale" ] && [ -z "$fresh" ]; then echo "E: Unable to locate package" >&2; exit 100; fi
if [ -e "$PLAYED/offline" ]; then echo "W: slow" >&2; echo "E: no network" >&2; exit 100; fi
case " $* " in
*" update "*) ;;
*" indextargets "*) echo "Other http://other/"; cat "$PLAYED/mirrors" ;;
*" download "*) cp "$PLAYED/${last%%=*}.deb" "./${last%%=*}_6.1.27-1_amd64.deb" ;;
*" show "*) sed "s/^Package: linux-image-cloud-amd64/Package: $last/" "$PLAYED/show" ;;
esac
"""


def tar(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return out.getvalue()


def ar(members):
    parts = [b"!<arch>\n"]
    for name, data in members.items():
        parts.append(f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n".encode())
        parts.append(data + b"\n" * (len(data) % 2))
    return b"".join(parts)


def deb(files, packing="data.tar.xz"):
    return ar({"debian-binary": b"2.0\n", "control.tar.xz": b"odd", packing: PACKERS[packing](tar(files))})


@pytest.fixture
def played(tmp_path, monkeypatch):
    folder = tmp_path / "played"
    folder.mkdir()
    for program in ("apt-get", "apt-cache"):
        (folder / program).write_text(APT)
        (folder / program).chmod(0o755)
    (folder / "show").write_text(SHOW)
    (folder / f"{KERNEL}.deb").write_bytes(deb({"./boot/vmlinuz-6.1.0-9-cloud-amd64": KERNEL_FILE}))
    (folder / "busybox-static.deb").write_bytes(deb({"./usr/bin/busybox": b"busybox"}))
    (folder / f"{KERNEL}-dbg.deb").write_bytes(
        deb({"./usr/lib/debug/boot/vmlinux-6.1.0-9-cloud-amd64": b"symbols"}, "data.tar.zst")
    )
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setenv("PLAYED", str(folder))
    return folder


@pytest.fixture
def packages(tmp_path, played):
    return Packages(tmp_path / "cache", lambda text: None)


def calls(played):
    log = played / "log"
    return log.read_text().splitlines() if log.exists() else []


@pytest.mark.parametrize("packing", PACKERS)
def test_a_file_comes_out_of_a_package(tmp_path, packing):
    archive, target = tmp_path / "a.deb", tmp_path / "file"
    archive.write_bytes(deb({"./boot/other": b"no", "./boot/wanted": b"yes" * 1000}, packing))
    extract(archive, ["boot/wanted"], target)
    assert target.read_bytes() == b"yes" * 1000
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.deb", "file"]


@pytest.mark.parametrize("packing", PACKERS)
def test_what_a_package_holds(tmp_path, packing):
    (tmp_path / "a.deb").write_bytes(deb({"./bin/tool": b"#!", "./usr/share/doc/tool": b"words"}, packing))
    held = [(member.path, member.data) for member in members(tmp_path / "a.deb")]
    assert held == [("bin/tool", b"#!"), ("usr/share/doc/tool", b"words")]
    assert [member.path for member in members(tmp_path / "a.deb", ["bin/", "sbin/"])] == ["bin/tool"]


def test_links_folders_and_modes_of_a_package(tmp_path):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, kind, mode in (("./", tarfile.DIRTYPE, 0o755), ("./bin/", tarfile.DIRTYPE, 0o755)):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = kind, mode
            archive.addfile(folder)
        link = tarfile.TarInfo("./bin/link")
        link.type, link.linkname = tarfile.SYMTYPE, "tool"
        archive.addfile(link)
        tool = tarfile.TarInfo("./bin/tool")
        tool.mode, tool.size = 0o755, 2
        archive.addfile(tool, io.BytesIO(b"#!"))
    (tmp_path / "a.deb").write_bytes(ar({"debian-binary": b"2.0\n", "data.tar": out.getvalue()}))
    wanted = [directory("bin"), symbolic_link("bin/link", "tool"), regular("bin/tool", b"#!", executable=True)]
    assert list(members(tmp_path / "a.deb")) == wanted


def test_a_whole_package_stays_in_the_cache(packages, played):
    release = packages.release("busybox-static")
    held = packages.members(release)
    assert [(member.path, member.data) for member in held] == [("usr/bin/busybox", b"busybox")]
    first = calls(played)
    assert packages.members(release, "usr/bin/") == held
    assert calls(played) == first


def test_a_damaged_package_holds_nothing(tmp_path):
    (tmp_path / "a.deb").write_bytes(deb({"./x": NOISE})[:-4000])
    with pytest.raises(PackageError, match=r"a\.deb is damaged"):
        list(members(tmp_path / "a.deb"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no ar archive"),
        (b"!<arch>\n", "no ar member data.tar before byte 0x8"),
        (ar({"debian-binary": b"2.0\n"}), "no ar member data.tar before byte 0x48"),
        (ar({"debian-binary": b"2.0\n"})[:-10], "no ar member data.tar before byte 0x8"),
        (ar({"data.tar.lzo": b""}), "data.tar.lzo: not one of"),
        (ar({"data.tar.xz": b"not xz"}), "a.deb is damaged"),
        (deb({"./x": NOISE})[:-4000], "a.deb is damaged"),
        (deb({"./x": NOISE}, "data.tar.zst")[:-4000], "a.deb is damaged"),
        (deb({"./x": b""}), "a.deb has no boot/wanted"),
    ],
)
def test_a_broken_package_is_refused_by_name(tmp_path, content, words):
    archive = tmp_path / "a.deb"
    archive.write_bytes(content)
    with pytest.raises(PackageError, match=r"a\.deb") as caught:
        extract(archive, ["boot/wanted"], tmp_path / "file")
    assert words in str(caught.value)
    assert not (tmp_path / "file").exists()


def test_the_newest_release_is_the_first_paragraph():
    release = parse_release("linux-image-cloud-amd64", SHOW)
    assert release == Release("linux-image-cloud-amd64", "6.1.27-1", (KERNEL, "kmod"))
    assert Release("busybox", "1:1.35", ()).stem == "busybox_1%3a1.35"
    with pytest.raises(PackageError, match="names no version"):
        parse_release("x", "Package: x\n")


def test_a_second_call_needs_no_apt(packages, played):
    files = linux.fetch(packages)
    assert files.kernel.read_bytes() == KERNEL_FILE and files.symbols is None
    exitport = regular("sbin/exitport", find_image().program("exitport").read_bytes(), executable=True)
    assert initramfs.build(b"busybox", [exitport]) == files.initrd.read_bytes()
    first = calls(played)
    assert linux.fetch(packages) == files
    assert calls(played) == first


def test_debug_information_only_on_request(packages, played):
    linux.fetch(packages)
    assert not any("-dbg" in call for call in calls(played))
    assert linux.fetch(packages, symbols=True).symbols.read_bytes() == b"symbols"
    assert sum("-dbg=6.1.27-1" in call for call in calls(played)) == 1


def test_where_the_systems_lists_do_not_do_fresh_ones_are_fetched_once(packages, played):
    (played / "stale").touch()
    linux.fetch(packages)
    assert sum(" update" in call for call in calls(played)) == 1


def test_another_suite_is_asked_for_at_the_systems_mirror(tmp_path, played):
    (played / "mirrors").write_text("Debian http://mirror/debian-security/\nDebian http://mirror/debian/\n")
    packages = Packages(tmp_path / "cache", lambda text: None, "bookworm-backports")
    files = linux.fetch(packages, initrd=tmp_path / "initrd")
    assert files.kernel.is_relative_to(tmp_path / "cache" / "bookworm-backports")
    sources = tmp_path / "cache" / "bookworm-backports" / "sources.list"
    assert sources.read_text() == "deb http://mirror/debian/ bookworm-backports main\n"
    asked = [call for call in calls(played) if call.startswith("apt-") and "indextargets" not in call]
    assert asked and all(f"Dir::Etc::sourcelist={sources}" in call for call in asked)
    first = calls(played)
    assert linux.fetch(packages, initrd=tmp_path / "initrd") == files
    assert calls(played) == first


def test_another_suite_wants_a_mirror_that_apt_knows(tmp_path, played):
    (played / "mirrors").write_text("")
    with pytest.raises(PackageError, match="apt knows no mirror of Debian yet"):
        linux.fetch(Packages(tmp_path / "cache", lambda text: None, "trixie"), initrd=tmp_path)


def test_a_kernels_own_package(packages, played):
    (played / f"{KERNEL}-unsigned.deb").write_bytes((played / f"{KERNEL}.deb").read_bytes())
    for package in (KERNEL, f"{KERNEL}-unsigned"):
        files = linux.fetch(packages, package=package, symbols=True)
        assert (files.kernel.read_bytes(), files.symbols.read_bytes()) == (KERNEL_FILE, b"symbols")
    with pytest.raises(PackageError, match="bash is no kernel of Debian's: their names begin with linux-image-"):
        linux.fetch(packages, package="bash")


@pytest.mark.parametrize("name", ["../x", "Trixie main", "", "a;b"])
def test_a_suite_has_a_name(name, capsys):
    with pytest.raises(SystemExit):
        main(["linux", "--release", name])
    assert "is no name of a suite" in capsys.readouterr().err


def test_without_a_network_apts_own_words_are_told(packages, played):
    (played / "offline").touch()
    with pytest.raises(PackageError, match=r"apt-get update failed: E: no network$"):
        linux.fetch(packages)
    (played / "offline").unlink()
    assert linux.fetch(packages).kernel.read_bytes() == KERNEL_FILE


def test_an_unpacking_that_broke_off_is_done_again(packages, played):
    whole = (played / f"{KERNEL}.deb").read_bytes()
    (played / f"{KERNEL}.deb").write_bytes(whole[:-4000])
    with pytest.raises(PackageError, match="damaged"):
        linux.fetch(packages)
    (played / f"{KERNEL}.deb").write_bytes(whole)
    assert linux.fetch(packages).kernel.read_bytes() == KERNEL_FILE


def test_without_apt_another_way_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PackageError, match=r"apt-cache is not installed.*run --kernel"):
        Apt(tmp_path, print).release("busybox-static")


def test_the_cache_is_where_the_user_says(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_directory() == tmp_path / "ringscope" / "debian"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", "/home/somebody")
    assert str(cache_directory()) == "/home/somebody/.cache/ringscope/debian"


def test_an_update_takes_the_newest_versions_and_keeps_them(tmp_path, played, packages):
    linux.fetch(packages)
    show = (played / "show").read_text()
    (played / "show").write_text(show.replace("6.1.27-1", "6.1.99-1"))
    (played / "apt-get").write_text(APT.replace("6.1.27", "6.1.99"))
    assert packages.release("linux-image-cloud-amd64").version == "6.1.27-1"
    assert Packages(tmp_path / "cache", print).release("linux-image-cloud-amd64").version == "6.1.27-1"
    before = len(calls(played))
    packages.update()
    assert "6.1.99" in str(linux.fetch(packages).kernel)
    assert "update" in calls(played)[before]
    assert all("Dir::State::lists=" in line for line in calls(played)[before:])
    assert Packages(tmp_path / "cache", print).release("linux-image-cloud-amd64").version == "6.1.99-1"


def test_an_update_without_a_network_keeps_what_there_is(tmp_path, played, packages):
    kernel = linux.fetch(packages).kernel
    (played / "offline").touch()
    with pytest.raises(PackageError, match="no network"):
        packages.update()
    assert linux.fetch(Packages(tmp_path / "cache", print)).kernel == kernel


def test_the_users_command_line_comes_last(packages):
    setup = linux.configuration(linux.fetch(packages), append="quiet", entry="64")
    assert setup.append == f"console=ttyS0 {linux.COMMAND_LINE} quiet"
    assert (setup.memory, setup.entry) == (256 << 20, "64")


def test_the_console_is_where_the_terminal_is(packages):
    files, serial = linux.fetch(packages), (parse("null"), STDIO)
    assert linux.configuration(files, serial=serial).append.startswith("console=ttyS1 ")
    assert linux.configuration(files, serial=(parse("null"),)).append.startswith("console=ttyS0 ")
    named = linux.configuration(files, append="console=ttyS3 quiet").append
    assert named.count("console=") == 1


def test_the_initial_ram_disk_has_an_init_that_can_run():
    data = initramfs.build(b"busybox")
    members = (
        "bin",
        "bin/busybox",
        "dev",
        "dev/console",
        "etc",
        "etc/inittab",
        "init",
        "sbin",
        "sbin/session",
        "TRAILER!!!",
    )
    assert data.count(b"070701") == len(members)
    header = data[data.index(b"init\0") - 110 :]
    assert stat.S_IMODE(int(header[14:22], 16)) == 0o755


def test_a_distributions_debug_information_is_left_to_gdb(tmp_path):
    path = tmp_path / "vmlinux"
    with path.open("wb") as file:
        file.truncate(MOST_SYMBOLS + 1)
    guest = Guest(machine=None, kernel=path, protocol="linux unpacked", image=None, lines=None, symbols_file=path)
    assert guest.symbols is None
    assert gdb_commands(guest, "x")[0] == f"file {path}"
