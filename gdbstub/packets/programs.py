"""Starting a program (gdb manual, "Packets": vRun, and "General Query Packets": QEnvironment… QSetWorkingDir)."""

import errno
from binascii import Error as HexError
from binascii import unhexlify
from collections.abc import Iterable

from gdbstub.errors import MalformedPacket, TargetError, quoted
from gdbstub.registry import TABLE
from gdbstub.session import OK, Session
from gdbstub.target import Programs, Restart
from gdbstub.values import Program

ROOT = "/"


@TABLE.packet("vRun;{words:rest}", needs=Restart)
def run_program(session: Session[Restart], words: bytes) -> bytes | None:
    """Begin anew with a program, which stops at its first instruction; without one, stop where the target begins."""
    path, *arguments = map(_text, words.split(b";"))
    if session.running:
        session.stand()
    if not path:
        if any(arguments):
            raise TargetError(errno.EINVAL, "there is no program to give arguments to: set remote exec-file names one")
        session.target.restart()
        session.restarted()
        return session.write_stop(session.stop)
    if not isinstance(session.target, Programs):
        raise TargetError(errno.ENOTSUP, f"{path} cannot be started: the target knows no programs")
    if known := session.inferiors.known():  # it would take new processes of these numbers for them
        text = (
            f"{path} is not started while processes {_listed(known)} are the client's: kill and remove-inferiors first"
        )
        session.resident.console.print(f"{text}\n".encode())  # gdb shows no words of this packet's reply
        raise TargetError(errno.EBUSY, text)
    session.target.start_program(Program(path, tuple(arguments), dict(session.environment)))
    session.restarted()
    session.launch(path)
    return None


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, numbers))


def _text(digits: bytes) -> str:
    try:
        return unhexlify(digits).decode("utf-8", "surrogateescape")
    except HexError:
        raise MalformedPacket(f"vRun: word {quoted(digits)} is not pairs of hexadecimal digits") from None


@TABLE.packet("QEnvironmentHexEncoded:{setting:hexbytes}", needs=Programs, feature="QEnvironmentHexEncoded+")
def set_variable(session: Session[Programs], setting: bytes) -> bytes:
    """Give the next program an environment variable: NAME=VALUE."""
    name, equals, value = setting.decode("utf-8", "surrogateescape").partition("=")
    if not (name and equals):
        raise MalformedPacket(f"QEnvironmentHexEncoded: setting {quoted(setting)} is not NAME=VALUE")
    session.environment[name] = value
    return OK


@TABLE.packet("QEnvironmentUnset:{name:hexbytes}", needs=Programs, feature="QEnvironmentUnset+")
def unset_variable(session: Session[Programs], name: bytes) -> bytes:
    """Take an environment variable from the next program; what the target gives every program stays."""
    session.environment.pop(name.decode("utf-8", "surrogateescape"), None)
    return OK


@TABLE.packet("QEnvironmentReset", needs=Programs, feature="QEnvironmentReset+")
def reset_environment(session: Session[Programs]) -> bytes:
    """Give the next program no variables but the target's own."""
    session.environment.clear()
    return OK


@TABLE.packet("QSetWorkingDir:{path:hexbytes}", needs=Programs, feature="QSetWorkingDir+")
def set_directory(session: Session[Programs], path: bytes) -> bytes:
    """Choose where the next program begins; a target's first program begins in / and nowhere else."""
    if (directory := path.decode("utf-8", "replace") or ROOT) != ROOT:
        raise TargetError(errno.ENOTSUP, f"a program begins in /, not in {directory}")
    return OK


@TABLE.packet("QDisableRandomization:{disabled:hex}", needs=Programs, feature="QDisableRandomization+")
def disable_randomization(session: Session[Programs], disabled: int) -> bytes:
    """Agree that every start of a program is like the last; no other ones are to be had."""
    if not disabled:
        raise TargetError(errno.ENOTSUP, "every start is like the last: set disable-randomization on")
    return OK
