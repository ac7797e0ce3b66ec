"""What breakpoints that are armed and never hit cost a stretch of Debian's run.

The same stretch from one snapshot, with none and with some in turn, in seconds of this process's own time: what is run
is the same to the byte, so that nothing but their cost is left.

    python -m benchmarks.breakpoints SNAPSHOT ROUNDS [--engine ENGINE]   # percent that each of `COUNTS` adds
"""

import json
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.client import WrongAnswer

COUNTS = (1, 50)
ROUNDS = 3
STRETCH = 400_000_000
"""Bytes of code."""

PATIENCE = 600.0  # seconds


def costs(snapshot, options, rounds=ROUNDS):
    """Percent for each of `COUNTS`, measured in a process of its own.  Raises `WrongAnswer`."""
    command = [sys.executable, "-m", "benchmarks.breakpoints", snapshot, str(rounds), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, cwd=Path(__file__).parent.parent)
    if done.returncode:
        raise WrongAnswer(f"no cost of breakpoints: {done.stderr.strip()[-300:]}")
    return {int(count): values for count, values in json.loads(done.stdout).items()}


def machine(snapshot, engine):
    """The machine of a file, and where the stretch from there ends."""
    from machine.engine.choice import Engine
    from machine.positions import Goal
    from ringscope.snapshots import restore

    found = restore(Path(snapshot), engine=Engine(engine) if engine else None).machine
    return found, Goal(found.position.progress + STRETCH)


def run(snapshot, engine, armed=()):
    """The stretch: this process's seconds, or the address of the first breakpoint that was hit."""
    from machine.stop import Arrived, Breakpoint

    found, goal = machine(snapshot, engine)
    for address in armed:
        found.cpu.breakpoints.insert(address)
    begin = time.process_time()
    while not isinstance(reason := found.run_to(goal), Arrived):
        if isinstance(reason, Breakpoint):
            return None, reason.address
        if reason is not None:
            raise WrongAnswer(f"the stretch ends with {reason}")
    return time.process_time() - begin, None


def places(snapshot, engine, wanted):
    """Addresses inside of the code that the stretch runs, at none of which an instruction begins that is run."""
    found, goal = machine(snapshot, engine)
    seen = set()
    while len(seen) < 2 * wanted and not goal.reached(found.position):
        found.run_to(goal, STRETCH // (8 * wanted))
        seen.add(found.cpu.linear_pc + 1)
    left = sorted(seen)
    while (hit := run(snapshot, engine, left[:wanted])[1]) is not None:
        left.remove(hit)
    if len(left) < wanted:
        raise WrongAnswer(f"the stretch has places for {len(left)} breakpoints only")
    return left[:wanted]


def main(words):
    snapshot, rounds, *options = words
    engine = options[-1] if options else None
    armed = places(snapshot, engine, max(COUNTS))
    added = {count: [] for count in COUNTS}
    for _ in range(int(rounds)):
        free, _ = run(snapshot, engine)
        for count in COUNTS:
            taken, _ = run(snapshot, engine, armed[:count])
            added[count].append(100 * (taken / free - 1))
    print(json.dumps(added))


if __name__ == "__main__":
    main(sys.argv[1:])
