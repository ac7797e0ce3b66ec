"""The head of a Linux kernel image: the setup header of the x86 boot protocol (Linux: Documentation/arch/x86/boot.rst).

What the file says of itself, checked; nothing here touches a machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from machine.errors import BootError

SECTOR = 512
HEADER = 0x1F1
"""Where the setup header begins, in the file as in boot_params."""

JUMP = 0x200
"""The 16-bit entry: a short jump whose displacement, in the byte behind, leads to the end of the setup header."""

SIGNATURE, BOOT_FLAG = int.from_bytes(b"HdrS", "little"), 0xAA55
OLDEST, PAYLOAD_KNOWN, PLACE_KNOWN, ENTRY_64_KNOWN = 0x206, 0x208, 0x20A, 0x20C
"""Protocol versions: the first with cmdline_size, payload_offset, pref_address and xloadflags."""

LOADED_HIGH = 1 << 0
CAN_USE_HEAP = 1 << 7
"""Bits of loadflags."""

XLF_KERNEL_64 = 1 << 0
"""Bit of xloadflags: the 64-bit entry is at 0x200 of the protected-mode part."""


class Field(NamedTuple):
    """One field: byte offset in the file, size in bytes, and the first protocol version that has it."""

    name: str
    offset: int
    size: int
    since: int


# fmt: off
FIELDS = (
    # name                 offset size since
    Field("setup_sects",    0x1F1, 1, 0x200),
    Field("syssize",        0x1F4, 4, 0x200),  # two bytes before 2.04
    Field("vid_mode",       0x1FA, 2, 0x200),
    Field("boot_flag",      0x1FE, 2, 0x200),
    Field("jump",           0x200, 2, 0x200),
    Field("header",         0x202, 4, 0x200),
    Field("version",        0x206, 2, 0x200),
    Field("type_of_loader", 0x210, 1, 0x200),
    Field("loadflags",      0x211, 1, 0x200),
    Field("code32_start",   0x214, 4, 0x200),
    Field("ramdisk_image",  0x218, 4, 0x200),
    Field("ramdisk_size",   0x21C, 4, 0x200),
    Field("heap_end_ptr",   0x224, 2, 0x201),
    Field("cmd_line_ptr",   0x228, 4, 0x202),
    Field("initrd_addr_max", 0x22C, 4, 0x203),
    Field("kernel_alignment", 0x230, 4, 0x205),
    Field("relocatable_kernel", 0x234, 1, 0x205),
    Field("xloadflags",     0x236, 2, 0x20C),
    Field("cmdline_size",   0x238, 4, 0x206),
    Field("payload_offset", 0x248, 4, 0x208),
    Field("payload_length", 0x24C, 4, 0x208),
    Field("pref_address",   0x258, 8, 0x20A),
    Field("init_size",      0x260, 4, 0x20A),
)
# fmt: on
BY_NAME = {field.name: field for field in FIELDS}
_ALWAYS = tuple(field for field in FIELDS if field.since == 0x200)


@dataclass(frozen=True)
class BzImage:
    """A checked image: the setup header's values by name, absent ones left out, and the file's bytes."""

    values: dict[str, int]
    data: bytes

    def __getitem__(self, name: str) -> int:
        """A field of the setup header by Linux's name.  KeyError if the image's protocol has no such field."""
        return self.values[name]

    @property
    def version(self) -> int:
        """The protocol, 0x20F for 2.15."""
        return self.values["version"]

    @property
    def setup_size(self) -> int:
        """Bytes of the real-mode part: the boot sector and ``setup_sects`` more, 4 if that says 0."""
        return ((self.values["setup_sects"] or 4) + 1) * SECTOR

    @property
    def setup_header(self) -> bytes:
        """The header as it goes to boot_params, from offset 0x1F1 to where its own jump says it ends."""
        return self.data[HEADER : header_end(self.data)]

    @property
    def kernel(self) -> memoryview:
        """The protected-mode part: all behind the real-mode part."""
        return memoryview(self.data)[self.setup_size :]

    def payload(self) -> memoryview:
        """The packed kernel.  Raises `BootError` if the protocol is older than 2.08 or the range leaves the file."""
        require(self, PAYLOAD_KNOWN, "the payload cannot be found")
        start, length = self["payload_offset"], self["payload_length"]
        if start + length > len(self.kernel):
            raise BootError(
                f"{where('payload_length')} is {length:#x}: with payload_offset {start:#x} that leaves the "
                f"protected-mode part of {len(self.kernel):#x} bytes"
            )
        return self.kernel[start : start + length]


def matches(data: bytes) -> bool:
    """Whether a file has the setup header's signature."""
    at = BY_NAME["header"].offset
    return data[at : at + 4] == b"HdrS"


def where(name: str) -> str:
    """How an error names a field: with its byte offset in the file."""
    return f"{name} at {BY_NAME[name].offset:#x}"


def version_text(version: int) -> str:
    """A protocol version as people write it: 2.15."""
    return f"{version >> 8}.{version & 0xFF:02}"


def require(image: BzImage, version: int, lacking: str) -> None:
    """Raises `BootError` if the image's protocol is older than ``version``."""
    if image.version < version:
        raise BootError(
            f"{where('version')} is {version_text(image.version)}: {lacking} before {version_text(version)}"
        )


def header_end(data: bytes) -> int:
    """File offset of the first byte behind the setup header."""
    return JUMP + 2 + data[JUMP + 1]


def parse(data: bytes) -> BzImage:
    """Read an image.  Raises `BootError` that names the field, its value and its byte offset."""
    values = dict(_read(data, _ALWAYS))
    _check(values, "boot_flag", BOOT_FLAG, "the boot sector's mark")
    _check(values, "header", SIGNATURE, "the signature HdrS")
    version = values["version"]
    if version < OLDEST:
        raise BootError(f"{where('version')} is {version_text(version)}: protocols before 2.06 are not supported")
    values |= _read(data, (field for field in FIELDS if 0x200 < field.since <= version))
    if not values["loadflags"] & LOADED_HIGH:
        raise BootError(
            f"{where('loadflags')} is {values['loadflags']:#x}: bit 0 (LOADED_HIGH) is clear, which makes it a zImage"
        )
    image = BzImage(values, data)
    _check_length(image)
    return image


def _read(data: bytes, fields: Iterable[Field]) -> Iterator[tuple[str, int]]:
    for name, offset, size, _since in fields:
        if offset + size > len(data):
            raise BootError(f"{where(name)}, {size} bytes, is cut off: the file has {len(data):#x} bytes")
        yield name, int.from_bytes(data[offset : offset + size], "little")


def _check(values: dict[str, int], name: str, expected: int, meaning: str) -> None:
    if values[name] != expected:
        raise BootError(f"{where(name)} is {values[name]:#x}, not {expected:#x}, {meaning}")


# syssize counts 16-byte paragraphs, the last of which the file need not fill.
def _check_length(image: BzImage) -> None:
    size, data = image["syssize"] * 16, image.data
    if header_end(data) > len(data):
        raise BootError(f"{where('jump')} ends the header at {header_end(data):#x}: the file has {len(data):#x} bytes")
    if not size or image.setup_size + size - 15 > len(data):
        raise BootError(
            f"{where('syssize')} is {image['syssize']:#x}: {size:#x} bytes from {image.setup_size:#x} on are wanted, "
            f"the file has {len(data):#x} bytes"
        )
