"""Tracepoints (gdb manual, "Tracepoint Packets"). What is collected stays here; no file of the host is written."""

import errno
import re
from collections.abc import Callable, Iterator

from gdbstub.agent.parameters import parse_parameters
from gdbstub.errors import MalformedPacket, TargetError, quoted
from gdbstub.registry import TABLE
from gdbstub.session import OK, PACKET_SIZE, Session
from gdbstub.target import Conditions
from gdbstub.trace.actions import parse_actions
from gdbstub.trace.experiment import Variable
from gdbstub.trace.frames import DEFAULT_SIZE, LARGEST_SIZE, Frame
from gdbstub.trace.tracepoint import Source, Tracepoint

TABLE.announce("tracenz+", needs=Conditions)
TABLE.announce("InstallInTrace+", needs=Conditions)

Trace = Session[Conditions]
_LAST = b"l"
_MOST_RANGES = 1024


@TABLE.packet("QTinit", needs=Conditions)
def begin_definitions(session: Trace) -> bytes:
    """Forget tracepoints, variables and frames."""
    session.deselect_frame()
    session.resident.clear_trace()
    return OK


_HEAD = re.compile(
    rb"([0-9a-fA-F]{1,8}):([0-9a-fA-F]{1,16}):([ED]):([0-9a-fA-F]{1,8}):([0-9a-fA-F]{1,8})"
    rb"(?P<fast>:F[0-9a-fA-F]*)?(?P<static>:S)?(?::(?P<condition>X[0-9a-fA-F]+,[0-9a-fA-F]*))?-?"
)
_ACTIONS = re.compile(rb"-([0-9a-fA-F]{1,8}):([0-9a-fA-F]{1,16}):(S?)(.*?)-?", re.DOTALL)


@TABLE.packet("QTDP:{definition:rest}", needs=Conditions, feature="ConditionalTracepoints+")
def define_tracepoint(session: Trace, definition: bytes) -> bytes:
    """Define a tracepoint, or add actions to it; those behind an ``S`` are done at every step after it."""
    if match := _ACTIONS.fullmatch(definition):
        return _add_actions(session, match)
    match = _HEAD.fullmatch(definition)
    if match is None:
        raise MalformedPacket(f"QTDP: {quoted(definition)} defines no tracepoint")
    if match["fast"] or match["static"]:
        raise TargetError(errno.ENOTSUP, "fast and static tracepoints change the guest; plain ones cost no trap here")
    number, address, _, steps, passes = match.groups()[:5]
    tracepoint = Tracepoint(int(number, 16), int(address, 16), match[3] == b"E", int(steps, 16), int(passes, 16))
    if condition := match["condition"]:
        tracepoint.condition = parse_parameters(condition).conditions[0]
        tracepoint.condition_code = bytes.fromhex(condition.partition(b",")[2].decode("ascii"))
    trace = session.resident.trace
    trace.define(tracepoint)
    if trace.running:
        session.resident.install(tracepoint)
    return OK


def _add_actions(session: Trace, match: re.Match[bytes]) -> bytes:
    tracepoint = session.resident.trace.find(int(match[1], 16), int(match[2], 16))
    session.resident.trace.check_room(match[4])
    actions = parse_actions(match[4])
    stepping = bool(match[3] or tracepoint.step_texts)
    (tracepoint.step_actions if stepping else tracepoint.actions).extend(actions)
    (tracepoint.step_texts if stepping else tracepoint.action_texts).append(match[4])
    return OK


@TABLE.packet(
    "QTDPsrc:{number:hex}:{address:hex}:{kind:text}:{start:hex}:{length:hex}:{text:hexbytes}",
    needs=Conditions,
    feature="TracepointSource+",
)
def define_source(session: Trace, number: int, address: int, kind: str, start: int, length: int, text: bytes) -> bytes:
    """Keep a piece of what the user typed, to be read back."""
    sources = session.resident.trace.find(number, address).sources
    session.resident.trace.check_room(text)
    if start and sources and sources[-1].kind == kind:
        sources[-1].text = sources[-1].text[:start] + text
    else:
        sources.append(Source(kind, text))
    return OK


@TABLE.packet("QTDV:{number:hex}:{initial:hex}:{builtin:hex}:{name:hexbytes}", needs=Conditions)
def define_variable(session: Trace, number: int, initial: int, builtin: int, name: bytes) -> bytes:
    """Define a trace state variable with its initial value."""
    session.resident.trace.define_variable(Variable(number, initial, name.decode("utf-8", "replace")))
    return OK


