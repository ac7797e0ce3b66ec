"""What a client gives a breakpoint or watchpoint for its way: conditions, and commands instead of a stop."""

import errno
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gdbstub.agent.errors import ExpressionError
from gdbstub.agent.expression import LONGEST, check, split
from gdbstub.agent.translate import Effects, Evaluate, translate
from gdbstub.errors import MalformedPacket, TargetError, quoted
from gdbstub.target import Probe

Hit = Callable[[Probe], bool]
"""Called when the point is met: whether to stop there."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """Conditions, of which one must hold, and commands that are run then; with commands there is no stop.

    Commands that ``persist`` go on when the client is gone.
    """

    conditions: tuple[Evaluate, ...] = ()
    commands: tuple[Evaluate, ...] = ()
    persist: bool = False

    @property
    def plain(self) -> bool:
        """Whether the point simply stops."""
        return not (self.conditions or self.commands)

    def hit(self, effects: Effects) -> Hit:
        """What happens at the point. A condition that cannot be evaluated stops, for the client to see why."""
        if len(self.conditions) == 1 and not self.commands:
            return _single(self.conditions[0], effects)
        conditions, commands = self.conditions, self.commands

        def hit(probe: Probe) -> bool:
            if conditions and not any(_holds(condition, probe, effects) for condition in conditions):
                return False
            for command in commands:
                _run(command, probe, effects)
            return not commands

        return hit


PLAIN = Parameters()


def _single(condition: Evaluate, effects: Effects) -> Hit:
    def hit(probe: Probe) -> bool:
        try:
            return condition(probe, effects) != 0
        except TargetError:
            return True

    return hit


def _holds(condition: Evaluate, probe: Probe, effects: Effects) -> bool:
    return _single(condition, effects)(probe)


def _run(command: Evaluate, probe: Probe, effects: Effects) -> None:
    try:
        command(probe, effects)
    except TargetError as error:
        effects.fail(probe.pc(), str(error))


_COMMANDS = re.compile(rb"cmds:([0-9a-fA-F]{1,8}),(.*)", re.DOTALL)


def parse_parameters(text: bytes) -> Parameters:
    """``Xlen,hex…`` and ``cmds:persist,Xlen,hex…``, separated by semicolons. Raises TargetError, MalformedPacket."""
    conditions: tuple[Evaluate, ...] = ()
    commands: tuple[Evaluate, ...] = ()
    persist = False
    for word in filter(None, text.split(b";")):
        if match := _COMMANDS.fullmatch(word):
            persist = bool(int(match[1], 16))
            commands += tuple(_translated(split(match[2]), valued=False))
        elif word.startswith(b"X"):
            conditions += tuple(_translated(split(word), valued=True))
        else:
            raise MalformedPacket(f"breakpoint parameter {quoted(word)} is neither X... nor cmds:...")
    return Parameters(conditions, commands, persist)


def _translated(codes: Sequence[bytes], *, valued: bool) -> list[Evaluate]:
    if sum(map(len, codes)) > LONGEST:
        raise TargetError(errno.E2BIG, f"{sum(map(len, codes))} bytes of code at one point; {LONGEST} can be")
    checked = [check(code) for code in codes]
    for expression in checked if valued else ():
        if not expression.has_value:
            raise ExpressionError(len(expression.code) - 1, "the condition leaves no value")
    return [translate(expression) for expression in checked]
