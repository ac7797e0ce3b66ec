"""Which thread and which process a client means. Knows no packet and no link."""

import errno
from collections.abc import Collection, Sequence

from gdbstub.errors import TargetError
from gdbstub.inferiors import Inferiors
from gdbstub.points import Points
from gdbstub.processes import Processes
from gdbstub.stopreply import Stop, Stopped
from gdbstub.target import Target, ThreadSelection
from gdbstub.threadid import ALL, ANY, ThreadId


class Selection:
    """The threads as one client sees them, and those that it has selected."""

    def __init__(self, target: Target, points: Points) -> None:
        self._target = target
        self._selection = target if isinstance(target, ThreadSelection) else None
        self.registers = target.registers
        self.inferiors = Inferiors(target, points)
        self.stop: Stop = target.stop_state()
        self.general_thread = ANY
        self.general_process: int | None = None
        """The process last chosen by the client, be it still there or not."""
        self.resume_thread = ALL

    def scope(self) -> Collection[int]:
        """The processes that a breakpoint is meant for which the client sets now; none where they are not told apart.

        Raises TargetError if the chosen thread is gone.
        """
        if not self.inferiors.tells_apart:
            return ()
        process = self.general_process or self.process_of(self.thread())
        return () if process is None else self.inferiors.speak_for(process)

    def thread(self) -> int:
        """The thread that ``g``, ``m`` and their like mean. Raises TargetError if it is gone."""
        if self.general_thread > 0:
            return self.alive(self.general_thread)
        threads = self.inferiors.threads()
        if isinstance(self.stop, Stopped) and self.stop.thread in threads:
            return self.stop.thread
        if not threads:
            raise TargetError(errno.ESRCH, "there is no thread")
        return threads[0]

    def select(self) -> None:
        """Tell the target which thread is meant, if that matters to it. Raises TargetError if it is gone."""
        if self._selection is not None:
            self._selection.select_thread(self.thread())

    def alive(self, thread: int) -> int:
        """The id itself. Raises TargetError if there is no such thread."""
        if thread not in self.inferiors.threads():
            raise TargetError(errno.ESRCH, f"there is no thread {thread:#x}")
        return thread

    def process_of(self, thread: int) -> int | None:
        """The process of a thread; None where ids do not tell it."""
        return self.inferiors.process_of(thread)

    def selected_process(self) -> int | None:
        """The process of the selected thread; None if the target knows none. Raises TargetError if it is gone."""
        return self._target.process_of(self.thread()) if isinstance(self._target, Processes) else None

    def threads_named(self, named: ThreadId) -> Sequence[int]:
        """The threads that an id means: one, all of a process, or all. Raises TargetError if there is none such."""
        threads = self.inferiors.threads()
        if named.process is not None and named.process > 0 and self.inferiors.tells_apart:
            threads = [thread for thread in threads if self.process_of(thread) == named.process]
        if named.thread > 0:
            threads = [thread for thread in threads if thread == named.thread]
        if not threads:
            raise TargetError(errno.ESRCH, f"there is no thread {named}")
        return threads

    def a_thread_named(self, named: ThreadId) -> int:
        """One of the threads that an id means: the one that stopped if it is among them. Raises TargetError."""
        threads = self.threads_named(named)
        return self.stop.thread if isinstance(self.stop, Stopped) and self.stop.thread in threads else threads[0]

    def program_counter(self, thread: int) -> int:
        """The value of the register named ``pc`` by the description. Raises TargetError if there is none."""
        slot = self.registers.pc_slot
        value = None if slot is None else self._target.read_register(thread, slot.number)
        if value is None:
            raise TargetError(errno.ENOTSUP, "the program counter is not known")
        return self.registers.number_of(value)
