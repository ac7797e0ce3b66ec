"""The XML documents a target is described by: registers, memory map, threads, tables. Values in, text out.

Formats: gdb manual, "Target Description Format", "Memory Map Format", "Thread List Format", "OS Data".
"""

import re
from collections.abc import Iterable, Iterator
from html import escape

from gdbstub.registers import (
    Enumeration,
    Feature,
    Field,
    Flags,
    Register,
    RegisterSet,
    Slot,
    Struct,
    Type,
    Vector,
)
from gdbstub.threadid import ThreadId
from gdbstub.trace.frames import Frame
from gdbstub.values import BranchBlock, MemoryRegion, OsRows, ThreadInfo

_HEADER = '<?xml version="1.0"?>\n<!DOCTYPE {root} SYSTEM "{dtd}">\n'
MAIN = "target.xml"


def register_documents(registers: RegisterSet, *, split: bool = False) -> dict[str, bytes]:
    """The target description by annex: ``target.xml`` alone, or with one further annex per feature."""
    bodies = [(f"{feature.name}.xml", "\n".join(_feature(feature, registers))) for feature in registers.features]
    header = _HEADER.format(root="feature", dtd="gdb-target.dtd")
    documents = {annex: (header + body + "\n").encode() for annex, body in bodies} if split else {}
    inner = [f"<xi:include href={_quoted(annex)}/>" if split else body for annex, body in bodies]
    lines = [
        _HEADER.format(root="target", dtd="gdb-target.dtd").rstrip(),
        '<target version="1.0" xmlns:xi="http://www.w3.org/2001/XInclude">',
        f"<architecture>{_text(registers.architecture)}</architecture>",
        *([f"<osabi>{_text(registers.osabi)}</osabi>"] if registers.osabi else []),
        *inner,
        "</target>\n",
    ]
    return {MAIN: "\n".join(lines).encode(), **documents}


def _feature(feature: Feature, registers: RegisterSet) -> Iterator[str]:
    yield _tag("feature", name=feature.name) + ">"
    for type_ in feature.types:
        yield from _type(type_)
    for register in feature.registers:
        yield _register(registers.by_name[register.name])
    yield "</feature>"


def _register(slot: Slot) -> str:
    register: Register = slot.register
    return (
        _tag(
            "reg",
            name=register.name,
            bitsize=register.bits,
            type=register.type,
            regnum=slot.number,
            group=register.group,
            save_restore=None if register.save_restore else "no",
        )
        + "/>"
    )


def _type(type_: Type) -> Iterator[str]:
    if isinstance(type_, Vector):
        yield _tag("vector", id=type_.id, type=type_.type, count=type_.count) + "/>"
        return
    if isinstance(type_, Enumeration):
        yield _tag("enum", id=type_.id, size=type_.length) + ">"
        yield from (_tag("evalue", name=name, value=value) + "/>" for name, value in type_.values)
        yield "</enum>"
        return
    kind = type(type_).__name__.lower()
    length = type_.length if isinstance(type_, Flags | Struct) else None
    yield _tag(kind, id=type_.id, size=length) + ">"
    yield from (_field(field) for field in type_.fields)
    yield f"</{kind}>"


def _field(field: Field) -> str:
    return _tag("field", name=field.name, start=field.start, end=field.end, type=field.type) + "/>"


def memory_map(regions: Iterable[MemoryRegion]) -> bytes:
    """The memory map; outside its regions gdb does not read or write."""
    lines = [
        _HEADER.format(root="memory-map", dtd="http://sourceware.org/gdb/gdb-memory-map.dtd"),
        "<memory-map>\n",
    ]
    for region in regions:
        tag = _tag("memory", type=region.kind, start=hex(region.start), length=hex(region.length))
        if region.block_length is None:
            lines.append(tag + "/>\n")
        else:
            lines.append(f'{tag}><property name="blocksize">{region.block_length:#x}</property></memory>\n')
    return "".join([*lines, "</memory-map>\n"]).encode()


def thread_list(threads: Iterable[ThreadInfo]) -> bytes:
    """The thread list, with names, cores and what each thread does."""
    lines = ['<?xml version="1.0"?>\n<threads>\n']
    for thread in threads:
        tag = _tag("thread", id=ThreadId(thread.id, thread.process), core=thread.core, name=thread.name or None)
        lines.append(f"{tag}>{_text(_legal(thread.details))}</thread>\n")
    return "".join([*lines, "</threads>\n"]).encode()


def os_data(name: str, table: OsRows) -> bytes:
    """A table of the target's system; gdb wants as many columns in every row as in the first."""
    lines = [_HEADER.format(root="osdata", dtd="osdata.dtd"), _tag("osdata", type=name) + ">\n"]
    for row in table.rows:
        cells = zip(table.columns, row, strict=True)
        columns = (f"{_tag('column', name=title)}>{_text(_legal(cell))}</column>" for title, cell in cells)
        lines.append(f"<item>{''.join(columns)}</item>\n")
    return "".join([*lines, "</osdata>\n"]).encode()


def branch_trace(blocks: Iterable[BranchBlock]) -> bytes:
    """The branch trace, the newest block first."""
    lines = [_HEADER.format(root="btrace", dtd="btrace.dtd"), '<btrace version="1.0">\n']
    lines += [f'<block begin="{begin:#x}" end="{end:#x}"/>\n' for begin, end in blocks]
    return "".join([*lines, "</btrace>\n"]).encode()


def branch_trace_room(length: int) -> bytes:
    """How the branch trace is kept."""
    header = _HEADER.format(root="btrace-conf", dtd="btrace-conf.dtd")
    return f'{header}<btrace-conf version="1.0">\n<bts size="{length:#x}"/>\n</btrace-conf>\n'.encode()


def traceframe_info(frame: Frame) -> bytes:
    """What a trace frame holds besides registers."""
    lines = [_HEADER.format(root="traceframe-info", dtd="traceframe-info.dtd"), "<traceframe-info>\n"]
    for start, data in frame.memory:
        lines.append(f"{_tag('memory', start=f'{start:#x}', length=f'{len(data):#x}')}/>\n")
    lines += [f"{_tag('tvar', id=number)}/>\n" for number in frame.variables]
    return "".join([*lines, "</traceframe-info>\n"]).encode()


# What XML 1.0 allows; names of threads come from the target's memory and may be anything.
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _legal(text: str) -> str:
    return _ILLEGAL.sub("?", text)


def _tag(element: str, /, **attributes: object) -> str:
    """An open tag without its bracket; attributes that are None are left out."""
    words = [f"{key}={_quoted(_legal(str(value)))}" for key, value in attributes.items() if value is not None]
    return "<" + " ".join([element, *words])


def _text(text: str) -> str:
    return escape(text, quote=False)


# What a parser would make blanks of (XML 1.0, 3.3.3).
_BLANKS = str.maketrans({"\t": "&#9;", "\n": "&#10;", "\r": "&#13;"})


def _quoted(value: str) -> str:
    return f'"{escape(value).translate(_BLANKS)}"'