@TABLE.packet("QTEnable:{number:hex}:{address:hex}", needs=Conditions, feature="EnableDisableTracepoints+")
def enable_tracepoint(session: Trace, number: int, address: int) -> bytes:
    """Let a tracepoint collect."""
    session.resident.trace.find(number, address).enabled = True
    return OK


@TABLE.packet("QTDisable:{number:hex}:{address:hex}", needs=Conditions)
def disable_tracepoint(session: Trace, number: int, address: int) -> bytes:
    """Let a tracepoint collect no more."""
    session.resident.trace.find(number, address).enabled = False
    return OK


@TABLE.packet("QTro:{ranges:rest}", needs=Conditions)
def set_read_only_ranges(session: Trace, ranges: bytes) -> bytes:
    """Take ranges for memory that never changes: a trace frame reads it from the target."""
    pairs = [re.fullmatch(rb"([0-9a-fA-F]{1,16}),([0-9a-fA-F]{1,16})", word) for word in ranges.split(b":")]
    if len(pairs) > _MOST_RANGES or None in pairs:
        raise MalformedPacket(f"QTro: {quoted(ranges)} is no list of ranges START,END, {_MOST_RANGES} at most")
    session.resident.trace.read_only = [(int(pair[1], 16), int(pair[2], 16)) for pair in pairs if pair]
    return OK


# Running


@TABLE.packet("QTStart", needs=Conditions)
def start_tracing(session: Trace) -> bytes:
    """Start tracing with an empty buffer."""
    session.deselect_frame()
    session.resident.stop_trace()
    session.resident.start_trace()
    return OK


@TABLE.packet("QTStop", needs=Conditions)
def stop_tracing(session: Trace) -> bytes:
    """Stop tracing; the frames stay."""
    session.resident.stop_trace()
    return OK


@TABLE.packet("QTDisconnected:{stays:hex}", needs=Conditions, feature="DisconnectedTracing+")
def set_disconnected(session: Trace, stays: int) -> bytes:
    """Choose whether tracing goes on without a client."""
    session.resident.trace.stays = bool(stays)
    return OK


@TABLE.packet("QTBuffer:circular:{circular:hex}", needs=Conditions)
def set_circular(session: Trace, circular: int) -> bytes:
    """Choose whether a full buffer loses its oldest frames or ends tracing."""
    session.resident.trace.buffer.circular = bool(circular)
    return OK


@TABLE.packet("QTBuffer:size:{size:rest}", needs=Conditions, feature="QTBuffer:size+")
def set_buffer_size(session: Trace, size: bytes) -> bytes:
    """Set the buffer's size in bytes, -1 for the default; frames are lost."""
    if not re.fullmatch(rb"-1|[0-9a-fA-F]{1,16}", size):
        raise MalformedPacket(f"QTBuffer: size {quoted(size)} is neither a hexadecimal number nor -1")
    wanted = DEFAULT_SIZE if size.lower() in (b"-1", b"ffffffffffffffff") else int(size, 16)
    if wanted > LARGEST_SIZE:
        raise TargetError(errno.ENOMEM, f"a trace buffer of {wanted} bytes; {LARGEST_SIZE} can be")
    buffer = session.resident.trace.buffer
    buffer.clear()
    buffer.size = wanted
    return OK


@TABLE.packet("QTNotes:{notes:rest}", needs=Conditions)
def set_notes(session: Trace, notes: bytes) -> bytes:
    """Set texts for the status: user, notes, tstop."""
    for word in filter(None, notes.split(b";")):
        match = re.fullmatch(rb"(user|notes|tstop):((?:[0-9a-fA-F]{2})*)", word)
        if match is None:
            raise MalformedPacket(f"QTNotes: {quoted(word)} is no note of user, notes or tstop")
        setattr(session.resident.trace.notes, match[1].decode(), bytes.fromhex(match[2].decode()))
    return OK


# What became of it


@TABLE.packet("qTStatus", needs=Conditions)
def tell_status(session: Trace) -> bytes:
    """Tell whether tracing runs, why not, and what the buffer holds."""
    return session.resident.trace.status().encode()


@TABLE.packet("qTP:{number:hex}:{address:hex}", needs=Conditions)
def tell_tracepoint(session: Trace, number: int, address: int) -> bytes:
    """Tell a tracepoint's hits and the bytes that its frames took."""
    tracepoint = session.resident.trace.find(number, address)
    return b"V%x:%x" % (tracepoint.hits, tracepoint.usage)


