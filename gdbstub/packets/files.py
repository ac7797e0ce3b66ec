"""Files of the target's own system, never the server's (gdb manual, "Host I/O Packets": vFile)."""

import errno
import stat
import struct

from gdbstub.errors import TargetError
from gdbstub.processes import Files
from gdbstub.registry import TABLE
from gdbstub.session import PACKET_SIZE, Session

_MOST_OPEN = 64
_LONGEST_READ = PACKET_SIZE // 2 - 32  # every byte may need an escape
_READ_ONLY = 0

# fmt: off
NUMBERS = {
    # gdb manual, "Errno Values": the protocol has numbers of its own
    errno.EPERM: 1,   errno.ENOENT: 2,   errno.EINTR: 4,   errno.EIO: 5,     errno.EBADF: 9,   errno.EACCES: 13,
    errno.EFAULT: 14, errno.EBUSY: 16,   errno.EEXIST: 17, errno.ENODEV: 19, errno.ENOTDIR: 20, errno.EISDIR: 21,
    errno.EINVAL: 22, errno.ENFILE: 23,  errno.EMFILE: 24, errno.EFBIG: 27,  errno.ENOSPC: 28, errno.ESPIPE: 29,
    errno.EROFS: 30,  errno.ENOSYS: 88,  errno.ENAMETOOLONG: 91,
}
# fmt: on
UNKNOWN_ERROR = 9999


def _failed(error: TargetError) -> bytes:
    return b"F-1,%x" % NUMBERS.get(error.errno, UNKNOWN_ERROR)


def _binary(data: bytes) -> bytes:
    return b"F%x;" % len(data) + data


def _process(session: Session[Files]) -> int | None:
    """The process whose files are meant."""
    return session.files_of or session.selected_process()


@TABLE.packet("vFile:open:{path:hexbytes},{flags:hex},{mode:hex}", needs=Files)
def open_file(session: Session[Files], path: bytes, flags: int, mode: int) -> bytes:
    """Open a file for reading; it is then as it was at that time."""
    try:
        if flags != _READ_ONLY:
            raise TargetError(errno.EROFS, f"{path!r} can only be read")
        if len(session.files) >= _MOST_OPEN:
            raise TargetError(errno.EMFILE, f"{_MOST_OPEN} files are open")
        data = session.target.read_file(path.decode("utf-8", "surrogateescape"), _process(session))
    except TargetError as error:
        return _failed(error)
    descriptor = next(number for number in range(1, _MOST_OPEN + 1) if number not in session.files)
    session.files[descriptor] = data
    return b"F%x" % descriptor


@TABLE.packet("vFile:pread:{descriptor:hex},{count:hex},{offset:hex}", needs=Files)
def read_file(session: Session[Files], descriptor: int, count: int, offset: int) -> bytes:
    """Read from an open file."""
    if descriptor not in session.files:
        return _failed(TargetError(errno.EBADF, f"file {descriptor} is not open"))
    return _binary(session.files[descriptor][offset : offset + min(count, _LONGEST_READ)])


@TABLE.packet("vFile:fstat:{descriptor:hex}", needs=Files)
def describe_file(session: Session[Files], descriptor: int) -> bytes:
    """Tell the length of an open file (gdb manual, "struct stat")."""
    if descriptor not in session.files:
        return _failed(TargetError(errno.EBADF, f"file {descriptor} is not open"))
    return _binary(_stat(len(session.files[descriptor])))


def _stat(length: int) -> bytes:
    blocks = -(-length // 512)
    return struct.pack(">7I3Q3I", 0, 0, stat.S_IFREG | 0o444, 1, 0, 0, 0, length, 512, blocks, 0, 0, 0)


@TABLE.packet("vFile:close:{descriptor:hex}", needs=Files)
def close_file(session: Session[Files], descriptor: int) -> bytes:
    """Close an open file."""
    if session.files.pop(descriptor, None) is None:
        return _failed(TargetError(errno.EBADF, f"file {descriptor} is not open"))
    return b"F0"


@TABLE.packet("vFile:readlink:{path:hexbytes}", needs=Files)
def read_link(session: Session[Files], path: bytes) -> bytes:
    """Tell where a link leads."""
    try:
        target = session.target.read_link(path.decode("utf-8", "surrogateescape"), _process(session))
    except TargetError as error:
        return _failed(error)
    return _binary(target.encode("utf-8", "surrogateescape")[:_LONGEST_READ])


@TABLE.packet("vFile:setfs:{process:hex}", needs=Files)
def choose_file_system(session: Session[Files], process: int) -> bytes:
    """Choose the process whose view of the files is meant; 0 is the selected one."""
    session.files_of = process or None
    return b"F0"
