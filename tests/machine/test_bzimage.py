"""Linux's boot protocol on images made here: every field cut off, every packing, every entry, and what must not fit."""

import bz2
import gzip
import lzma
import struct

import lz4.block
import pytest
import zstandard

from machine.boot import bzimage, payload
from machine.boot.bootparams import BOOT_PARAMS, COMMAND_LINE
from machine.boot.linux import ENTRIES, PAGE_TABLES, identity_map
from machine.boot.load import boot
from machine.errors import BootError
from machine.limits import ENTRY_NAMES
from machine.machine import Machine
from machine.stop import Exited
from machine.tables.place import RSDP
from tests.machine.handmade import assemble

MIB = 1 << 20
SETUP_SECTS = 3
SETUP = (SETUP_SECTS + 1) * 512
HEADER_END = 0x26C
PREFERRED, KERNEL = 0x1000000, 0x1000000
MEMORY = 32 * MIB

# Says over COM1 which entry this is, then the byte at CMDLINE and the initial RAM disk's, and leaves by the exit port.
TELL_32 = """
    .code32
    mov ${letter}, %al
    mov $0x3f8, %dx
    out %al, %dx
    mov 0x228(%esi), %ebx
    mov (%ebx), %al
    out %al, %dx
    mov 0x218(%esi), %ebx
    mov (%ebx), %al
    out %al, %dx
    mov %cs, %eax
    push_segments
    xor %eax, %eax
    mov $0xf4, %dx
    out %eax, %dx
    hlt
"""
TELL_64 = TELL_32.replace(".code32", ".code64").replace("%esi", "%rsi").replace("(%ebx)", "(%rbx)")
RELOAD = """
    mov $0x18, %eax
    mov %eax, %ss
    mov %eax, %ds
    mov %eax, %gs
"""


def code(template, letter, address):
    """The kernel's code; reloading segments proves that the GDT is there."""
    text = template.replace("{letter}", str(ord(letter))).replace("mov %cs, %eax\n    push_segments", RELOAD)
    return assemble(text, address)


def elf(machine=62, bits=2, text=None):
    """A 64-bit ELF file with one segment at KERNEL."""
    text = code(TELL_64, "u", KERNEL) if text is None else text
    ident = b"\x7fELF" + bytes([bits, 1, 1]) + bytes(9)
    header = struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, KERNEL, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    program = struct.pack("<IIQQQQQQ", 1, 7, 120, 0xFFFFFFFF81000000, KERNEL, len(text), len(text) + 0x1000, 4096)
    return ident + header + program + text


def sized(packed, data):
    return packed + struct.pack("<I", len(data))


def lz4_legacy(data, block=8 * MIB):
    packed = b"\x02\x21\x4c\x18"
    for at in range(0, len(data), block):
        part = lz4.block.compress(data[at : at + block], store_size=False)
        packed += struct.pack("<I", len(part)) + part
    return packed


def xz(data):
    filters = [{"id": lzma.FILTER_X86}, {"id": lzma.FILTER_LZMA2, "preset": 6}]
    return lzma.compress(data, format=lzma.FORMAT_XZ, check=lzma.CHECK_CRC32, filters=filters)


def zstd(data):
    compressor = zstandard.ZstdCompressor(level=19, write_content_size=False).compressobj()
    return compressor.compress(data) + compressor.flush()


PACKINGS = {
    "gzip": gzip.compress,
    "bzip2": lambda data: sized(bz2.compress(data), data),
    "lzma": lambda data: sized(lzma.compress(data, format=lzma.FORMAT_ALONE), data),
    "xz": lambda data: sized(xz(data), data),
    "lz4": lambda data: sized(lz4_legacy(data), data),
    "zstd": lambda data: sized(zstd(data), data),
}


def image(packed=None, **fields):
    """A bzImage; ``fields`` override those of its setup header."""
    packed = PACKINGS["gzip"](elf()) if packed is None else packed
    protected = code(TELL_32, "3", PREFERRED).ljust(0x200, b"\x90") + code(TELL_64, "6", PREFERRED + 0x200)
    offset = len(protected)
    protected += packed
    protected += bytes(-len(protected) % 16)
    head = bytearray(SETUP)
    values = {
        "setup_sects": SETUP_SECTS,
        "syssize": len(protected) // 16,
        "boot_flag": 0xAA55,
        "jump": 0xEB | (HEADER_END - 0x202) << 8,
        "header": int.from_bytes(b"HdrS", "little"),
        "version": 0x20F,
        "loadflags": 1,
        "code32_start": 0x100000,
        "initrd_addr_max": 0x7FFFFFFF,
        "kernel_alignment": 0x200000,
        "relocatable_kernel": 1,
        "xloadflags": 1,
        "cmdline_size": 2047,
        "payload_offset": offset,
        "payload_length": len(packed),
        "pref_address": PREFERRED,
        "init_size": 0x400000,
        **fields,
    }
    for name, value in values.items():
        field = bzimage.BY_NAME[name]
        head[field.offset : field.offset + field.size] = value.to_bytes(field.size, "little")
    return bytes(head) + protected


