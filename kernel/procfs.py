"""What /proc says of a task, made from the kernel's structures: nothing runs in the guest for it."""

from __future__ import annotations

from collections.abc import Callable

from kernel.areas import for_each_vma
from kernel.errors import UnreadableError
from kernel.files import executable, path_of
from kernel.objects import Object
from kernel.tasks import Task

AT_NULL = 0
MOST_AUXV = 64
MOST_ARGUMENTS = 1 << 17
"""Bytes of arguments that are read, and pointers on the stack before the auxiliary vector."""


def _user(task: Task, first: str, last: str) -> bytes:
    """The task's memory between two addresses that its mm holds; nothing where it has none."""
    if task.mm is None:
        return b""
    start, end = task.mm.number(first), task.mm.number(last)
    length = min(max(end - start, 0), MOST_ARGUMENTS)
    return task.object.kernel.memory.read(start, length, task.page_table) if length else b""


def cmdline(task: Task) -> bytes:
    """The arguments, each ended by a zero byte. Raises UnreadableError."""
    return _user(task, "arg_start", "arg_end")


def environ(task: Task) -> bytes:
    """The environment that the program was started with, each ended by a zero byte. Raises UnreadableError."""
    return _user(task, "env_start", "env_end")


def comm(task: Task) -> bytes:
    """The name."""
    return f"{task.comm}\n".encode()


def maps(task: Task) -> bytes:
    """The areas of the address space (proc(5)). Raises UnreadableError."""
    if task.mm is None:
        return b""
    return "".join(f"{line}\n" for line in _map_lines(task.mm)).encode()


def _map_lines(mm: Object) -> list[str]:
    brk, stack = (mm.number("start_brk"), mm.number("brk")), mm.number("start_stack")
    lines = []
    for area in for_each_vma(mm):
        name, inode = "", 0
        if area.file is not None:
            name = path_of(area.file)
            found = area.file.follow("f_inode")
            inode = found.number("i_ino") if found is not None else 0
        elif area.start <= stack <= area.end:
            name = "[stack]"
        elif area.start < brk[1] and area.end > brk[0]:
            name = "[heap]"
        columns = f"{area.start:08x}-{area.end:08x} {area.rights} {area.offset:08x} 00:00 {inode}"
        lines.append(f"{columns:<73}{name}" if name else f"{columns} ")
    return lines


def status(task: Task) -> bytes:
    """The task in words (proc(5)). Raises UnreadableError."""
    rows = {
        "Name": task.comm,
        "State": f"{task.letter} ({task.state_name})",
        "Tgid": str(task.tgid),
        "Pid": str(task.pid),
        "PPid": str(task.parent),
    }
    if task.mm is not None:
        size = sum(area.end - area.start for area in for_each_vma(task.mm))
        rows["VmSize"] = f"{size >> 10:8} kB"
    return "".join(f"{name}:\t{value}\n" for name, value in rows.items()).encode()


def stat(task: Task) -> bytes:
    """The first columns of /proc/PID/stat (proc(5)); those that nobody counts here are 0. Raises UnreadableError."""
    columns = [f"{task.pid} ({task.comm}) {task.letter} {task.parent}", *["0"] * 48]
    return (" ".join(columns) + "\n").encode()


def auxv(task: Task) -> bytes:
    """The auxiliary vector, up to AT_NULL and with it (System V psABI 3.4.3). Raises UnreadableError."""
    if task.mm is None:
        return b""
    if task.mm.has("saved_auxv"):
        saved = task.mm.bytes("saved_auxv")
        return _up_to_null(saved) or saved
    memory, address, table = task.object.kernel.memory, task.mm.number("start_stack"), task.page_table
    arguments = int.from_bytes(memory.read(address, 8, table), "little")
    if arguments > MOST_ARGUMENTS:
        raise UnreadableError(f"{arguments:#x} arguments on the stack at {address:#x}")
    address += 8 * (arguments + 2)
    for _ in range(MOST_ARGUMENTS):
        address += 8
        if memory.read(address - 8, 8, table) == bytes(8):
            break
    pairs = b""
    while len(pairs) < 16 * MOST_AUXV and _up_to_null(pairs) is None:
        pairs += memory.read(address + len(pairs), 16, table)
    return pairs


def _up_to_null(data: bytes) -> bytes | None:
    """The vector up to its end; None if that is not there."""
    for at in range(0, len(data), 16):
        if int.from_bytes(data[at : at + 8], "little") == AT_NULL:
            return data[: at + 16]
    return None


FILES: dict[str, Callable[[Task], bytes]] = {
    "auxv": auxv,
    "cmdline": cmdline,
    "comm": comm,
    "environ": environ,
    "maps": maps,
    "stat": stat,
    "status": status,
}
"""What is in a task's directory, by name."""

LINKS: dict[str, Callable[[Task], str | None]] = {
    "exe": executable,
    "cwd": lambda task: "/",
    "root": lambda task: "/",
}
"""The links in it: where they lead; None for those that a kernel thread has not."""
