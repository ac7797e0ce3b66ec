"""The kernel's run: two machines meet at random places by different ways, equal in RAM, registers and devices."""

from tests.guest.test_determinism import SHORT, Run
from tests.routes import chart, meet

SECONDS = 12
"""Host time that the fuzzer takes."""


def test_two_machines_meet_by_different_ways():
    run = Run(SHORT)
    events, end = chart(run.machine, 997)

    def make():
        return Run(SHORT).machine

    assert meet(make, make, events, end, run.places, SECONDS, farthest=400_000, stops=30) > 10
