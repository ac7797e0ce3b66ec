"""Threads (gdb manual: H T qC qfThreadInfo qThreadExtraInfo)."""

import errno
from collections.abc import Iterator, Sequence

from gdbstub.errors import TargetError
from gdbstub.registry import TABLE
from gdbstub.session import OK, PACKET_SIZE, Session
from gdbstub.target import Target, ThreadNames
from gdbstub.threadid import ALL, ANY, ThreadId

_LONGEST_PART = PACKET_SIZE // 2


@TABLE.packet("Hg{thread:thread}")
def select_thread(session: Session[Target], thread: ThreadId) -> bytes:
    """Select the thread whose registers and memory are meant."""
    session.general_process = thread.process if (thread.process or ALL) > 0 else None
    session.general_thread = _selectable(session, thread)
    return OK


@TABLE.packet("Hc{thread:thread}")
def select_resumed_thread(session: Session[Target], thread: ThreadId) -> bytes:
    """Select the thread that ``c`` and ``s`` resume."""
    session.resume_thread = _selectable(session, thread)
    return OK


def _selectable(session: Session[Target], thread: ThreadId) -> int:
    if thread.thread in (ALL, ANY) and (thread.process or ALL) == ALL:
        return thread.thread
    return session.a_thread_named(thread)


@TABLE.packet("T{thread:thread}")
def is_alive(session: Session[Target], thread: ThreadId) -> bytes:
    """Say whether a thread is still there."""
    session.alive(thread.thread)
    session.threads_named(thread)
    return OK


@TABLE.packet("qC")
def current_thread(session: Session[Target]) -> bytes:
    """Name the selected thread, the one that stopped unless the client chose another."""
    return b"QC%s" % _word(session, session.thread())


def _word(session: Session[Target], thread: int) -> bytes:
    return str(ThreadId(thread, session.process_of(thread))).encode()


@TABLE.packet("qfThreadInfo")
def first_threads(session: Session[Target]) -> bytes:
    """Begin the list of all threads."""
    session.threads_left = _parts([_word(session, thread) for thread in session.inferiors.list_threads()])
    return next_threads(session)


@TABLE.packet("qsThreadInfo")
def next_threads(session: Session[Target]) -> bytes:
    """Go on with the list of all threads; ``l`` ends it."""
    return next(session.threads_left, b"l")


def _parts(words: Sequence[bytes]) -> Iterator[bytes]:
    part = b"m"
    for word in words:
        if len(part) + len(word) > _LONGEST_PART:
            yield part
            part = b"m"
        part += word if part == b"m" else b"," + word
    if part != b"m":
        yield part


@TABLE.packet("qThreadExtraInfo,{thread:thread}", needs=ThreadNames)
def thread_details(session: Session[ThreadNames], thread: ThreadId) -> bytes:
    """Describe a thread in words."""
    info = session.target.thread_info(session.alive(thread.thread))
    words = " ".join(filter(None, (info.name, info.details)))
    if not words:
        raise TargetError(errno.ENOENT, f"nothing is known of thread {thread}")
    return words.encode("utf-8", "replace").hex().encode()
