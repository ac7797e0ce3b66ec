"""Images that cannot be booted: each is refused in one sentence, whatever is wrong with it, and by nothing else."""

import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from machine.boot import bzimage, multiboot
from machine.boot.linux import ENTRIES
from machine.boot.load import boot
from machine.errors import BootError
from machine.machine import Machine
from tests.machine.test_bzimage import KERNEL, MEMORY, MIB, PACKINGS, SETUP, elf, image, sized

FUZZ = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))


def multiboot_image(flags=multiboot.HAS_ADDRESSES, checksum=None, load=MIB, end=0, bss=0, entry=MIB + 32):
    checksum = -(multiboot.MAGIC + flags) & 0xFFFFFFFF if checksum is None else checksum
    fields = (multiboot.MAGIC, flags, checksum, load, load, end, bss, entry)
    return struct.pack("<8I", *fields) + b"\xf4" * 64


def pvh_image(entry=KERNEL, size=4):
    """An ELF file with one loaded segment and the note of its 32-bit entry."""
    plain = elf(text=b"\xf4" * 16)
    note = struct.pack("<3I4s", 4, size, 18, b"Xen\0") + entry.to_bytes(size, "little")
    at = 64 + 2 * 56
    header = bytearray(plain[:64])
    header[56:58] = (2).to_bytes(2, "little")
    load = struct.pack("<IIQQQQQQ", 1, 7, at + len(note), 0, KERNEL, 16, 16, 4096)
    notes = struct.pack("<IIQQQQQQ", 4, 4, at, 0, 0, len(note), len(note), 4)
    return bytes(header) + load + notes + note + b"\xf4" * 16


def refusal(data, memory=MEMORY, **options):
    with pytest.raises(BootError) as caught:
        boot(Machine(memory), data, **options)
    text = str(caught.value)
    assert text and "\n" not in text
    return text


def header(**values):
    """A 64-byte ELF header with fields changed."""
    data = bytearray(elf(text=b"\xf4"))
    for at, (form, value) in values.items():
        struct.pack_into(form, data, int(at[1:], 16), value)
    return bytes(data)


# fmt: off
BROKEN = [
    # what                         image                                        words
    ("an empty file",              b"",                                         ["empty"]),
    ("one byte",                   b"\x7f",                                     ["7f"]),
    ("text",                       b"#!/bin/sh\necho no kernel\n",              ["23212f62"]),
    ("one line of text",           b"This is no kernel at all",                 ["'This is no kerne'"]),
    ("an Arm program",             header(x12=("<H", 40)),                      ["machine 40 (Arm) at 0x12"]),
    ("an AArch64 program",         header(x12=("<H", 183)),                     ["machine 183 (AArch64) at 0x12"]),
    ("an unheard-of machine",      header(x12=("<H", 9999)),                    ["machine 9999 at 0x12"]),
    ("a big-endian file",          header(x5=("B", 2)),                         ["byte order 2 at 0x5"]),
    ("a file of no class",         header(x4=("B", 7)),                         ["class 7 at 0x4"]),
    ("an ELF header cut short",    header()[:50],                               ["cut short", "50 bytes"]),
    ("program headers cut off",    header()[:100],                              ["program header 0 at 0x40"]),
    ("program headers beyond",     header(x20=("<Q", 1 << 40)),                 ["0x10000000000"]),
    ("small program headers",      header(x36=("<H", 8)),                       ["8 bytes"]),
    ("no program headers",         header(x38=("<H", 0)),                       ["no segment"]),
    ("a segment beyond RAM",       header(x58=("<Q", MEMORY)),                  [f"{MEMORY:#x}"]),
    ("a segment beyond 64 bits",   header(x58=("<Q", (1 << 64) - 1)),           ["0xffffffffffffffff"]),
    ("an endless segment",         header(x68=("<Q", 1 << 50)),                 ["0x4000000000000"]),
    ("a segment not in the file",  header(x60=("<Q", 1 << 20)),                 ["segment 0", "0x100000"]),
    ("an entry that is virtual",   header(x18=("<Q", 0xFFFFFFFF81000000)),      ["entry 0xffffffff81000000"]),
    ("a PVH entry beyond",         pvh_image(entry=0x7000000),                  ["0x7000000"]),
    ("a Multiboot checksum",       multiboot_image(checksum=5),                 ["at 0x0 has", "0x5", "0xe4514ffe"]),
    ("a Multiboot header cut off", multiboot_image()[:20],                      ["at 0x0 is cut off", "0x14 bytes"]),
    ("Multiboot beyond the file",  multiboot_image(end=2 * MIB),                ["0x200000"]),
    ("Multiboot beyond RAM",       multiboot_image(load=MEMORY, entry=MEMORY),  [f"{MEMORY:#x}"]),
    ("Multiboot bss beyond RAM",   multiboot_image(bss=1 << 31),                ["bss"]),
    ("a Multiboot entry beyond",   multiboot_image(entry=0x123),                ["0x123"]),
    ("a kernel below 1 MiB",       image(pref_address=0, init_size=0x1000),     ["pref_address at 0x258 is 0x0"]),
]
# fmt: on


