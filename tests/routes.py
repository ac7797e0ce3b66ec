"""Random routes through a run: one machine stops somewhere, another gets there by another way."""

import time
from random import Random

from machine import processorstate
from machine.positions import Goal
from machine.stop import Arrived, Breakpoint

LONGEST = 15
"""Bytes of an instruction."""


def go(machine, goal, budget=1 << 20):
    """Run to a goal; what stopped the run."""
    budget = max(budget, (goal.progress - machine.position.progress) // 10_000)
    for _ in range(200_000):
        stop = machine.run_to(goal, budget)
        if stop is not None:
            return stop
    raise AssertionError(f"never at {goal}: {machine.position}")


def state(machine):
    """All that there is: RAM, processor, devices, time."""
    return processorstate.save(machine.cpu), machine.save(), bytes(machine.memory.ram)


def chart(machine, budget):
    """Progress at which each event of the whole run was seen first, and at its end."""
    events = {}
    while machine.run(budget) is None:
        events.setdefault(machine.cpu.events, machine.position.progress)
    return events, machine.position.progress


def stop_somewhere(machine, choice, events, farthest):
    """On by a random way to a random place, anywhere, or close to an event and then some steps."""
    here = machine.position
    if choice.random() < 0.5:
        target = here.progress + choice.randrange(1, farthest)
    else:
        target = events.get(here.events + choice.randrange(1, 25), here.progress + 1) - choice.randrange(130)
    if target > here.progress:
        go(machine, Goal(target), choice.choice((50, 1000, 1 << 20)))
    for _ in range(choice.randrange(12)):
        machine.step()
    while machine.cpu.halted:  # time passes in a halt, and has no place of its own
        machine.step()
    return machine.position


def follow(machine, choice, goal, places):
    """To the same place: stops between, steps, flushes, breakpoints that come and go."""
    while (left := goal.progress - machine.position.progress) > 0:
        upset(machine, choice, places)
        if choice.random() < 0.5:
            arrive(machine, Goal(goal.progress - choice.randrange(left)), choice)
        left = goal.progress - machine.position.progress
        for _ in range(choice.randrange(min(40, max(left, 0) // LONGEST + 1))):
            machine.step()
        if choice.random() < 0.3:
            break
    arrive(machine, Goal(*goal), choice)


def upset(machine, choice, places):
    """What must not matter."""
    kind = choice.randrange(4)
    if kind == 0:
        machine.cpu.uc.ctl_flush_tb()
    elif kind == 1:
        machine.cpu.write_register("cr3", machine.cpu.read_register("cr3"))
    elif kind == 2:
        machine.cpu.breakpoints.insert(choice.choice(places))
    else:
        for address in machine.cpu.breakpoints.addresses():
            machine.cpu.breakpoints.remove(address)


def arrive(machine, goal, choice):
    """Run to a goal past all breakpoints, in pieces of one size."""
    budget = choice.choice((300, 20_000, 1 << 20))
    while not goal.reached(machine.position):
        stop = machine.run_to(goal, budget)
        assert stop is None or isinstance(stop, Arrived | Breakpoint), stop


def meet(make, make_other, events, end, places, seconds, farthest, stops=12):
    """Let pairs of machines meet for some seconds of host time; how often they did."""
    began, trials, seed = time.monotonic(), 0, 0
    while time.monotonic() - began < seconds:
        choice, first, second = Random(seed), make(), make_other()
        for _ in range(stops):
            place = stop_somewhere(first, choice, events, farthest)
            if place.progress > end - 2 * farthest:
                break
            follow(second, choice, place, places)
            trials += 1
            where = f"seed {seed}, trial {trials}, at {place}"
            assert second.position == place, where
            assert state(second) == state(first), where
        seed += 1
    return trials


def wander(machine, cpu, choice, places):
    """One random piece of a route, and what leaves no trace: flushes, breakpoints, CR3 written as it is."""
    kind = choice.randrange(6)
    if kind == 0:
        machine.run(choice.choice((1, 50, 300, 5000)))
    elif kind == 1:
        for _ in range(choice.randrange(1, 60)):
            machine.step()
    elif kind == 2:
        cpu.uc.ctl_flush_tb()
    elif kind == 3:
        cpu.breakpoints.insert(choice.choice(places))
    elif kind == 4:
        for address in cpu.breakpoints.addresses():
            cpu.breakpoints.remove(address)
    else:
        cpu.write_register("cr3", cpu.read_register("cr3"))
