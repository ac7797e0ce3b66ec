"""Programs that are not what they claim to be: refused or killed, and never the kernel's end."""

import random
import struct

import pytest

from kernel import cpio
from kernel.image import find_image
from tests.guest.boot import POWER_OFF

HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
PROGRAM_HEADER = struct.Struct("<IIQQQQQQ")
FIELDS = dict(zip(["type", "flags", "offset", "vaddr", "paddr", "filesz", "memsz", "align"], range(8), strict=True))
PT_LOAD, PT_INTERP = 1, 3
READ_EXECUTE, READ_WRITE = 5, 6
NOEXEC = 127 << 8


def image():
    return bytearray((find_image().programs / "echo").read_bytes())


def with_header(**changes):
    data = image()
    names = "ident type machine version entry phoff shoff flags ehsize phentsize phnum shentsize shnum shstrndx"
    fields = dict(zip(names.split(), HEADER.unpack_from(data), strict=True)) | changes
    HEADER.pack_into(data, 0, *fields.values())
    return bytes(data)


def with_segment(rights=READ_EXECUTE, *, of=None, **changes):
    """The program, or ``of``, with the header of its code changed, or of the segment with other rights."""
    data = bytearray(of) if of else image()
    headers = [HEADER.size + number * PROGRAM_HEADER.size for number in range(5)]
    at = next(at for at in headers if PROGRAM_HEADER.unpack_from(data, at)[:2] == (PT_LOAD, rights))
    fields = list(PROGRAM_HEADER.unpack_from(data, at))
    for name, value in changes.items():
        fields[FIELDS[name]] = value
    PROGRAM_HEADER.pack_into(data, at, *fields)
    return bytes(data)


REFUSED = {
    "magic": b"\x7fELG" + bytes(100),
    "empty": b"",
    "header_cut": bytes(image()[:40]),
    "headers_cut": bytes(image()[:100]),
    "class32": with_header(ident=b"\x7fELF\x01\x01\x01" + bytes(9)),
    "big_endian": with_header(ident=b"\x7fELF\x02\x02\x01" + bytes(9)),
    "relocatable": with_header(type=1),
    "core": with_header(type=4),
    "aarch64": with_header(machine=183),
    "entry_in_kernel": with_header(entry=0xFFFFFFFF81000000),
    "entry_not_canonical": with_header(entry=0x8000000000000000),
    "no_headers": with_header(phnum=0),
    "many_headers": with_header(phnum=0xFFFF),
    "header_size": with_header(phentsize=32),
    "phoff_wild": with_header(phoff=1 << 63),
    "phoff_end": with_header(phoff=len(image()) - 8),
    "interpreter": with_segment(type=PT_INTERP),
    "offset_wild": with_segment(offset=0xFFFFFFFFFFFFF000),
    "filesz_wild": with_segment(filesz=1 << 62, memsz=1 << 62),
    "filesz_beyond_memsz": with_segment(memsz=1),
    "memsz_wild": with_segment(memsz=0xFFFFFFFFFFFFF000),
    "memsz_all_memory": with_segment(memsz=1 << 40),
    "vaddr_null": with_segment(vaddr=0),
    "vaddr_kernel": with_segment(vaddr=0xFFFFFFFF81000000),
    "vaddr_stack": with_segment(vaddr=0x7FFFFFFFE000),
    "vaddr_wraps": with_segment(vaddr=0xFFFFFFFFFFFFF000),
    "misaligned": with_segment(vaddr=0x401008),
    "overlap": with_segment(vaddr=0x400000),
    "descending": with_segment(vaddr=0x300000),
}


def run_all(boot, programs):
    """Run each program from init; name to the status it ended with."""
    members = [cpio.regular(f"x/{name}", data, executable=True) for name, data in programs.items()]
    base = [
        cpio.character_device("dev/console", 5, 1),
        cpio.regular("sbin/init", (find_image().programs / "init").read_bytes(), executable=True),
    ]
    words = " ".join(f"/x/{name}" for name in programs)
    run = boot(f"init_action=poweroff panic=-1 {words}", initramfs=cpio.archive([*base, *members]))
    assert run.code == POWER_OFF, run.console[-2000:]
    ended = [line.split() for line in run.lines() if line.startswith("init: /x/") and "ended with status" in line]
    return {words[1].removeprefix("/x/"): int(words[-1], 16) for words in ended}


@pytest.mark.parametrize("part", [0, 1])
def test_broken_headers_are_refused(boot, part):
    programs = dict(list(REFUSED.items())[part::2])
    assert run_all(boot, programs) == dict.fromkeys(programs, NOEXEC)


def test_what_only_looks_odd_runs(boot):
    programs = {
        "plain": bytes(image()),
        "no_sections": with_header(shoff=1 << 60, shnum=9),
        "physical": with_segment(paddr=1 << 50),
        "trailing": bytes(image()) + bytes(5000),
    }
    assert run_all(boot, programs) == dict.fromkeys(programs, 0)


def test_code_that_may_not_run_dies_in_ring_3(boot):
    programs = {
        "no_execute": with_segment(flags=4),
        "no_rights": with_segment(flags=0),
        "data": with_header(entry=0x400000),
        "moved": with_header(type=3),
    }
    assert run_all(boot, programs) == dict.fromkeys(programs, 11)


def test_a_program_larger_than_memory_starts(boot):
    size = 25 << 20  # the file fits in memory, both its segments beside it do not; its pages come as they are touched
    code = with_segment(filesz=size, memsz=size)
    huge = with_segment(READ_WRITE, of=code, vaddr=0x4000000, offset=0, filesz=size, memsz=size)
    programs = {"huge": huge + bytes(size), "plain": bytes(image())}
    assert run_all(boot, programs) == {"huge": 11, "plain": 0}  # it misses its data, where it was linked


@pytest.mark.parametrize("seed", range(6))
def test_random_damage_never_reaches_the_kernel(boot, seed):
    randomness = random.Random(seed)
    programs = {}
    for number in range(28):
        data = image()
        for _ in range(randomness.randint(1, 8)):
            data[randomness.randrange(HEADER.size + 5 * PROGRAM_HEADER.size)] = randomness.randrange(256)
        programs[f"r{number}"] = bytes(data)
    assert set(run_all(boot, programs)) == set(programs)
