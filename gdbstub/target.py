"""What a target must offer and what it may: the required :class:`Target`, and one small Protocol per power.

Those of an operating system are in ``gdbstub.processes``, the values that are told in ``gdbstub.values``. A target that
has the methods of a power gets the packets that need it; one that lacks them answers those packets with the empty
reply. Addresses are the client's (linear, where there is paging), lengths are bytes, thread ids are positive
numbers. A method declines by raising ``gdbstub.errors.TargetError``.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from gdbstub.registers import RegisterSet
from gdbstub.stopreply import Stop, WatchKind
from gdbstub.values import BranchBlock, HostInfo, MemoryRegion, Offsets, OsRows, OsTable, Program, Region, ThreadInfo


@dataclass(frozen=True, slots=True)
class Action:
    """What one thread shall do: one instruction or run on, first being given ``signal`` unless that is 0."""

    step: bool = False
    signal: int = 0


CONTINUE = Action()
STEP = Action(step=True)


@runtime_checkable
class Target(Protocol):
    """What every target has. It runs in slices on the caller's thread, so nothing here needs a lock."""

    @property
    def registers(self) -> RegisterSet:
        """The description of the registers, constant for the target's life."""
        ...

    def read_registers(self, thread: int) -> bytes:
        """All registers of a thread in the order of ``registers.slots``."""
        ...

    def write_registers(self, thread: int, data: bytes) -> None:
        """Set all registers from what :meth:`read_registers` gives; that very value must change nothing."""
        ...

    def read_register(self, thread: int, number: int) -> bytes | None:
        """One register by number (always one of ``registers``), or None if its value is not available."""
        ...

    def write_register(self, thread: int, number: int, data: bytes) -> None:
        """Set one register; ``data`` has its length."""
        ...

    def read_memory(self, address: int, length: int) -> bytes:
        """At most ``length`` bytes, fewer where the next cannot be read; raises if the first cannot."""
        ...

    def write_memory(self, address: int, data: bytes) -> None:
        """Write all of ``data`` or raise."""
        ...

    def threads(self) -> Sequence[int]:
        """The ids of the threads there are, at least one."""
        ...

    def stop_state(self) -> Stop:
        """Why the target is stopped, or last was; asked only while it does not run."""
        ...

    def resume(self, actions: Mapping[int, Action]) -> None:
        """Let the threads in ``actions`` go on when next :meth:`run_slice` is called; the others rest.

        A thread that stands on a breakpoint executes that instruction first.
        """
        ...

    def run_slice(self) -> Stop | None:
        """Run for some milliseconds at most; the stop, or None if there was none yet."""
        ...

    def interrupt(self) -> Stop:
        """Stop between two slices; the stop is SIGINT's, or the one that came before it."""
        ...


@runtime_checkable
class Expedites(Protocol):
    """The registers that travel with stop replies are read together, which is quicker than one by one."""

    def read_expedited(self, thread: int) -> bytes | None:
        """Those that ``registers.expedited`` names, one after the other in its order; None if not all are known."""
        ...


@runtime_checkable
class Breakpoints(Protocol):
    """``Z0`` and ``Z1``: stop before the instruction at an address. Nothing need be mapped there."""

    def insert_breakpoint(self, address: int, kind: int) -> None:
        """Arm a breakpoint, never twice; ``kind`` is the length in bytes of the patch gdb would make."""
        ...

    def remove_breakpoint(self, address: int, kind: int) -> None:
        """Disarm what :meth:`insert_breakpoint` armed."""
        ...


@runtime_checkable
class Watchpoints(Protocol):
    """``Z2`` to ``Z4``: stop after an access to ``length`` bytes at ``address``."""

    def insert_watchpoint(self, kind: WatchKind, address: int, length: int) -> None:
        """Arm a watchpoint; never the same one twice."""
        ...

    def remove_watchpoint(self, kind: WatchKind, address: int, length: int) -> None:
        """Disarm what :meth:`insert_watchpoint` armed."""
        ...


class Probe(Protocol):
    """The stopped or running target as an agent expression sees it, before one instruction of one thread.

    It is asked inside the run, so nothing may change by it. Methods raise TargetError.
    """

    @property
    def thread(self) -> int:
        """The thread whose instruction it is."""
        ...

    def pc(self) -> int:
        """The address of that instruction."""
        ...

    def register(self, number: int) -> int:
        """The low 64 bits of a register, by its number in the description."""
        ...

    def registers(self) -> bytes:
        """All registers, as :meth:`Target.read_registers` gives them."""
        ...

    def load(self, address: int, length: int) -> int:
        """A number of 1, 2, 4 or 8 bytes in memory, unsigned, in the target's byte order."""
        ...

    def read(self, address: int, length: int) -> bytes:
        """All of some bytes of memory."""
        ...


When = Callable[[Probe], bool]
"""Called when a point is met, in the run: whether to stop there."""


@runtime_checkable
class Conditions(Breakpoints, Watchpoints, Protocol):
    """Points that ask before they stop: conditions, commands and tracepoints, without a word to the client.

    At one address or range there is at most one point, with or without a condition.
    """

    def probe(self, thread: int) -> Probe:
        """A thread of the stopped target, as it is now."""
        ...

    def insert_breakpoint_when(self, address: int, when: When) -> None:
        """Arm a breakpoint that stops when ``when`` says so; it's not asked where the thread was resumed."""
        ...

    def remove_breakpoint_when(self, address: int) -> None:
        """Disarm it."""
        ...

    def insert_watchpoint_when(self, kind: WatchKind, address: int, length: int, when: When) -> None:
        """Arm a watchpoint; ``when`` is asked behind the instruction that made the access."""
        ...

    def remove_watchpoint_when(self, kind: WatchKind, address: int, length: int) -> None:
        """Disarm it."""
        ...


