"""Files of snapshots that are not whole, or say what cannot be: refused, with what is wrong, and nothing changes."""

import json
import struct
import zlib
from hashlib import sha256

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from machine import processorstate, snapshot
from machine.machine import Machine
from machine.snapshot import SnapshotError
from machine.snapshotfile import FORMAT
from tests.machine.test_snapshot import SMALL, load, small


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("snapshots") / "whole"
    snapshot.save(small(), path)
    return path.read_bytes()


class Victim:
    """A running machine, into which files are loaded that should not be."""

    def __init__(self, directory):
        self.machine = small()
        self.machine.memory.write(0x3000, b"my own")
        self.machine.clock.warp = 77
        self.path = directory / "broken file"
        self._before = self._all()

    def _all(self):
        cpu = processorstate.save(self.machine.cpu)
        return cpu, self.machine.save(), bytes(self.machine.memory.ram), list(self.machine.devices)

    def refuses(self, data):
        """The sentence."""
        self.path.write_bytes(data)
        with pytest.raises(SnapshotError):
            snapshot.begin(self.path, lambda _found: Machine(SMALL))
        with pytest.raises(SnapshotError) as error:
            load(self.machine, self.path)
        assert str(error.value).startswith(f"{self.path} ")
        assert self._all() == self._before
        return str(error.value).removeprefix(f"{self.path} ")


@pytest.fixture(scope="module")
def victim(tmp_path_factory):
    return Victim(tmp_path_factory.mktemp("victim"))


ANYWHERE = settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])


@ANYWHERE
@given(st.floats(0, 1, exclude_max=True))
@example(0)
def test_a_file_cut_anywhere_is_refused(whole, victim, where):
    assert "cut short" in victim.refuses(whole[: int(len(whole) * where)])


@ANYWHERE
@given(st.floats(0, 1, exclude_max=True), st.integers(0, 7))
def test_a_flipped_bit_anywhere_is_refused(whole, victim, where, bit):
    at = int(len(whole) * where)
    victim.refuses(whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :])


def test_every_byte_of_prefix_heads_and_sum_counts(whole, victim):
    places = [*range(60), *range(len(whole) - 40, len(whole))]
    for at in places:
        for bit in (0, 7):
            victim.refuses(whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :])
        victim.refuses(whole[:at])


def rebuilt(whole, change, version=FORMAT, ram=None):
    """The file with another state, and all its checksums right."""
    length = struct.unpack_from("<Q", whole, 32)[0]
    state = json.loads(whole[44 : 44 + length])
    change(state)
    data = json.dumps(state, sort_keys=True, separators=(",", ":")).encode()
    prefix = whole[:16] + struct.pack("<II", version, 2)
    out = prefix + struct.pack("<I", zlib.crc32(prefix))
    for name, section in ((b"JSON", data), (b"RAM\0", whole[44 + length + 16 : -32] if ram is None else ram)):
        head = name + struct.pack("<Q", len(section))
        out += head + struct.pack("<I", zlib.crc32(section, zlib.crc32(head))) + section
    return out + sha256(out).digest()


def test_the_rebuilder_rebuilds(whole):
    assert rebuilt(whole, lambda state: None) == whole


def setting(*path_and_value):
    *path, last, value = path_and_value

    def change(state):
        for step in path:
            state = state[step]
        state[last] = value

    return change


def dropping(*path):
    *path, last = path

    def change(state):
        for step in path:
            state = state[step]
        del state[last]

    return change


# fmt: off
CRAFTED = (
    (setting("memory", 2 * SMALL),                            "does not fit this machine: it has 2048 KiB of RAM"),
    (setting("memory", -1),                                   "no usable snapshot: memory is -1"),
    (setting("memory", "1M"),                                 "memory is '1M'"),
    (dropping("processor"),                                   "processor is None"),
    (setting("processor", "registers", "rax", 1 << 64),       "processor: rax is 18446744073709551616"),
    (setting("processor", "registers", "rax", 1.5),           "processor: rax is 1.5"),
    (dropping("processor", "registers", "lstar"),             "the state of processor has no lstar"),
    (setting("processor", "registers", "ymm0", 1),            "has an unknown ymm0"),
    (setting("processor", "rest", "halted", "no"),            "processor: halted is 'no'"),
    (setting("processor", "rest", "shutdown", [[1]]),         "shutdown[0] is [1]"),
    (setting("processor", "progress", -1),                    "position is -1"),
    (setting("machine", "devices", "pic", "master", "mask", -1), "8259: mask is -1"),
    (setting("machine", "devices", "firmware", {"a": 1}),     "the state of firmware has an unknown a"),
    (setting("machine", "devices", "floppy", {}),             "the state of the machine has an unknown floppy"),
    (dropping("machine", "devices", "pit"),                   "the state of the machine has no pit"),
    (setting("machine", "devices", []),                       "devices is [], not a dictionary"),
    (setting("machine", "clock", "deadlines", []),            "deadlines of 0 devices"),
    (setting("machine", "machine", "exit", {"code": -1}),     "exit: code is -1"),
)
# fmt: on


@pytest.mark.parametrize(("change", "message"), CRAFTED)
def test_a_whole_file_with_a_broken_state_is_refused(whole, victim, change, message):
    assert message in victim.refuses(rebuilt(whole, change))


RUN = struct.Struct("<II")


@pytest.mark.parametrize(
    ("ram", "message"),
    [
        (b"", "claims 0 runs"),
        (struct.pack("<I", 0), "claims 0 runs"),
        (struct.pack("<I", 1 << 30), "claims 1073741824 runs"),
        (struct.pack("<I", 1) + RUN.pack(3, 1) + b"no frame", "RAM from page 0x3 on cannot be unpacked"),
        (struct.pack("<I", 1) + RUN.pack(3, 2), "one page"),
        (struct.pack("<I", 1) + RUN.pack(SMALL // 4096, 1), "beyond its end"),
        (struct.pack("<I", 2) + RUN.pack(0, 1) + RUN.pack(0, 0), "one page"),
    ],
)
def test_broken_ram_in_a_whole_file_is_refused(whole, victim, ram, message):
    import zstandard

    if message in ("one page", "beyond its end"):
        ram += zstandard.ZstdCompressor().compress(bytes(4096))
    expected = {"one page": "RAM"}.get(message, message)
    assert expected in victim.refuses(rebuilt(whole, lambda state: None, ram=ram))


def test_another_version_is_named(whole, victim):
    message = victim.refuses(rebuilt(whole, lambda state: None, version=FORMAT + 1))
    assert (
        message
        == f"is no usable snapshot: its format is version {FORMAT + 1}, and this ringscope reads version {FORMAT}"
    )


@pytest.mark.parametrize("data", [b"#!/bin/sh\n" * 100, b"\x7fELF" + bytes(5000), b"x"])
def test_what_is_no_snapshot_is_refused(victim, data):
    assert victim.refuses(data) == "is no usable snapshot: it does not begin as one"


def test_what_follows_the_end_is_refused(whole, victim):
    assert "follows its end" in victim.refuses(whole + b"\0")


def test_a_file_that_is_not_there_and_a_directory_are_refused(tmp_path):
    machine = Machine(SMALL)
    for path, reason in ((tmp_path / "none", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(SnapshotError, match=f"{path} cannot be read: {reason}"):
            load(machine, path)
