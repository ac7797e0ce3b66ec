"""Documents read piece by piece (gdb manual: qXfer). A new object is one row and one function."""

import errno
from dataclasses import replace

from gdbstub.documents import built, part
from gdbstub.errors import TargetError
from gdbstub.processes import Files
from gdbstub.registry import TABLE
from gdbstub.session import Session
from gdbstub.target import Conditions, MemoryMap, OsTables, SignalInfo, Target, ThreadNames
from gdbstub.values import OsRows, ThreadInfo
from gdbstub.xml import memory_map, os_data, thread_list, traceframe_info


@TABLE.packet("qXfer:features:read:{annex:text}:{offset:hex},{length:hex}", feature="qXfer:features:read+")
def read_features(session: Session[Target], annex: str, offset: int, length: int) -> bytes:
    """Read the target description: its registers and their types."""
    if annex not in session.annexes:
        raise TargetError(errno.ENOENT, f"there is no annex {annex!r}")
    return part(session.annexes[annex], offset, length)


@TABLE.packet("qXfer:threads:read::{offset:hex},{length:hex}", feature="qXfer:threads:read+")
def read_threads(session: Session[Target], offset: int, length: int) -> bytes:
    """Read the list of threads with names, cores and details."""
    return part(built(session, "threads", offset, lambda: _threads(session)), offset, length)


def _threads(session: Session[Target]) -> bytes:
    target, threads = session.target, session.inferiors.list_threads()
    known = (target.thread_info(t) if isinstance(target, ThreadNames) else ThreadInfo(t) for t in threads)
    return thread_list(replace(info, process=session.process_of(info.id)) for info in known)


@TABLE.packet("qXfer:memory-map:read::{offset:hex},{length:hex}", needs=MemoryMap, feature="qXfer:memory-map:read+")
def read_memory_map(session: Session[MemoryMap], offset: int, length: int) -> bytes:
    """Read which ranges of memory there are."""
    return part(memory_map(session.target.memory_map()), offset, length)


@TABLE.packet("qXfer:osdata:read:{annex:text}:{offset:hex},{length:hex}", needs=OsTables, feature="qXfer:osdata:read+")
def read_os_data(session: Session[OsTables], annex: str, offset: int, length: int) -> bytes:
    """Read a table of the target's system, or with no name the list of its tables (``info os``)."""
    target = session.target
    return part(built(session, f"osdata {annex}", offset, lambda: _os_data(target, annex)), offset, length)


def _os_data(target: OsTables, annex: str) -> bytes:
    if annex:
        return os_data(annex, target.os_rows(annex))
    # gdb leaves the column named Title out where a person reads; front ends make menus of it.
    rows = [(table.name, table.description, table.title) for table in target.os_tables()]
    return os_data("types", OsRows(("Type", "Description", "Title"), rows))


@TABLE.packet(
    "qXfer:traceframe-info:read::{offset:hex},{length:hex}", needs=Conditions, feature="qXfer:traceframe-info:read+"
)
def read_traceframe_info(session: Session[Conditions], offset: int, length: int) -> bytes:
    """Read which memory and variables the selected trace frame holds."""
    if session.frame is None:
        raise TargetError(errno.ENOENT, "no trace frame is selected")
    frame = session.frame
    return part(built(session, "traceframe-info", offset, lambda: traceframe_info(frame)), offset, length)


@TABLE.packet("qXfer:exec-file:read::{offset:hex},{length:hex}", needs=Files)
def read_own_exec_file(session: Session[Files], offset: int, length: int) -> bytes:
    """Name the program that the selected process runs."""
    return read_exec_file(session, session.selected_process() or 0, offset, length)


@TABLE.packet(
    "qXfer:exec-file:read:{process:hex}:{offset:hex},{length:hex}", needs=Files, feature="qXfer:exec-file:read+"
)
def read_exec_file(session: Session[Files], process: int, offset: int, length: int) -> bytes:
    """Name the program that a process runs."""
    return part(session.target.exec_file(process).encode("utf-8", "surrogateescape"), offset, length)


@TABLE.packet("qXfer:auxv:read::{offset:hex},{length:hex}", needs=Files, feature="qXfer:auxv:read+")
def read_auxv(session: Session[Files], offset: int, length: int) -> bytes:
    """Read the auxiliary vector of the selected process."""
    return part(session.target.auxiliary_vector(session.selected_process()), offset, length)


@TABLE.packet("qXfer:siginfo:read::{offset:hex},{length:hex}", needs=SignalInfo, feature="qXfer:siginfo:read+")
def read_signal_info(session: Session[SignalInfo], offset: int, length: int) -> bytes:
    """Read what the target's system would tell a program of this stop (``$_siginfo``)."""
    return part(session.target.signal_info(session.thread()), offset, length)