def start(data, memory=MEMORY, **options):
    output = bytearray()
    machine = Machine(memory, send=output.extend)
    machine.protocol = boot(machine, data, **options)
    return machine, output


def refusal(data, **options):
    with pytest.raises(BootError) as caught:
        start(data, **options)
    return str(caught.value)


def run(machine):
    while (stop := machine.run()) is None:
        pass
    return stop


@pytest.mark.parametrize(("entry", "letter"), [("32", "3"), ("64", "6"), ("unpacked", "u"), (None, "u")])
def test_an_entry_gets_its_command_line_and_disk(entry, letter):
    machine, output = start(image(), entry=entry, initrd=b"disk", command_line="Line")
    assert machine.protocol == f"linux {entry or 'unpacked'}"
    assert run(machine) == Exited(0)
    assert output.decode() == f"{letter}Ld"


@pytest.mark.parametrize(
    ("entry", "rip", "width"), [("32", PREFERRED, 32), ("64", PREFERRED + 0x200, 64), ("unpacked", KERNEL, 64)]
)
def test_the_processor_is_as_the_protocol_wants_it(entry, rip, width):
    machine, _ = start(image(), entry=entry)
    read = machine.cpu.read_register
    assert (read("rip"), read("cs"), read("eflags") & 0x200, read("rsi")) == (rip, 0x10, 0, BOOT_PARAMS)
    assert {read(name) for name in ("ds", "es", "ss")} == {0x18}
    assert {read(name) for name in ("rbp", "rdi", "rbx")} == {0}
    assert bool(read("cr0") >> 31) == (width == 64) == bool(read("efer") & 1 << 10)
    assert read("cr3") == (PAGE_TABLES if width == 64 else 0)


def test_boot_params_say_what_was_done():
    disk = b"disk" * 1000
    machine, _ = start(image(), entry="64", initrd=disk, command_line="a=b")
    page = machine.memory.read(BOOT_PARAMS, 4096)

    def field(name):
        _, offset, size, _ = bzimage.BY_NAME[name]
        return int.from_bytes(page[offset : offset + size], "little")

    assert field("type_of_loader") == 0xFF
    assert field("code32_start") == PREFERRED
    assert machine.memory.read(field("cmd_line_ptr"), 4) == b"a=b\0"
    assert (field("cmd_line_ptr"), field("ramdisk_size")) == (COMMAND_LINE, len(disk))
    assert machine.memory.read(field("ramdisk_image"), len(disk)) == disk
    assert int.from_bytes(page[0x70:0x78], "little") == RSDP, "acpi_rsdp_addr"
    assert page[:0x70] + page[0x78:0x1E8] == bytes(0x1E0), "all else that nobody knows is 0"
    runs = [struct.unpack_from("<QQI", page, 0x2D0 + 20 * number) for number in range(page[0x1E8])]
    assert (0x100000, MEMORY - 0x100000, 1) in runs
    assert (0, 0x9FC00, 1) in runs


def test_the_first_four_gibibytes_are_mapped_to_themselves():
    tables = identity_map(0x5000)
    entries = struct.unpack(f"<{len(tables) // 8}Q", tables)
    assert entries[:2] == (0x6003, 0) and entries[512:517] == (0x7003, 0x8003, 0x9003, 0xA003, 0)
    assert [entry & ~0x83 for entry in entries[1024:]] == list(range(0, 4 << 30, 2 << 20))


@pytest.mark.parametrize("packing", PACKINGS)
def test_a_packing_is_unpacked(packing):
    machine, output = start(image(PACKINGS[packing](elf())), initrd=b"d", command_line="L")
    assert run(machine) == Exited(0)
    assert output == b"uLd"


def test_a_payload_may_be_not_packed_at_all():
    machine, output = start(image(elf()), initrd=b"d", command_line="L")
    assert run(machine) == Exited(0) and output == b"uLd"


def test_lz4_goes_on_over_blocks():
    data = bytes(range(256)) * 70000
    assert payload.unpack(sized(lz4_legacy(data), data)) == data


