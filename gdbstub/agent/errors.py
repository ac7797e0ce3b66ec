"""What can go wrong with an agent expression, when it arrives and when it is evaluated."""

import errno

from gdbstub.errors import TargetError


class ExpressionError(TargetError):
    """An expression that cannot be evaluated; names the offset in bytes and the opcode."""

    def __init__(self, offset: int, text: str) -> None:
        super().__init__(errno.EINVAL, f"agent expression, offset {offset}: {text}")


class EvaluationError(TargetError):
    """An expression that failed at this hit: a division by zero, or too many jumps back."""

    def __init__(self, text: str) -> None:
        super().__init__(errno.EDOM, text)