@pytest.mark.parametrize(("data", "words"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_what_cannot_be_booted_is_told_by_name_and_byte(data, words):
    text = refusal(data, entry="32" if data[0x202:0x206] == b"HdrS" else None)
    for word in words:
        assert word in text


def test_a_disk_that_does_not_fit_below_the_kernels_limit():
    for entry in ENTRIES:
        text = refusal(image(initrd_addr_max=KERNEL + 0x500000), entry=entry, initrd=bytes(8 * MIB))
        assert "initrd_addr_max at 0x22c: 0x1500001" in text and "0x800000 bytes" in text


@pytest.mark.parametrize("packing", PACKINGS)
def test_a_payload_that_unpacks_to_more_than_it_says_stops_there(packing):
    bomb = PACKINGS[packing](bytes(64 * MIB))
    liar = sized(bomb[:-4], b"x" * 100)
    assert "more bytes than the 0x64" in refusal(image(liar))


def test_a_bzimage_cut_anywhere_is_refused():
    whole = image()
    edges = {field.offset + add for field in bzimage.FIELDS for add in (0, 1, field.size)}
    edges |= {0, 1, 4, 0x1FE, 0x200, 0x202, 0x206, SETUP - 1, SETUP, SETUP + 1, len(whole) - 16, len(whole) - 17}
    for cut in sorted(edges):
        for entry in ENTRIES:
            if cut < 0x206:
                entry = None  # not to be known as a bzImage any more
            if cut < len(whole) - 15:
                assert refusal(whole[:cut], entry=entry)


# Mutated images: booted or refused, and nothing else


def survives(data, **options):
    try:
        boot(Machine(MEMORY), data, **options)
    except BootError as error:
        assert str(error) and "\n" not in str(error)


IMAGES = {
    "bzimage": image(),
    "elf": elf(text=b"\xf4" * 16),
    "multiboot": multiboot_image(),
    "pvh": pvh_image(),
    "pvh 8": pvh_image(size=8),
}
ODD = st.sampled_from(
    [0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 1 << 31, (1 << 32) - 1, (1 << 63), (1 << 64) - 1]
)


def test_the_images_are_right_before_they_are_mutated():
    for name, data in IMAGES.items():
        assert boot(Machine(MEMORY), data).startswith({"bzimage": "linux"}.get(name, name.split()[0]))


@FUZZ
@given(
    field=st.sampled_from(bzimage.FIELDS),
    value=ODD | st.integers(0, (1 << 64) - 1),
    entry=st.sampled_from(list(ENTRIES)),
    initrd=st.sampled_from([None, b"x", bytes(MIB)]),
)
def test_a_bzimage_with_an_odd_field(field, value, entry, initrd):
    changed = image(**{field.name: value & (1 << 8 * field.size) - 1})
    survives(changed, entry=entry if changed[0x202:0x206] == b"HdrS" else None, initrd=initrd)


@FUZZ
@given(data=st.data(), name=st.sampled_from([name for name in IMAGES if name != "bzimage"]))
def test_an_image_with_odd_bytes(data, name):
    changed = bytearray(IMAGES[name])
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, min(len(changed), 256) - 8))
        size = data.draw(st.sampled_from([1, 2, 4, 8]))
        changed[at : at + size] = (data.draw(ODD) & (1 << 8 * size) - 1).to_bytes(size, "little")
    survives(bytes(changed), initrd=data.draw(st.sampled_from([None, b"disk"])))


@FUZZ
@given(st.binary(max_size=700))
def test_a_file_of_noise(noise):
    survives(noise)


@settings(FUZZ, max_examples=60)
@given(name=st.sampled_from(list(PACKINGS)), at=st.integers(0, 400), byte=st.integers(0, 255))
def test_a_payload_with_an_odd_byte(name, at, byte):
    packed = bytearray(PACKINGS[name](elf(text=b"\xf4" * 16)))
    packed[at % len(packed)] = byte
    survives(image(bytes(packed)))
