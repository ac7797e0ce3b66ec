"""One conversation with one client, from its first byte to its end. Bytes in, bytes out; knows no socket."""

import errno
import logging
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from enum import Enum
from typing import Generic, TypeVar, cast

from gdbstub.errors import MalformedPacket, TargetError, plain
from gdbstub.link import Link, Sink, Trace
from gdbstub.nonstop import NonStop, StepRange
from gdbstub.registry import UNKNOWN, PacketTable
from gdbstub.resident import Resident
from gdbstub.selection import Selection
from gdbstub.stopreply import (
    Exited,
    ProcessEnded,
    Signal,
    Stepped,
    Stop,
    Stopped,
    Terminated,
)
from gdbstub.stopwriter import StopWriter
from gdbstub.target import CONTINUE, STEP, Action, Target
from gdbstub.threadid import ALL, ANY, ThreadId
from gdbstub.trace.frames import Frame
from gdbstub.wire import Event, Mark
from gdbstub.xml import register_documents

PACKET_SIZE = 0x20000
"""The longest packet body in bytes, either way; room for ``m`` of 64 KiB."""
BRANCH_ROOM = 0x10000
"""Bytes of a branch trace where the client says nothing, as in gdb."""
OK = b"OK"
VCTRLC = b"vCtrlC"
_LONGEST_QUEUE = 256  # packets sent ahead while the target runs
_STEPS_PER_SLICE = 256  # of a range step, between two looks at the socket

TargetT = TypeVar("TargetT")
logger = logging.getLogger(__name__)


class Ending(Enum):
    """How a session ended."""

    DETACHED = "the client detached"
    KILLED = "the client killed the target"
    VANISHED = "the client closed the connection"
    FLOODED = "the client sent more packets to a running target than can be kept"
    FAILED = "a bug in the server or the target"
    CLOSED = "the server was told to stop"
    EXITED = "the target ended while no client was there"


