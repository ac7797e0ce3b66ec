"""Time that a test moves by hand."""

from machine.clock import Clock


class Time:
    """A clock that the test moves."""

    def __init__(self):
        self.at = 0
        self.clock = Clock(lambda: self.at)

    def go(self, nanoseconds):
        self.at += nanoseconds
        self.clock.run_due(self.at)
