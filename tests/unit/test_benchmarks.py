"""The benchmark's own arithmetic and protocol, and one measure against a real server."""

import argparse
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import __main__ as bench
from benchmarks import breakpoints, linux, measures, servers, workload
from benchmarks.client import WrongAnswer, expand, frame, refused
from benchmarks.measures import MEASURES, Measure
from ringscope import snapshots
from ringscope.boot import power_on
from ringscope.configuration import Configuration

ROOT = Path(__file__).resolve().parents[2]
FAST = Measure("fast", "/s", "more is better", None, True)
SLOW = Measure("slow", "ms", "less is better", None, False)


def test_frame_has_the_manuals_checksum():
    assert frame(b"OK") == b"$OK#9a"


@pytest.mark.parametrize(("sent", "meant"), [(b"0* ", b"0000"), (b"a", b"a"), (b'1*"2', b"1111112"), (b"", b"")])
def test_run_lengths_expand(sent, meant):
    assert expand(sent) == meant


@pytest.mark.parametrize(
    ("reply", "no"), [(b"", True), (b"E01", True), (b"E.why", True), (b"OK", False), (b"E0", False)]
)
def test_refusals(reply, no):
    assert refused(reply) is no


@pytest.mark.parametrize(("entry", "ours", "theirs", "text"), [(FAST, 300, 100, "3.00"), (SLOW, 300, 100, "0.33")])
def test_above_one_is_better_in_every_row(entry, ours, theirs, text):
    assert bench.ratio(entry, ours, theirs) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (0.1234, "0.123"), (12.34, "12.3"), (999, "999"), (25100, "25.1 k"), (4.9e6, "4.9 M")],
)
def test_figures_are_short(value, text):
    assert bench.short(value) == text


def test_rounds_are_medians_of_medians():
    figures = bench.Figures()
    for values in ([1, 2, 9], [4, 4, 4], [3, 100, 100]):
        figures.add("x", FAST, values)
    assert figures.median("x", FAST) == 4


def test_the_first_column_is_compared_with_the_reference():
    figures = bench.Figures()
    for name, value in (("ringscope, fast", 300), ("ringscope, portable", 100), (bench.REFERENCE, 150)):
        figures.add(name, FAST, [value])
    text = bench.table(["ringscope, fast", "ringscope, portable", bench.REFERENCE], figures, [FAST, SLOW])
    assert [cell.strip() for cell in text.splitlines()[-1].split("|")[3:-1]] == ["300", "100", "150", "2.00"]


def test_a_cost_in_percent_has_no_ratio():
    assert bench.ratio(SLOW._replace(unit="%"), 2.5, 5.0) == "-"


class Timed:
    """A guest whose loop takes a tenth longer while something is armed, and every third run ten times as long."""

    budget, repetitions, runs = 0.1, 4, 0

    def __init__(self):
        self.armed, self.client = set(), self

    def per_second(self, operation):
        return [5 / operation(5)]

    def timed(self, command, count):
        assert command == measures.TICKS
        self.runs += 1
        return count * (1.1 if self.armed else 1.0) * (10 if self.runs % 3 == 0 else 1)

    def insert(self, *point):
        self.armed.add(point)

    def remove(self, *point):
        self.armed.remove(point)


def test_a_cost_is_that_of_the_best_runs_in_turn():
    guest = Timed()
    assert measures.cost(guest, measures.TICKS, [(2, 0x1000, 8), (0, 0x2000, 1)]) == pytest.approx([10] * 3)
    assert guest.armed == set() and guest.runs == 1 + 3 * 2 * 4


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("usage: --entry {real,32}", {"ringscope": []}),
        ("--engine {fast,portable}", {f"ringscope, {name}": ["--engine", name] for name in ("fast", "portable")}),
        ("--engine {auto,portable}", {"ringscope, portable": ["--engine", "portable"]}),
    ],
)
def test_a_column_for_each_engine(text, columns, tmp_path, monkeypatch):
    program = tmp_path / "ringscope"
    program.write_text(f"#!/bin/sh\necho '{text}'\n")
    program.chmod(0o755)
    monkeypatch.setattr(servers, "COMMAND", program)
    assert linux.engines() == columns


def test_marks_are_timed_in_order(tmp_path):
    times, peak = linux.marks(["sh", "-c", "echo @a; sleep 0.2; echo @b; read x"], ["@a", "@b"])
    assert 0 < times["@a"] <= times["@b"] and 0.2 <= times["@b"] < 20 and peak > 1 << 16
    with pytest.raises(WrongAnswer, match="no @b from sh: @a"):
        linux.marks(["sh", "-c", "echo @a"], ["@a", "@b"])


def test_what_is_typed_waits_for_the_process():
    times, _ = linux.marks(["sh", "-c", "read x; echo said $x; read x"], ["said yes"], b"yes\n")
    assert times["said yes"] > 0


def test_breakpoints_stand_in_code_that_runs_and_are_not_hit(tmp_path, monkeypatch):
    guest = power_on(Configuration())
    snapshots.save(guest, tmp_path / "start")
    monkeypatch.setattr(breakpoints, "STRETCH", 8_000_000)
    armed = breakpoints.places(tmp_path / "start", "portable", 5)
    assert len(set(armed)) == 5
    assert breakpoints.run(tmp_path / "start", "portable", armed)[1] is None
    first = guest.machine.cpu.linear_pc
    guest.machine.step()
    following = guest.machine.cpu.linear_pc
    assert breakpoints.run(tmp_path / "start", "portable", [following])[1] == following != first


def test_the_page_keeps_its_words(tmp_path, monkeypatch):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{bench.BEGIN}\nold\n{bench.END}\nafter\n")
    monkeypatch.setattr(bench, "PAGE", page)
    for _ in range(2):
        bench.write_page("| new |", argparse.Namespace(rounds=3))
    text = page.read_text()
    assert text.startswith("before\n") and text.endswith("\nafter\n")
    assert text.count("| new |") == 1 and "old" not in text


def test_the_page_in_the_checkout_has_its_place():
    text = bench.PAGE.read_text()
    assert 0 < text.index(bench.BEGIN) < text.index(bench.END)


def test_every_measure_has_its_own_name():
    names = [entry.name for entry in MEASURES]
    assert len(names) == len(set(names)) and all(entry.values for entry in MEASURES)


def test_the_workload_has_the_symbols_that_the_client_uses(tmp_path):
    symbols = workload.symbols(workload.build(tmp_path))
    assert {"bench_ready", "bench_cmd", "compute_loop", "tick", "never", "never_far", "bulkbuf"} <= set(symbols)
    assert symbols["never"] >> 12 == symbols["compute_loop"] >> 12 != symbols["never_far"] >> 12
    assert symbols["data_start"] % 4096 == 0 and symbols["bench_cmd"] >= symbols["data_start"]


@pytest.mark.qemu
def test_one_measure_against_qemu():
    command = [sys.executable, "-m", "benchmarks", "--quick", "--only", "step", "--server", "QEMU TCG"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "steps of one instruction" in done.stdout