class Session(Selection, Generic[TargetT]):
    """The state of a conversation, and what handlers do with it.

    The type parameter is the power that a handler needs of ``target``. The caller gives :meth:`receive` what
    the client sent, and calls :meth:`advance` again and again while ``running``, until ``ended`` is set.
    """

    def __init__(
        self,
        target: Target,
        send_bytes: Sink,
        *,
        table: PacketTable,
        trace: Trace | None = None,
        resident: Resident | None = None,
    ) -> None:
        self.resident = resident or Resident(target)
        super().__init__(target, self.resident.points)
        self.target = cast(TargetT, target)
        self.link = Link(send_bytes, limit=PACKET_SIZE, trace=trace)
        self.packets = table.for_target(target)
        self.offered: dict[str, str] = {}
        """The client's features: ``+``, ``-`` or a value, by name."""
        self.points = self.resident.points
        self.annexes = register_documents(target.registers)
        self.documents: dict[str, bytes] = {}
        self.files: dict[int, bytes] = {}
        """What the client's open files hold, by descriptor."""
        self.files_of: int | None = None
        """The process whose files it means; None for the selected one."""
        self.branch_room = BRANCH_ROOM
        """Bytes of the next branch trace."""
        self.threads_left: Iterator[bytes] = iter(())
        self.nonstop = NonStop()
        self.extended = False
        """Whether the client stays when the target has ended, and may start it again."""
        self.environment: dict[str, str] = {}
        """Variables for the next program that the client starts."""
        self._launched = ""
        self._writer = StopWriter(target, self.points, self.inferiors, self.offers)
        self.detached = False
        """Whether the client has left a process since the target last ran, and may be about to leave them all."""
        self.definitions: Iterator[bytes] = iter(())
        self.frame: Frame | None = None
        """The trace frame that registers and memory are read from, instead of the target."""
        self.frame_number = -1
        self.running = False
        self.ended: Ending | None = None
        self._queue: deque[Event] = deque()
        self._range: StepRange | None = None
        self._actions: Mapping[int, Action] = {}
        self._last_process: int | None = None

    # -- what the client sends

    def receive(self, data: bytes) -> None:
        """Take bytes from the client and answer what they complete."""
        for event in self.link.receive(data):
            if event.__class__ is bytes and (not self.running or self.nonstop.active):
                self._answer(event)
            elif self.nonstop.active and event is Mark.INTERRUPT:
                self.interrupt()
            elif self.running and not self.nonstop.active:
                self._take_while_running(event)
            elif event is Mark.CORRUPT or event is Mark.OVERSIZE:
                self._refuse(event)
            if self.ended is not None:
                break
        if self.nonstop.active:
            self._notify()
        self.link.flush()

    def _answer(self, packet: bytes) -> None:
        try:
            handler, arguments = self.packets.find(packet)
            reply = UNKNOWN if handler is None else handler(self, *arguments)
        except TargetError as error:
            reply = self.error(error)
        except MalformedPacket as error:
            reply = self.error(TargetError(errno.EINVAL, str(error)))
        if reply is not None:
            self.link.send(reply)

    def _refuse(self, spoilt: Mark) -> None:
        """Answer what came and was no packet."""
        words = "its checksum is wrong" if spoilt is Mark.CORRUPT else f"it has more than {PACKET_SIZE:#x} bytes"
        self.link.send(self.error(TargetError(errno.EINVAL, f"a packet that cannot be read: {words}")))

    def _take_while_running(self, event: Event) -> None:
        """Only an interrupt is heard at once; a packet sent ahead waits for the stop."""
        if event is Mark.INTERRUPT or event == VCTRLC:
            if event == VCTRLC:
                self.link.send(OK)
            self._report(self._target.interrupt())
        elif len(self._queue) >= _LONGEST_QUEUE:
            self.ended = Ending.FLOODED
        else:
            self._queue.append(event)

    # -- running

    def resume(self, actions: Mapping[int, Action], *, step_range: StepRange | None = None) -> None:
        """Let the target go; the reply is the stop, when it comes. Raises TargetError if nothing can go."""
        if self.nonstop.active:
            raise TargetError(errno.EINVAL, "in non-stop mode threads go on by vCont alone")
        if not actions:
            raise TargetError(errno.ESRCH, "no thread to resume")
        self._go(actions, step_range)

    def _go(self, actions: Mapping[int, Action], step_range: StepRange | None) -> None:
        if self.has_ended():
            raise TargetError(errno.ESRCH, "the target has ended")
        if self.inferiors.tells_apart and isinstance(self.stop, Stopped):
            self._last_process = self.process_of(self.stop.thread)
        if self.frame is not None:
            self.deselect_frame()
        self.resident.resume(actions)
        self._range = step_range
        self._actions = actions
        self.running = True
        self.detached = False

    def advance(self) -> None:
        """Let the running target run one slice, and report the stop if there was one."""
        stop = self.resident.run_slice()
        if stop is not None and self.inferiors.tells_apart and not self.inferiors.concern(stop):
            self.resident.resume(self._unheard())
            stop = None
        if self._range is not None:
            stop = self._step_on(stop, self._range)
        if self.resident.console:
            self._print()
        if stop is not None:
            self._report(stop)
            if self.nonstop.active:
                self._notify()

    def _step_on(self, stop: Stop | None, within: StepRange) -> Stop | None:
        """Go on with a range step until something else than a step stopped it, or for one slice."""
        again = self._unheard()
        for _ in range(_STEPS_PER_SLICE):
            if stop is None or not self._is_within(stop, within):
                return stop
            self.resident.resume(again)
            stop = self.resident.run_slice()
        if stop is not None and self._is_within(stop, within):
            self.resident.resume(again)
            return None
        return stop

    def _unheard(self) -> Mapping[int, Action]:
        """What was asked for last, to be done again without a word to the client: its signals have been given."""
        return {thread: STEP if action.step else CONTINUE for thread, action in self._actions.items()}

    def _is_within(self, stop: Stop, within: StepRange) -> bool:
        """Whether a stop is only a step inside the range, with no breakpoint to report."""
        if not (isinstance(stop, Stopped) and isinstance(stop.reason, Stepped) and stop.thread == within.thread):
            return False
        with suppress(TargetError):
            pc = self.program_counter(within.thread)
            return within.start <= pc < within.end and not self.points.breaks_at(pc)
        return False

    def _report(self, stop: Stop) -> None:
        self.running = False
        self._range = None
        self.stop = stop
        self.inferiors.tell(stop)
        self.documents.clear()
        if self._launched:
            self._tell_launch(stop)
            return
        if self.nonstop.active:
            self._take_down(stop)
            return
        if isinstance(stop, Stopped):
            self.general_thread, self.general_process = stop.thread, None
            self.console(stop.text)
        elif isinstance(stop, ProcessEnded):
            self.general_thread, self.general_process = ANY, None
        self.link.send(self._writer.write(stop, self._last_process))
        while self._queue and not self.running and self.ended is None:
            event = self._queue.popleft()
            if isinstance(event, bytes):
                self._answer(event)
            elif event is Mark.CORRUPT or event is Mark.OVERSIZE:
                self._refuse(event)

    # -- beginning anew

    def restarted(self) -> None:
        """The target has begun anew, or was ended, between two runs."""
        self.deselect_frame()
        self.documents.clear()
        self.refresh()
        if self.nonstop.active:
            self.nonstop = NonStop.begun(self.stop)

    def launch(self, path: str) -> None:
        """Run to the first instruction of a program that the target has been told to start; the reply is that stop."""
        self._launched = path
        self.running = False
        self._go(dict.fromkeys(self._target.threads(), CONTINUE), None)

    def _tell_launch(self, stop: Stop) -> None:
        path, self._launched = self._launched, ""
        if not isinstance(stop, Stopped):
            self.link.send(self.error(TargetError(errno.ENOEXEC, f"the target ended before {path} began")))
            return
        self.general_thread, self.general_process = stop.thread, None
        if self.nonstop.active:
            self.nonstop = NonStop.begun(stop)
        self.link.send(self.write_stop(stop))

    def attach(self, process: int) -> bytes:
        """Take back a process that the client has left; the reply. Raises TargetError if there is none."""
        self.inferiors.take(process)
        thread = self.threads_named(ThreadId(ALL, process))[0]
        if self.running:
            self.stand()
        self.general_thread, self.general_process = thread, None
        stop = Stopped(Signal.NONE, thread)
        if not self.nonstop.active:
            return self.write_stop(stop)
        self.nonstop.add(stop)
        return OK

    # -- non-stop mode

    def stand(self) -> None:
        """Stop between two slices; what stopped the target at the same time is told too."""
        self.stop, self.running = self._target.interrupt(), False
        if not (isinstance(self.stop, Stopped) and self.stop.signal == Signal.INT):
            self._report(self.stop)

    def interrupt(self) -> None:
        """Stop a thread as the user's Ctrl-C does: the current one if the target runs, else one that waits."""
        if self.running:
            self._report(self._target.interrupt())
            return
        waiting = [thread for thread in self.inferiors.threads() if not self.nonstop.is_stopped(thread)]
        if waiting and not self.has_ended():
            self._report(Stopped(Signal.INT, waiting[0]))

    def _take_down(self, stop: Stop) -> None:
        if isinstance(stop, Stopped):
            self.resident.console.print(stop.text.encode("utf-8", "replace"))
        self.nonstop.add(stop)
        self.nonstop.keep(self.inferiors.threads())
        self.go_on()

    def go_on(self) -> None:
        """Let the target run if no thread's stop forbids it."""
        if not self.nonstop.active or self.running or self.has_ended():
            return
        if plan := self.nonstop.plan(self.inferiors.threads()):
            self._go(plan, self.nonstop.range())

    def _notify(self) -> None:
        if (news := self.nonstop.news()) is not None:
            self.link.notify(b"Stop:" + self.write_stop(news))

    def write_stop(self, stop: Stop) -> bytes:
        """The reply that tells a stop, with the expedited registers."""
        return self._writer.write(stop, self._last_process)

    def has_ended(self) -> bool:
        """Whether the target has, as a whole."""
        return isinstance(self.stop, (Exited, Terminated))  # quicker than a union

    def refresh(self) -> None:
        """Ask the target anew why it is stopped: a command may have moved it."""
        self.stop = self._target.stop_state()
        if isinstance(self.stop, Stopped):
            self.general_thread = self.stop.thread

    # -- what handlers use

    def leave(self, process: int) -> None:
        """The client debugs a process no more."""
        self.detached = True
        self.nonstop.forget([thread for thread in self.inferiors.threads() if self.process_of(thread) == process])
        self.inferiors.leave(process, self.stop, for_good=self.nonstop.active)  # or gdb would attach to it at once
        self.go_on()

    def lose(self, process: int) -> None:
        """The client has killed a process."""
        self.nonstop.forget([thread for thread in self.inferiors.threads() if self.process_of(thread) == process])
        self.inferiors.leave(process, self.stop, for_good=True)
        self.go_on()

    def offers(self, feature: str) -> bool:
        """Whether the client said ``feature+``."""
        return self.offered.get(feature) == "+"

    def error(self, error: TargetError) -> bytes:
        """An error reply, with its text where the client reads that."""
        logger.debug("declined: %s", error)
        if self.offers("error-message") and error.text:
            return b"E." + plain(error.text)
        return b"E%02x" % (error.errno & 0xFF)

    def console(self, text: str) -> None:
        """Print on the client's console; only while it waits for a command or a stop."""
        if text:
            self._say(text.encode("utf-8", "replace"))

    def _print(self) -> None:
        """Print what commands at breakpoints printed in this slice. In non-stop mode it could come between a client's
        request and the answer, so it is kept for the next command."""
        if self.nonstop.active:
            self.resident.console.shorten()
        else:
            self.print_kept()

    def print_kept(self) -> None:
        """Print what is kept."""
        if text := self.resident.console.take():
            self._say(text)

    def _say(self, data: bytes) -> None:
        for start in range(0, len(data), PACKET_SIZE // 4):
            self.link.send(b"O" + data[start : start + PACKET_SIZE // 4].hex().encode())

    def deselect_frame(self) -> None:
        """Look at the target again, not at a trace frame."""
        self.frame, self.frame_number = None, -1
        self.documents.pop("traceframe-info", None)

    def check_live(self) -> None:
        """Raises TargetError while a trace frame is selected, which nobody can change."""
        if self.frame is not None:
            raise TargetError(errno.EROFS, f"trace frame {self.frame_number} is selected; tfind none leaves it")

    def end(self, ending: Ending) -> None:
        """End the conversation once the reply at hand is sent."""
        self.ended = ending

    def disarm(self) -> None:
        """Take the client's breakpoints and watchpoints out of the target."""
        self.resident.leave()
