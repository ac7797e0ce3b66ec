"""The guest: its tasks and its console."""

from __future__ import annotations

from kernel.errors import Error as KernelError
from kernel.tasks import Task
from machine.devices.keymap import strokes
from machine.errors import Error
from ringscope.arguments import Expression, Rest, ViewName
from ringscope.command import Lines, command
from ringscope.configuration import TASKS
from ringscope.debuggee import Console, Devices
from ringscope.render import table
from ringscope.session import CommandError, Session
from ringscope.tasks import TaskError, current_task, for_each_task, read_task

_COLUMNS = "_ >PID Name State At mm"


@command("task")
def show_task(session: Session, address: Expression | None = None) -> Lines:
    """Print the task that the processor runs, or the struct task_struct at ADDRESS."""
    try:
        found = current_task(session) if address is None else read_task(session, address)
    except TaskError as error:
        raise CommandError(str(error)) from None
    yield from table(_COLUMNS, [_row(found, " ")])


@command("tasks", "ps")
def list_tasks(session: Session) -> Lines:
    """List all tasks; > marks the one that runs."""
    try:
        running = current_task(session).address
        found = list(for_each_task(session))
    except TaskError as error:
        raise CommandError(str(error)) from None
    yield from table(_COLUMNS, (_row(task, ">" if task.address == running else " ") for task in found))


@command("view")
def choose_view(session: Session, name: ViewName) -> Lines:
    """Let gdb's threads be the machine's processors (cpu) or the guest's tasks (tasks)."""
    if session.stub is None:
        raise CommandError("view chooses what gdb's threads are: type it as `monitor view` in gdb")
    try:
        session.stub.look_at(name)
    except KernelError as error:
        raise CommandError(str(error)) from None
    yield f"Threads are now the {'tasks of the guest' if name == TASKS else 'processors of the machine'}."
    yield "gdb still has what it read: `maintenance flush register-cache`, then `info threads`."


@command("serial", needs=Console)
def type_serial(session: Session, text: Rest = "") -> Lines:
    """Type TEXT and Enter into the guest's serial console; it reads them when it runs."""
    assert isinstance(session.debuggee, Console), "the registry has checked it"
    session.debuggee.type_text(text.encode() + b"\r")
    yield from ()


@command("keyboard", needs=Devices)
def type_keyboard(session: Session, text: Rest = "") -> Lines:
    """Type TEXT and Enter on the guest's keyboard, which has the keys of a US one."""
    assert isinstance(session.debuggee, Devices), "the registry has checked it"
    keyboard = session.debuggee.machine.i8042.keyboard
    try:
        keyboard.press(strokes(f"{text}\n"))
    except Error as error:
        raise CommandError(str(error)) from None
    if not keyboard.scanning:
        yield "The guest has switched its keyboard off: the keys are lost."


@command("console", needs=Console, instead="start `ringscope run` or the REPL, which have a terminal")
def join_console(session: Session) -> Lines:
    """Run the guest with this terminal as its serial console, until Ctrl-] or Ctrl-A c."""
    if session.converse is None:
        raise CommandError("console needs a terminal; `serial TEXT` types a line without one")
    yield from session.converse()


def _row(task: Task, mark: str) -> tuple[str, ...]:
    try:
        mm = f"{task.mm.address:#x}" if task.mm is not None else "- (kernel)"
    except KernelError as error:
        raise CommandError(str(error)) from None
    return mark, str(task.pid), task.comm, task.letter, f"{task.address:#x}", mm
