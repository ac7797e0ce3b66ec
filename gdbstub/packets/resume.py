"""Letting the target go, and why it stopped (gdb manual, "Packets": ? c C s S vCont)."""

import errno
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import cast

from gdbstub.errors import MalformedPacket, TargetError, quoted
from gdbstub.nonstop import StepRange
from gdbstub.packets.nonstop import direct
from gdbstub.registry import TABLE
from gdbstub.session import OK, Session
from gdbstub.target import CONTINUE, STEP, Action, Target
from gdbstub.threadid import ALL, ANY, ThreadId, parse_thread_id


@TABLE.packet("?")
def tell_stop(session: Session[Target]) -> bytes:
    """Tell why the target is stopped; in non-stop mode, of the first stopped thread."""
    if session.nonstop.active and not session.has_ended():
        stop = session.nonstop.recount()
        return OK if stop is None else session.write_stop(stop)
    session.refresh()
    return session.write_stop(session.stop)


@TABLE.packet("c{address:hex}")
@TABLE.packet("c")
def continue_(session: Session[Target], address: int | None = None) -> None:
    """Continue, perhaps from another address."""
    _resume(session, CONTINUE, address)


@TABLE.packet("s{address:hex}")
@TABLE.packet("s")
def step(session: Session[Target], address: int | None = None) -> None:
    """Step one instruction, perhaps from another address."""
    _resume(session, STEP, address)


@TABLE.packet("C{signal:hex};{address:hex}")
@TABLE.packet("C{signal:hex}")
def continue_with_signal(session: Session[Target], signal: int, address: int | None = None) -> None:
    """Continue with a signal."""
    _resume(session, Action(signal=_signal(signal)), address)


@TABLE.packet("S{signal:hex};{address:hex}")
@TABLE.packet("S{signal:hex}")
def step_with_signal(session: Session[Target], signal: int, address: int | None = None) -> None:
    """Step one instruction with a signal."""
    _resume(session, Action(step=True, signal=_signal(signal)), address)


def _signal(number: int) -> int:
    if number > 0xFF:
        raise MalformedPacket(f"signal {number:x} is not one of 0 to ff")
    return number


def _resume(session: Session[Target], action: Action, address: int | None) -> None:
    """The thread chosen by ``Hc`` does ``action``; if that is all, the current one, and the rest run on."""
    chosen = session.resume_thread
    thread = session.alive(chosen) if chosen > 0 else session.thread()
    if address is not None:
        slot = session.registers.pc_slot
        if slot is None:
            raise TargetError(errno.ENOTSUP, "the program counter is not known")
        session.target.write_register(thread, slot.number, session.registers.bytes_of(address, slot.length))
    others = session.target.threads() if chosen <= 0 else ()
    session.resume({thread: action} | {other: CONTINUE for other in others if other != thread})


@TABLE.packet("vCont?", feature="vContSupported+")
def list_actions(session: Session[Target]) -> bytes:
    """List the actions that vCont knows; range steps need a program counter."""
    return b"vCont;c;C;s;S;t" + (b"" if session.registers.pc_slot is None else b";r")


@TABLE.packet("vCont;{actions:rest}")
def resume_threads(session: Session[Target], actions: bytes) -> bytes | None:
    """Resume threads, or stop them in non-stop mode, each by the leftmost action that names it; the others rest."""
    plan: dict[int, Action | None] = {}
    ranges: list[StepRange] = []
    for action, addresses, named in _parse_actions(actions):
        if addresses and session.registers.pc_slot is None:
            raise TargetError(errno.ENOTSUP, "the program counter is not known")
        for thread in _chosen(session, named, action):
            if addresses and thread not in plan:
                ranges.append(StepRange(thread, *addresses))
            plan.setdefault(thread, action)
    if session.nonstop.active:
        direct(session, plan, ranges)
        return OK
    if None in plan.values():
        raise TargetError(errno.EINVAL, "in all-stop mode an interrupt stops all threads, vCont;t none")
    session.resume(cast(dict[int, Action], plan), step_range=ranges[0] if len(ranges) == 1 else None)
    return None


@lru_cache(maxsize=64)
def _parse_actions(actions: bytes) -> tuple[tuple[Action | None, tuple[int, int] | None, ThreadId], ...]:
    """What to do, within which addresses, to whom; a client sends the same few again and again."""
    words = (word.partition(b":") for word in actions.split(b";"))
    return tuple((*_parse_action(word), parse_thread_id(named) if named else ThreadId(ALL)) for word, _, named in words)


_ACTION = re.compile(rb"([cst])|([CS])([0-9a-fA-F]{2})|r([0-9a-fA-F]{1,16}),([0-9a-fA-F]{1,16})")


def _parse_action(word: bytes) -> tuple[Action | None, tuple[int, int] | None]:
    """What a thread shall do, None to stop, and the range of a range step."""
    match = _ACTION.fullmatch(word)
    if match is None:
        raise MalformedPacket(f"vCont: action {quoted(word)} is none of c s t CNN SNN rSTART,END")
    plain, signalling, signal, start, end = match.groups()
    if start is not None:
        return STEP, (int(start, 16), int(end, 16))
    if plain is not None:
        return {b"c": CONTINUE, b"s": STEP, b"t": None}[plain], None
    return Action(step=signalling == b"S", signal=int(signal, 16)), None


def _chosen(session: Session[Target], named: ThreadId, action: Action | None) -> Sequence[int]:
    """The threads that an action is for; one that has ended is one to tell of, if it was to stop."""
    if action is None and named.thread > 0:
        return (named.thread,)
    if named.thread == ANY:
        return (session.thread() if named.process is None else session.a_thread_named(named),)
    return session.threads_named(named)