@pytest.mark.parametrize("packing", PACKINGS)
def test_a_packing_cut_short_is_refused(packing):
    packed = PACKINGS[packing](elf())
    message = refusal(image(packed[: len(packed) // 2] + struct.pack("<I", 0x2000)))
    assert packing in message and "damaged" in message


@pytest.mark.parametrize("packing", PACKINGS)
def test_another_length_than_declared_is_refused(packing):
    data = elf()
    packed = PACKINGS[packing](data)[:-4] + struct.pack("<I", len(data) + 1)
    message = refusal(image(packed))
    assert packing in message and ("damaged" in message or f"{len(data) + 1:#x}" in message)


def test_an_unknown_packing_is_named_by_its_first_bytes():
    assert "894c5a4f0001" in refusal(image(b"\x89LZO\x00\x01" + bytes(64)))


def test_a_payload_of_another_machine_is_refused():
    assert "ELF machine 183" in refusal(image(gzip.compress(elf(machine=183))))


@pytest.mark.parametrize("field", bzimage.FIELDS, ids=lambda field: field.name)
def test_a_file_cut_off_in_a_field_is_refused_by_its_name(field):
    for cut in range(field.offset, field.offset + field.size):
        with pytest.raises(BootError, match=rf"at 0x[0-9a-f]+.*cut off.*{cut:#x} bytes"):
            bzimage.parse(image()[:cut])
        if cut >= 0x206:  # before that nothing says that it is Linux
            assert "cut off" in refusal(image()[:cut])
    with pytest.raises(BootError, match=f"{field.name} at {field.offset:#x}, {field.size} bytes, is cut off"):
        bzimage.parse(image()[: field.offset + field.size - 1])


@pytest.mark.parametrize("cut", [HEADER_END - 1, SETUP - 1, SETUP, SETUP + 0x200])
def test_a_file_cut_off_behind_the_header_is_refused(cut):
    assert f"the file has {cut:#x} bytes" in refusal(image()[:cut])


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"boot_flag": 0}, "boot_flag at 0x1fe is 0x0, not 0xaa55"),
        ({"version": 0x205}, "version at 0x206 is 2.05"),
        ({"version": 0x207}, "version at 0x206 is 2.07: the payload cannot be found before 2.08"),
        ({"loadflags": 0x80}, "loadflags at 0x211 is 0x80: bit 0"),
        ({"syssize": 0}, "syssize at 0x1f4 is 0x0"),
        ({"syssize": 0xFFFFFF}, "syssize at 0x1f4 is 0xffffff"),
        ({"payload_length": 0x7FFFFFFF}, "payload_length at 0x24c is 0x7fffffff"),
        ({"payload_offset": 0xFFFFFFFF}, "payload_offset 0xffffffff"),
    ],
)
def test_a_broken_header_is_refused_by_field_value_and_offset(fields, words):
    assert words in refusal(image(**fields))


def test_there_is_no_64_bit_entry_without_its_flag():
    assert "xloadflags at 0x236 is 0x0: bit 0 is clear" in refusal(image(xloadflags=0), entry="64")
    assert "version at 0x206 is 2.11" in refusal(image(version=0x20B), entry="64")


def test_an_old_kernel_is_entered_at_one_mebibyte():
    machine, _ = start(image(version=0x206), entry="32")
    assert machine.cpu.read_register("rip") == 0x100000
    machine, _ = start(image(relocatable_kernel=0), entry="32")
    assert machine.cpu.read_register("rip") == 0x100000


def test_the_command_line_is_as_long_as_the_kernel_takes():
    start(image(cmdline_size=255), command_line="x" * 255)
    message = refusal(image(cmdline_size=255), command_line="x" * 256)
    assert "256 bytes" in message and "takes 255" in message


@pytest.mark.parametrize("entry", ["32", "64"])
def test_memory_too_small_is_told_with_numbers(entry):
    message = refusal(image(), memory=16 * MIB, entry=entry)
    assert "needs 0x400000 bytes at 0x1000000 (20 MiB of RAM)" in message and "16 MiB" in message


def test_memory_too_small_for_the_unpacked_kernel_is_told_with_numbers():
    assert "segment at 0x1000000" in refusal(image(), memory=16 * MIB)


@pytest.mark.parametrize("entry", ["32", "64", "unpacked"])
def test_a_disk_larger_than_ram_is_refused_with_numbers(entry):
    message = refusal(image(), entry=entry, initrd=bytes(MEMORY))
    assert f"initial RAM disk of {MEMORY:#x} bytes does not fit" in message and f"{MEMORY:#x}" in message


def test_a_disk_goes_below_the_kernels_limit():
    machine, _ = start(image(initrd_addr_max=24 * MIB - 1), initrd=b"disk")
    assert machine.memory.read(24 * MIB - 4096, 4) == b"disk"


def test_the_entries_have_the_names_that_the_command_line_knows():
    assert tuple(ENTRIES) == ENTRY_NAMES


def test_only_known_entries_and_only_into_linux():
    message = refusal(image(), entry="sideways")
    assert "'sideways'" in message and all(name in message for name in ENTRIES)
    assert "HdrS" in refusal(elf(), entry="64")
