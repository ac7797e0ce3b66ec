"""Who runs when: the Completely Fair Scheduler, round robin, and nobody being interrupted at all.

What measures time runs on our own machine alone, where no load of the host can lengthen a turn.
"""

import re

import pytest

from machine.boot.load import boot as load
from machine.machine import Machine
from tests.guest.boot import POWER_OFF, initrd, on_machine, vmlinux

ROW = re.compile(
    r"(?P<running>[> ])(?P<state>[RSZ]) (?P<task>\S+) +(?P<pid>\d+) +(?P<vruntime>[\d.]+) +(?P<switches>\d+) +"
    r"(?P<nice>-?\d+) +(?P<weight>\d+) +(?P<slice>[\d.]+) +(?P<ran>[\d.]+)"
)
LATENCY = 15
SECOND = 1_000_000_000  # bytes of code: one a nanosecond


def hogs(boot, **words):
    """Boot with those words on the command line; the rows of the competing tasks, after `ms` of competition."""
    line = " ".join(f"{name}={value}" for name, value in words.items())
    run = boot(f"panic=-1 init_action=poweroff /bin/hogs {line}")
    assert run.code == POWER_OFF, run.console
    return [row for text in run.lines() if (row := ROW.match(text)) and row["task"] == "hogs"]


def milliseconds(rows, column):
    return [float(row[column]) for row in rows]


def test_the_red_black_tree_keeps_its_rules(boot):
    for nodes in (1, 2, 3, 80):
        assert f"rbtree_test: {nodes} nodes in and out" in boot(f"init_action=poweroff rbtree_test={nodes}").lines()


def test_ten_tasks_at_15_ms_latency_get_a_tenth_each(boot):
    rows = hogs(boot, hogs=9, ms=400, sched="cfs", sched_latency_ns=LATENCY * 1_000_000)
    assert len(rows) == 10
    assert milliseconds(rows, "slice") == [LATENCY / 10] * 10


def test_more_tasks_than_the_latency_holds_get_the_least_granularity(boot):
    rows = hogs(boot, hogs=19, ms=400)
    assert milliseconds(rows, "slice") == [0.75] * 20


def test_a_few_tasks_share_the_latency(boot):
    rows = hogs(boot, hogs=3, ms=200)
    assert milliseconds(rows, "slice") == [6 / 4] * 4


@pytest.mark.parametrize(("hrtick", "turn"), [("on", LATENCY / 10), ("off", 4)])
def test_turns_end_on_time_with_a_timer_of_their_own(hrtick, turn):
    """Ten tasks: each turn is a tenth of the latency; ticks alone, one each 4 ms, make it last until the next tick."""
    line = {"ms": 400, "sched_latency_ns": LATENCY * 1_000_000, "hrtick": hrtick}
    rows = hogs(on_machine, hogs=10, **line)[2:]
    turns = [float(row["ran"]) / int(row["switches"]) for row in rows]
    assert turns == [pytest.approx(turn, rel=0.05)] * len(rows)


def test_equal_tasks_get_equal_times():
    ran = milliseconds(hogs(on_machine, hogs=5, ms=1000)[1:], "ran")
    assert sum(ran) > 900
    assert max(ran) - min(ran) < 15


def test_times_are_as_weights():
    rows = hogs(on_machine, hogs=4, nice=5, ms=3000)[1:]
    ran = milliseconds(rows, "ran")
    assert [row["weight"] for row in rows] == ["1024", "335"] * 2
    for high, low in ((0, 1), (2, 3)):
        assert ran[high] / ran[low] == pytest.approx(1024 / 335, rel=0.05)


def test_virtual_runtimes_stay_together():
    vruntimes = milliseconds(hogs(on_machine, hogs=4, nice=5, ms=3000), "vruntime")
    assert max(vruntimes) - min(vruntimes) < 30


def test_round_robin_knows_no_nice():
    ran = milliseconds(hogs(on_machine, hogs=4, nice=5, ms=2000, sched="rr")[1:], "ran")
    assert sum(ran) > 1900
    assert max(ran) - min(ran) < 60  # turns of 20 ms


def test_a_sleeper_runs_soon_again_with_cfs_and_waits_a_round_with_rr():
    waited = {}
    for policy in ("cfs", "rr"):
        run = on_machine(f"panic=-1 init_action=poweroff /bin/hogs hogs=9 ms=400 sched={policy}")
        waited[policy] = float(re.search(r"ktime ([\d.]+) ms", run.console)[1]) - 400
    assert waited["cfs"] < 40
    assert waited["rr"] > 100


@pytest.mark.parametrize("policy", ["coop", "rr", "cfs"])
def test_without_interruption_one_hog_has_it_all(policy):
    console = bytearray()
    machine = Machine(64 << 20, send=console.extend)
    line = f"init_action=poweroff /bin/hogs hogs=2 ms=100 sched={policy}"
    load(machine, vmlinux(), initrd=initrd(None), command_line=line)
    while machine.position.progress < SECOND and machine.run() is None:
        pass
    assert b"hogs: 2 are there" in console
    assert (b"hogs: done" in console) == (policy != "coop")


def test_an_unknown_policy_goes_to_init(boot):
    assert hogs(boot, hogs=1, ms=50, sched="lottery")


def test_costs_are_the_same_every_time():
    first, second = (on_machine("panic=-1 init_action=poweroff /bin/costs").lines() for _ in range(2))
    costs = [line.split()[1] for line in first if line.startswith("cost ")]
    assert costs == ["syscall", "page-fault", "context-switch", "fork", "fork-exec"]
    assert first == second
