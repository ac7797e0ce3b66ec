"""Checks of the machine from ring 3 under Debian's kernel, each a result of its own; the same programs on the host."""

import dataclasses
import platform
import re
import subprocess
from pathlib import Path

import pytest

from kernel.cpio import regular
from ringscope import initramfs
from ringscope.packages import cache_directory
from tests.linux import selfchecks
from tests.linux.debian import Debian
from tests.linux.selfchecks import DIFFERS, PROGRAM, PROGRAM_32

pytest.importorskip("ziglang", reason="the compiler, ziglang, is not installed")
pytestmark = [pytest.mark.linux, pytest.mark.timeout(400)]

SECONDS = 300
TRIES = 3
HOST_LACKS = ("Function not implemented", "Operation not permitted")
"""What a kernel built without the call, or a container, says; only ioperm and iopl may."""

PORT_CALLS = ("ioperm", "iopl")
PAGE = Path(__file__).parents[2] / "docs" / "machine.md"


@pytest.fixture(scope="session")
def programs(tmp_path_factory):
    cache_directory().mkdir(parents=True, exist_ok=True)
    return selfchecks.build(tmp_path_factory.mktemp("selfcheck"))


@pytest.fixture(scope="module")
def in_the_guest(files, programs, tmp_path_factory):
    """Boot with the programs in the initial RAM disk and run them; a guest that dies leaves what it has told.

    Messages of the kernel's would cut lines in two on the console, so each line is written there as a whole.
    """
    busybox = files.initrd.with_name("busybox").read_bytes()
    members = [regular(path.name, path.read_bytes(), executable=True) for path in programs]
    initrd = tmp_path_factory.mktemp("initrd") / "initrd.cpio"
    initrd.write_bytes(initramfs.build(busybox, members))
    debian = Debian(dataclasses.replace(files, initrd=initrd)).shell()
    found, stopped = {}, ""
    for path, prefix in zip(programs, ("", f"{PROGRAM_32}/"), strict=True):
        debian.type(f'/{path.name} | while read -r line; do echo; echo "$line"; done')
        try:
            said = debian.expect(initramfs.PROMPT, seconds=SECONDS)
        except AssertionError as error:
            said, stopped = debian.rest(), str(error)
        found |= selfchecks.results(said, prefix)
    return found, stopped


@pytest.mark.parametrize("name", selfchecks.names())
def test_in_the_guest(in_the_guest, name):
    found, stopped = in_the_guest
    assert name in found, f"it told nothing; {stopped}"
    if name in DIFFERS:
        assert found[name] is not None and found[name].startswith(DIFFERS[name]), "a row of docs/machine.md"
    else:
        assert found[name] is None


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the programs are for x86-64")
def test_on_the_host(programs):
    """The same programs pass where the processor is real; a busy host gets more than one try at what it missed."""
    for path, prefix in zip(programs, ("", f"{PROGRAM_32}/"), strict=True):
        missed = run_on_host(path, [])
        for _ in range(TRIES - 1):
            if missed and path.name == PROGRAM:
                missed = run_on_host(path, list(missed))
        lacking = {name for name in PORT_CALLS if missed.get(name, "").endswith(HOST_LACKS)}
        assert {prefix + name: why for name, why in missed.items() if name not in lacking} == {}


def run_on_host(path, checks):
    ran = subprocess.run([path, *checks], capture_output=True, text=True, timeout=SECONDS)
    found = selfchecks.results(ran.stdout)
    assert found, ran.stderr
    return {name: why for name, why in found.items() if why is not None}


def test_the_page_has_a_row_for_each_difference():
    assert set(re.findall(r"`check: ([^`]+)`", PAGE.read_text())) == DIFFERS.keys()


def test_each_name_is_a_check():
    assert DIFFERS.keys() <= set(selfchecks.names())
    assert len(selfchecks.names()) == len(set(selfchecks.names()))
