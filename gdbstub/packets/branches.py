"""The branch trace (gdb manual, "Branch Trace Format", "Branch Trace Configuration Format")."""

import errno
import re
from collections.abc import Callable, Sequence

from gdbstub.documents import built, part
from gdbstub.errors import MalformedPacket, TargetError
from gdbstub.registry import TABLE
from gdbstub.session import OK, Session
from gdbstub.target import Branches
from gdbstub.values import BranchBlock
from gdbstub.xml import branch_trace, branch_trace_room

MOST_ROOM = 1 << 24
"""Bytes of the largest trace; also where the client sets no limit."""

_HEXADECIMAL = re.compile("[0-9a-fA-F]+")


@TABLE.packet("Qbtrace:bts", needs=Branches, feature="Qbtrace:bts+")
def record_branches(session: Session[Branches]) -> bytes:
    """Record which code the selected thread runs."""
    session.check_live()
    thread = session.thread()
    if session.target.branch_room(thread) is not None:
        raise TargetError(errno.EBUSY, "branches of this thread are recorded already")
    session.target.record_branches(thread, session.branch_room)
    return OK


@TABLE.packet("Qbtrace:off", needs=Branches, feature="Qbtrace:off+")
def forget_branches(session: Session[Branches]) -> bytes:
    """Record the selected thread no more, and forget what was recorded."""
    thread = session.thread()
    _room(session, thread)
    session.target.forget_branches(thread)
    return OK


@TABLE.packet("Qbtrace-conf:bts:size={length:text}", needs=Branches, feature="Qbtrace-conf:bts:size+")
def choose_room(session: Session[Branches], length: str) -> bytes:
    """Choose how many bytes the next branch trace takes, 24 for a branch; 0 is as many as there may be."""
    digits = length.removeprefix("0x")  # gdb writes it, other numbers of the protocol have none
    if not _HEXADECIMAL.fullmatch(digits):
        raise MalformedPacket(f"Qbtrace-conf:bts: size {length!r} is not a hexadecimal number")
    session.branch_room = min(int(digits, 16) or MOST_ROOM, MOST_ROOM)
    return OK


@TABLE.packet("qXfer:btrace-conf:read::{offset:hex},{length:hex}", needs=Branches, feature="qXfer:btrace-conf:read+")
def read_room(session: Session[Branches], offset: int, length: int) -> bytes:
    """Read how the selected thread's branch trace is kept; an error tells gdb that there is none."""
    return part(branch_trace_room(_room(session, session.thread())), offset, length)


@TABLE.packet("qXfer:btrace:read:{annex:text}:{offset:hex},{length:hex}", needs=Branches, feature="qXfer:btrace:read+")
def read_branches(session: Session[Branches], annex: str, offset: int, length: int) -> bytes:
    """Read the selected thread's branch trace: ``all`` of it, the same if there is any ``new``, or the ``delta``."""
    if annex not in _ANNEXES:
        raise MalformedPacket(f"qXfer:btrace: annex {annex!r} is none of {', '.join(_ANNEXES)}")
    thread = session.thread()
    _room(session, thread)
    target = session.target
    document = built(session, f"btrace {annex}", offset, lambda: branch_trace(_ANNEXES[annex](target, thread)))
    return part(document, offset, length)


def _room(session: Session[Branches], thread: int) -> int:
    room = session.target.branch_room(thread)
    if room is None:
        raise TargetError(errno.ENODATA, f"branches of thread {thread} are not recorded")
    return room


def _all(target: Branches, thread: int) -> Sequence[BranchBlock]:
    return target.branches(thread)[::-1]


def _new(target: Branches, thread: int) -> Sequence[BranchBlock]:
    new = target.new_branches(thread)
    unchanged = new is not None and len(new) == 1 and new[0].begin == new[0].end
    return () if unchanged else _all(target, thread)


def _delta(target: Branches, thread: int) -> Sequence[BranchBlock]:
    """The oldest block begins at 0: it goes on where the client's last one ends."""
    new = target.new_branches(thread)
    if new is None:
        raise TargetError(errno.EOVERFLOW, "more branches were taken than the trace holds")
    return [*new[:0:-1], BranchBlock(0, new[0].end)]


_ANNEXES: dict[str, Callable[[Branches, int], Sequence[BranchBlock]]] = {"all": _all, "new": _new, "delta": _delta}
