"""What client and server tell each other about themselves (gdb manual, "General Query Packets")."""

from gdbstub.processes import Processes, ProcessEvents
from gdbstub.registry import TABLE
from gdbstub.session import OK, PACKET_SIZE, Session
from gdbstub.target import SectionOffsets, Target
from gdbstub.threadid import ThreadId

TABLE.announce(f"PacketSize={PACKET_SIZE:x}")
TABLE.announce("error-message+", offered=("error-message",))
TABLE.announce("multiprocess+", needs=Processes, offered=("multiprocess",), when=lambda target: target.has_processes())
_EVENTS = ("fork", "vfork", "exec")
for _event in (f"{event}-events" for event in _EVENTS):
    _offered_both = ("multiprocess", _event)
    TABLE.announce(f"{_event}+", needs=ProcessEvents, offered=_offered_both, when=lambda target: target.has_processes())


@TABLE.packet("qSupported:{features:rest}")
@TABLE.packet("qSupported")
def negotiate(session: Session[Target], features: bytes = b"") -> bytes:
    """Exchange the features of both sides; ours are computed from this table."""
    session.offered = dict(_offered(word) for word in features.decode("latin-1").split(";") if word)
    ours = session.packets.features(session.offered)
    session.inferiors.tells_apart = "multiprocess+" in ours
    session.inferiors.watch({event for event in _EVENTS if f"{event}-events+" in ours})
    return ";".join(ours).encode()


def _offered(word: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    return (name, value) if equals else (word[:-1], word[-1])


@TABLE.packet("QStartNoAckMode", feature="QStartNoAckMode+")
def stop_acknowledging(session: Session[Target]) -> bytes:
    """Leave acknowledgements to the transport from the next packet on."""
    session.link.acknowledge = False
    return OK


@TABLE.packet("qAttached:{process:thread}")
@TABLE.packet("qAttached")
def was_attached(session: Session[Target], process: ThreadId | None = None) -> bytes:
    """Say that the target was there before the client, so that quitting detaches rather than kills."""
    return b"1"


@TABLE.packet("qSymbol:{value:text}:{name:text}")
def offer_symbols(session: Session[Target], value: str, name: str) -> bytes:
    """Decline the client's offer to look up symbols: none is wanted."""
    return OK


@TABLE.packet("qOffsets", needs=SectionOffsets)
def read_offsets(session: Session[SectionOffsets]) -> bytes:
    """Tell how far the running program lies from its link address; nothing where it lies as linked."""
    offsets = session.target.offsets()
    if not (offsets.text or offsets.data):
        return b""  # some tools take any answer for that of an emulator of single programs
    if offsets.segments:  # addresses, not distances; the last one given moves all further segments
        data = b";DataSeg=%x" % offsets.data if offsets.data else b""
        return b"TextSeg=%x" % offsets.text + data
    return b"Text=%x;Data=%x;Bss=%x" % (offsets.text, offsets.data, offsets.data)


@TABLE.packet("qGDBServerVersion")
def tell_version(session: Session[Target]) -> bytes:
    """Name this server, for clients which adapt to known ones."""
    return b"name:gdbstub;version:1.0;"


@TABLE.packet("vMustReplyEmpty")
def reply_empty(session: Session[Target]) -> bytes:
    """Answer as to any unknown packet, so that the client learns what that looks like."""
    return b""
