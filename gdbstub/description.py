"""Reading a target description: the inverse of ``gdbstub.xml`` for registers, for any server's documents."""

import re
from collections.abc import Callable, Iterator
from xml.etree import ElementTree

from gdbstub.errors import Error
from gdbstub.registers import (
    Enumeration,
    Feature,
    Field,
    Flags,
    Register,
    RegisterSet,
    Struct,
    Type,
    Union,
    Vector,
)
from gdbstub.xml import MAIN

_INCLUDE = re.compile(rb"(</?)xi:include\b")  # QEMU uses the prefix without declaring it
_DEEPEST = 8


class DescriptionError(Error):
    """A target description cannot be read; the message names the annex."""


def read_description(fetch: Callable[[str], bytes]) -> RegisterSet:
    """The registers that ``target.xml`` and what it includes describe; ``fetch`` gives a document by annex.

    Raises DescriptionError.
    """
    root = _parse(fetch, MAIN)
    features = tuple(_feature(element) for element in _features(root, fetch, 0))
    architecture = (root.findtext("architecture") or "").strip()
    osabi = (root.findtext("osabi") or "").strip() or None
    return RegisterSet(architecture, features, pc=_program_counter(features), osabi=osabi)


def _program_counter(features: tuple[Feature, ...]) -> str | None:
    """The register called pc, else the first that holds a code pointer."""
    registers = [register for feature in features for register in feature.registers]
    pointers = [register.name for register in registers if register.type == "code_ptr"]
    return "pc" if any(register.name == "pc" for register in registers) else next(iter(pointers), None)


def _parse(fetch: Callable[[str], bytes], annex: str) -> ElementTree.Element:
    try:
        return ElementTree.fromstring(_INCLUDE.sub(rb"\1include", fetch(annex)))
    except ElementTree.ParseError as error:
        raise DescriptionError(f"{annex}: {error}") from error


def _features(element: ElementTree.Element, fetch: Callable[[str], bytes], depth: int) -> Iterator[ElementTree.Element]:
    """All feature elements in document order, through includes."""
    if depth > _DEEPEST:
        raise DescriptionError(f"includes are nested more than {_DEEPEST} deep")
    if element.tag == "feature":
        yield element
        return
    for child in element:
        if child.tag == "include":
            yield from _features(_parse(fetch, child.get("href", "")), fetch, depth + 1)
        elif child.tag in ("feature", "target"):
            yield from _features(child, fetch, depth + 1)


def _feature(element: ElementTree.Element) -> Feature:
    try:
        registers = tuple(_register(child) for child in element if child.tag == "reg")
        types = tuple(_TYPES[child.tag](child) for child in element if child.tag in _TYPES)
    except (KeyError, ValueError) as error:
        raise DescriptionError(f"feature {element.get('name')}: {error!r}") from error
    return Feature(element.get("name", ""), registers, types)


def _register(element: ElementTree.Element) -> Register:
    number = element.get("regnum")
    return Register(
        element.attrib["name"],
        _number(element.attrib["bitsize"]),
        element.get("type", "int"),
        element.get("group"),
        None if number is None else _number(number),
        element.get("save_restore", "yes") != "no",
    )


def _number(text: str) -> int:
    return int(text, 0)


def _optional(text: str | None) -> int | None:
    return None if text is None else _number(text)


def _fields(element: ElementTree.Element) -> tuple[Field, ...]:
    children = (child for child in element if child.tag == "field")
    return tuple(Field(child.get("name", ""), *_bits(child), child.get("type")) for child in children)


def _bits(element: ElementTree.Element) -> tuple[int | None, int | None]:
    start = _optional(element.get("start"))
    return start, _optional(element.get("end")) if "end" in element.attrib else start


def _flags(element: ElementTree.Element) -> Type:
    return Flags(element.attrib["id"], _number(element.attrib["size"]), _fields(element))


def _struct(element: ElementTree.Element) -> Type:
    return Struct(element.attrib["id"], _fields(element), _optional(element.get("size")))


def _union(element: ElementTree.Element) -> Type:
    return Union(element.attrib["id"], _fields(element))


def _vector(element: ElementTree.Element) -> Type:
    return Vector(element.attrib["id"], element.attrib["type"], _number(element.attrib["count"]))


def _enumeration(element: ElementTree.Element) -> Type:
    values = tuple((child.get("name", ""), _number(child.get("value", "0"))) for child in element)
    return Enumeration(element.attrib["id"], _number(element.get("size", "4")), values)


_TYPES: dict[str, Callable[[ElementTree.Element], Type]] = {
    "flags": _flags,
    "struct": _struct,
    "union": _union,
    "vector": _vector,
    "enum": _enumeration,
}
