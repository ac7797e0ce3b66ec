"""execve: formats that name another file, programs without a fixed place, and both ways to the first program."""

import re
import subprocess
from pathlib import Path

import pytest

from kernel import cpio
from kernel.image import PACKAGE, find_image
from kernel.toolchain import find_toolchain
from tests.guest.boot import PANIC, POWER_OFF, on_machine

UNATTENDED = "init_action=poweroff panic=-1"

WHERE = Path(__file__).with_name("where.c")


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    """build(name, ends, link flags) -> a program's bytes"""
    place = tmp_path_factory.mktemp("programs")
    toolchain = find_toolchain(PACKAGE, place)

    def build(name, ends, *link):
        objects, linked = (place / f"{name}.{suffix}" for suffix in ("o", "elf"))
        toolchain.compile(WHERE, objects, ["-fpie", f'-DNAME="{name}"', f"-DENDS={int(ends)}"])
        command = [str(toolchain.zig), "ld.lld", "-z", "separate-code", "-z", "noexecstack", "-e", "_start", *link]
        subprocess.run([*command, str(objects), "-o", str(linked)], check=True)
        return linked.read_bytes()

    return build


def rootfs(**files):
    programs = {f"{place}/{name}": (find_image().programs / name).read_bytes()
                for place, name in (("sbin", "init"), ("sbin", "helper"), ("bin", "sh"), ("bin", "echo"))}  # fmt: skip
    files = programs | {path.replace("__", "/"): data for path, data in files.items()}
    devices = [cpio.character_device("dev/console", 5, 1), cpio.character_device("dev/kmsg", 1, 11)]
    return cpio.archive([*devices, *(cpio.regular(path, data, executable=True) for path, data in files.items())])


def addresses(run):
    """What the programs said: `ld code` and so on to a number."""
    found = re.findall(r"^(\w+ \w+) ([0-9a-f]{16})$", run.console, re.MULTILINE)
    return {what: int(value, 16) for what, value in found}


@pytest.mark.parametrize("way", ["int80", "ret_from_fork"])
def test_the_first_program_starts_both_ways(boot, way):
    run = boot(f"{UNATTENDED} execve={way} /bin/echo")
    lines = run.lines()
    assert lines.index("ucs = 0x33") < lines.index("helper: ucs = 0x33")
    assert run.code == POWER_OFF


@pytest.mark.parametrize("way", ["int80", "ret_from_fork"])
def test_no_init_and_its_death_are_panics_both_ways(boot, way):
    run = boot(f"panic=-1 execve={way} init=/bin/notelf")
    assert "Kernel panic - not syncing: Requested init /bin/notelf failed (error -8)." in run.lines()
    run = boot(f"panic=-1 execve={way} init=/bin/echo")
    assert "Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000000" in run.lines()
    assert run.code == PANIC


def test_an_unknown_way_goes_to_init(boot):
    assert "ucs = 0x33" in boot(f"{UNATTENDED} execve=other").lines()


def test_a_script_passes_its_line_and_its_name(boot):
    scripts = {"bin__a": b"#! /bin/echo  one  two \nthree\n", "bin__b": b"#!/bin/a\tx\n"}
    run = boot("panic=-1", typed=[b"a last", b"b last", b"exit"], initramfs=rootfs(**scripts))
    lines = run.lines()
    assert "one  two /bin/a last" in lines
    assert "one  two /bin/a x /bin/b last" in lines


@pytest.mark.parametrize("most", [5, 6])
def test_five_interpreters_deep(boot, most):
    scripts = {f"bin__s{n}": f"#!/bin/s{n + 1}\n".encode() for n in range(most - 1)}
    scripts[f"bin__s{most - 1}"] = b"#!/bin/echo\n"
    run = boot(f"{UNATTENDED} /bin/s0", initramfs=rootfs(**scripts))
    status = {5: 0, 6: 127 << 8}[most]
    assert f"init: /bin/s0 ended with status {status:#x}" in run.lines()


def test_a_dynamic_program_starts_in_its_interpreter(boot, build):
    program = build("app", True, "-pie", "--dynamic-linker=/lib/ld.so")
    loader = build("ld", False, "-pie", "--no-dynamic-linker")
    run = boot(f"{UNATTENDED} /bin/app", initramfs=rootfs(bin__app=program, **{"lib__ld.so": loader}))
    said = addresses(run)
    assert list(said) == ["ld code", "ld stack", "ld base", "app code", "app stack"]
    assert said["app code"] >> 12 in range(0x555555554, 0x555555564)
    assert said["ld base"] < said["ld code"] < said["ld stack"]
    assert said["ld stack"] == said["app stack"]
    assert "init: /bin/app ended with status 0x0" in run.lines()


def test_a_static_program_without_a_place_lies_where_mmap_gives(boot, build):
    program = build("app", True, "-pie", "--no-dynamic-linker")
    said = addresses(boot(f"{UNATTENDED} /bin/app", initramfs=rootfs(bin__app=program)))
    assert 0x7FF000000000 < said["app code"] < said["app stack"]


def test_an_interpreter_must_be_there_and_be_one(boot, build):
    program = build("app", True, "-pie", "--dynamic-linker=/lib/ld.so")
    for loader, error in ((None, -2), (b"#!/bin/echo\n", -80), (b"\x7fELF", -80)):
        files = {"bin__app": program} | ({"lib__ld.so": loader} if loader else {})
        run = boot(f"{UNATTENDED} /bin/app", initramfs=rootfs(**files))
        assert f"init: cannot run /bin/app (error {error})" in run.lines()


def test_addresses_are_random_only_by_a_seed(build):
    files = rootfs(bin__app=build("app", True, "-pie", "--dynamic-linker=/lib/ld.so"),
                   **{"lib__ld.so": build("ld", False, "-pie", "--no-dynamic-linker")})  # fmt: skip

    def said(words):
        return addresses(on_machine(f"{UNATTENDED} {words} /bin/app /bin/app", initramfs=files))

    fixed, off, one, again, other = map(said, ("", "randomize=off", "randomize=1", "randomize=on", "randomize=2"))
    assert fixed == off and one == again
    for what in ("app code", "ld code", "app stack"):
        assert len({fixed[what], one[what], other[what]}) == 3
        assert {said[what] & 0xFF for said in (fixed, one, other)} == {fixed[what] & 0xFF} or "stack" in what