@TABLE.packet("qTV:{number:hex}", needs=Conditions)
def read_variable(session: Trace, number: int) -> bytes:
    """Read a trace state variable, in the selected frame if there is one."""
    trace, frame = session.resident.trace, session.frame
    if frame is not None:
        return b"V%x" % frame.variables[number] if number in frame.variables else b"U"
    return b"V%x" % trace.values[number] if number in trace.values.values else b"U"


def _parts(pieces: Iterator[bytes]) -> bytes:
    return next(pieces, _LAST)


@TABLE.packet("qTfP", needs=Conditions)
def first_definition(session: Trace) -> bytes:
    """Read the first piece of the tracepoints' definitions."""
    tracepoints = session.resident.trace.tracepoints.values()
    session.definitions = iter([piece for tracepoint in tracepoints for piece in tracepoint.describe()])
    return _parts(session.definitions)


@TABLE.packet("qTsP", needs=Conditions)
def next_definition(session: Trace) -> bytes:
    """Read the next piece of the tracepoints' definitions."""
    return _parts(session.definitions)


@TABLE.packet("qTfV", needs=Conditions)
def first_variable(session: Trace) -> bytes:
    """Read the first trace state variable's definition."""
    variables = session.resident.trace.variables.values()
    session.definitions = iter(
        [b"%x:%x:0:%s" % (v.number, v.initial, v.name.encode().hex().encode()) for v in variables]
    )
    return _parts(session.definitions)


@TABLE.packet("qTsV", needs=Conditions)
def next_variable(session: Trace) -> bytes:
    """Read the next trace state variable's definition."""
    return _parts(session.definitions)


@TABLE.packet("qTBuffer:{offset:hex},{length:hex}", needs=Conditions)
def read_buffer(session: Trace, offset: int, length: int) -> bytes:
    """Read a piece of the frames in the format of a trace file."""
    order = ">" if session.registers.byte_order == "big" else "<"
    data = session.resident.trace.buffer.read(offset, min(length, PACKET_SIZE // 2 - 1), order)
    return data.hex().encode() or _LAST


@TABLE.packet("QTSave:{path:rest}", needs=Conditions)
def save_buffer(session: Trace, path: bytes) -> bytes:
    """Refuse to write a file beside the server; ``tsave`` without ``-r`` lets gdb write it."""
    raise TargetError(errno.EPERM, "files of the host are out of reach; tsave without -r writes one where gdb is")


@TABLE.packet("qTMinFTPILen", needs=Conditions)
def tell_fast_length(session: Trace) -> bytes:
    """Refuse to tell how long an instruction must be for a fast tracepoint: there are none."""
    raise TargetError(errno.ENOTSUP, "there are no fast tracepoints; plain ones cost no trap here")


# Frames


@TABLE.packet("QTFrame:{wanted:rest}", needs=Conditions)
def select_frame(session: Trace, wanted: bytes) -> bytes:
    """Select a frame by number, or the next by pc, tracepoint, range or outside a range; -1 selects the target."""
    if match := re.fullmatch(rb"-1|[0-9a-fA-F]{1,16}", wanted):
        number = -1 if wanted == b"-1" else int(match[0], 16) & 0xFFFFFFFF
        if number in (-1, 0xFFFFFFFF):
            session.deselect_frame()
            return OK
        return _select(session, number, lambda frame: True, only=True)
    return _select(session, session.frame_number + 1, _criterion(wanted))


_HEX = rb"([0-9a-fA-F]{1,16})"
_CRITERIA: tuple[tuple[bytes, Callable[[Frame, int, int], bool]], ...] = (
    (rb"pc:" + _HEX + rb"()", lambda frame, pc, _: frame.pc == pc),
    (rb"tdp:" + _HEX + rb"()", lambda frame, number, _: frame.tracepoint == number),
    (rb"range:" + _HEX + rb":" + _HEX, lambda frame, start, end: start <= frame.pc <= end),
    (rb"outside:" + _HEX + rb":" + _HEX, lambda frame, start, end: not start <= frame.pc <= end),
)


def _criterion(wanted: bytes) -> Callable[[Frame], bool]:
    for pattern, matches in _CRITERIA:
        if match := re.fullmatch(pattern, wanted):
            first, second = (int(group or b"0", 16) for group in match.groups())
            return lambda frame: matches(frame, first, second)
    raise MalformedPacket(f"QTFrame: {quoted(wanted)} names no frame")


def _select(session: Trace, start: int, matches: Callable[[Frame], bool], *, only: bool = False) -> bytes:
    found = session.resident.trace.search(start, matches)
    if found is None or (only and found[0] != start):
        return b"F-1"
    session.frame_number, session.frame = found
    session.documents.pop("traceframe-info", None)
    return b"F%xT%x" % (found[0], found[1].tracepoint)
