"""How steps and memory are taken: over handlers or into them, through other page tables."""

from __future__ import annotations

from typing import Annotated

from ringscope.arguments import Kind, choice
from ringscope.command import Lines, command
from ringscope.local import LocalDebuggee
from ringscope.session import CommandError, Session
from ringscope.stepping import Policy, Stepper

CURRENT, PHYSICAL = "current", "physical"
_KEPT = "gdb still has what it read of the stack: `maintenance flush dcache` (the x86 scripts do it by themselves)"


def _memory(session: Session, text: str) -> int | bool | None:
    if text in (CURRENT, PHYSICAL):
        return True if text == PHYSICAL else None
    return session.evaluate(text)


@command("step-policy")
def choose_policy(session: Session, policy: Annotated[str, choice(*(policy.value for policy in Policy))] = "") -> Lines:
    """Choose where a step ends when an interrupt or exception comes instead of an instruction, or tell the choice.

    raw: at the handler. mask-interrupts: behind the instruction, once the handlers of interrupts have returned.
    over-exceptions: those of exceptions too. Handlers run to their end, none is held back, so the guest takes the same
    course; one that never returns runs until something else stops it, or Ctrl-C."""
    stepper = _stepper(session)
    if policy:
        stepper.policy = Policy(policy)
    yield f"The step policy is {stepper.policy.value}."


def _stepper(session: Session) -> Stepper:
    if session.stub is not None:
        return session.stub.stepper
    if isinstance(session.debuggee, LocalDebuggee):
        return session.debuggee.stepper
    raise CommandError(f"{session.debuggee.name} steps by its own policy: `monitor step-policy`")


@command("view-memory")
def choose_memory(session: Session, through: Annotated[int | bool | None, Kind(_memory)] = None) -> Lines:
    """Let gdb's memory commands take addresses through the page tables at a CR3, physical ones, or the current ones.

    view-memory 0x10f000, view-memory physical, view-memory current. Disconnecting undoes it. At the REPL, `xp` and
    `walk ADDRESS CR3` look there."""
    if session.stub is None:
        raise CommandError("view-memory chooses what gdb's addresses are: type it as `monitor view-memory` in gdb")
    session.stub.look_through(through)
    yield f"Addresses are now {_described(through)}."
    yield _KEPT


def _described(through: int | bool | None) -> str:
    if through is None:
        return "those of the current page tables"
    return "physical" if through is True else f"those of the page tables at {through:#x}"
