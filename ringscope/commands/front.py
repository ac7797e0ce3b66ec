"""The conversation itself: help, leaving, the stub's own commands."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from ringscope.arguments import CommandLine, Rest
from ringscope.command import COMMANDS, Command, Lines, command
from ringscope.debuggee import RemoteMonitor
from ringscope.render import Heading
from ringscope.session import Front, Quit, Session

EXPRESSIONS = "Expressions: 0x10, 42, $rip, do_syscall_64+4, $rsp-0x10, [current_task]+8, (1<<12)|7"


@command("help", "h")
def show_help(session: Session, name: CommandLine = "") -> Lines:
    """List the commands by topic, or explain one command."""
    if name:
        for row in COMMANDS.find(name):
            yield from _explain(row, session)
        return
    rows = [row for row in COMMANDS.commands.values() if not row.instead or session.front is not Front.MONITOR]
    width = max(len(_names(row)) for row in rows)
    for topic, group in groupby(sorted(rows, key=_topic), key=_topic):
        yield Heading(topic)
        for row in group:
            yield f"  {_names(row):<{width}}  {row.summary}"
    yield EXPRESSIONS
    yield "Every unambiguous beginning of a command's name will do; `help COMMAND` says more."


@command("quit", "q", "exit", instead="type `quit` in gdb")
def leave(session: Session) -> Lines:
    """Leave; a remote target is detached and runs on."""
    raise Quit
    yield  # a command is a generator


@command("monitor", needs=RemoteMonitor, instead="this is it already")
def run_monitor(session: Session, text: Rest) -> Lines:
    """Run one of the remote stub's own commands."""
    assert isinstance(session.debuggee, RemoteMonitor), "the registry has checked it"
    yield from session.debuggee.monitor(text).splitlines()


def _topic(row: Command) -> str:
    return row.topic


def _names(row: Command) -> str:
    return ", ".join((row.name, *row.aliases))


def _explain(row: Command, session: Session) -> Iterator[str]:
    yield Heading(row.usage)
    yield row.summary
    if row.description:
        yield row.description
    if row.aliases:
        yield f"Also called: {', '.join(row.aliases)}."
    if row.instead and session.front is Front.MONITOR:
        yield f"Not in monitor: {row.instead}."