@runtime_checkable
class Monitor(Protocol):
    """``monitor COMMAND``."""

    def monitor(self, command: str, write: Callable[[str], None]) -> None:
        """Run a command, giving its output piece by piece to ``write``; raises TargetError if it fails."""
        ...


@runtime_checkable
class LookingMonitor(Monitor, Protocol):
    """``monitor`` for clients that may change nothing."""

    def only_looks(self, command: str) -> bool:
        """Whether a command leaves the target, and what other clients see, as it is."""
        ...


@runtime_checkable
class MemoryMap(Protocol):
    """``info mem``: which ranges exist at all."""

    def memory_map(self) -> Iterable[MemoryRegion]:
        """The regions, in any order."""
        ...


@runtime_checkable
class Host(Protocol):
    """What LLDB wants to know of the processor."""

    def host(self) -> HostInfo:
        """The description, constant for the target's life."""
        ...


@runtime_checkable
class MemoryRegions(Protocol):
    """LLDB's ``memory region``: what is mapped around an address."""

    def region_at(self, address: int) -> Region:
        """The region that holds an address, mapped or not; the whole of memory is covered."""
        ...


@runtime_checkable
class SignalInfo(Protocol):
    """``$_siginfo``: what the target's system would tell a program of the stop."""

    def signal_info(self, thread: int) -> bytes:
        """The system's own structure; raises TargetError where the stop is nothing that makes a signal."""
        ...


@runtime_checkable
class OsTables(Protocol):
    """``info os``: tables of what the target's system has, which gdb prints as they are."""

    def os_tables(self) -> Iterable[OsTable]:
        """The tables there are, in the order in which a list shows them."""
        ...

    def os_rows(self, name: str) -> OsRows:
        """One of them; raises TargetError for a name that is not among them, or if it cannot be read now."""
        ...


@runtime_checkable
class ThreadNames(Protocol):
    """Names, cores and details in ``info threads``."""

    def thread_info(self, thread: int) -> ThreadInfo:
        """What is known of one of :meth:`Target.threads`."""
        ...


@runtime_checkable
class PhysicalMemory(Protocol):
    """``Qqemu.PhyMemMode``, QEMU's packet: addresses of memory are physical until the client says otherwise."""

    def is_physical(self) -> bool:
        """Whether they are."""
        ...

    def set_physical(self, physical: bool) -> None:
        """Take addresses for physical ones, or for the processor's own."""
        ...


@runtime_checkable
class Branches(Target, Protocol):
    """``record btrace bts``: which blocks of code ran (gdb manual, "Branch Trace Format").

    A thread's blocks come in the order in which they ran; the last ends with the instruction that is next.
    """

    def record_branches(self, thread: int, length: int) -> None:
        """Record from now on, with ``length`` bytes of room in which hardware would keep 24 for a branch."""
        ...

    def forget_branches(self, thread: int) -> None:
        """Record no more."""
        ...

    def branch_room(self, thread: int) -> int | None:
        """Bytes of room that the thread's trace has; None if none is recorded."""
        ...

    def branches(self, thread: int) -> Sequence[BranchBlock]:
        """All that is kept."""
        ...

    def new_branches(self, thread: int) -> Sequence[BranchBlock] | None:
        """What ran since a thread's trace was last read, with the instruction that was next then; None if some of it
        is lost."""
        ...


@runtime_checkable
class ThreadSelection(Protocol):
    """A target whose threads see different memory, or whose commands are about one of them."""

    def select_thread(self, thread: int) -> None:
        """The thread that the next memory access or command means."""
        ...


@runtime_checkable
class Kill(Protocol):
    """``kill``."""

    def kill(self, process: int | None = None) -> None:
        """End the target, or a process where those are told apart; raises TargetError if that one alone cannot be."""
        ...


@runtime_checkable
class Restart(Protocol):
    """``R``: begin anew, stopped."""

    def restart(self) -> None:
        """Bring the target back to its first instruction; raises TargetError where it was not switched on here."""
        ...


@runtime_checkable
class Programs(Restart, Protocol):
    """``run``: programs of the target's own system."""

    def start_program(self, program: Program) -> None:
        """Begin anew with this as the system's first program; resumed, the target stops at its first instruction.

        Raises TargetError if it cannot be.
        """
        ...


@runtime_checkable
class SectionOffsets(Protocol):
    """``qOffsets``: where the program really lies."""

    def offsets(self) -> Offsets:
        """The displacement of the symbols."""
        ...


@runtime_checkable
class Idle(Protocol):
    """A target that can have nothing to do until its clock or its input says otherwise."""

    def idle_seconds(self) -> float:
        """How long the server may sleep on its socket before the next slice; 0 while there is work."""
        ...


@runtime_checkable
class Sessions(Protocol):
    """A target that wants to know when a client comes and goes."""

    def client_attached(self) -> None:
        """A client has connected; the target is stopped."""
        ...

    def client_detached(self) -> None:
        """The client is gone, its breakpoints with it; the target is still stopped."""
        ...
