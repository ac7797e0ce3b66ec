"""The harness against gdb on a local program without symbols: what the other tests of this folder stand on."""

import shutil

import pytest

from tests.realgdb.harness import Gdb, GdbFailure, gdb_batch, quoted

pytestmark = pytest.mark.gdb

TRUE = shutil.which("true")
SLEEP = shutil.which("sleep")


@pytest.fixture
def gdb():
    with Gdb(TRUE, seconds=30) as session:
        yield session


@pytest.fixture
def started(gdb):
    gdb.resume("starti")
    return gdb


def test_starti_stops_where_rip_says(gdb):
    stop = gdb.resume("starti")
    assert stop.address == gdb.register("rip")
    assert gdb.unclaimed == []


def test_each_step_takes_its_own_stop(started):
    seen = {started.step_instruction().sequence for _ in range(50)}
    assert len(seen) == 50 and started.unclaimed == []


def test_a_stop_tells_reason_and_address(started):
    before = started.register("rip")
    stop = started.step_instruction()
    assert stop.reason == "end-stepping-range"
    assert stop.address == started.register("rip") != before


def test_run_to_an_address(started):
    trail = [started.step_instruction().address for _ in range(4)]
    started.resume("starti")
    assert started.run_to(f"*{trail[-1]:#x}").address == trail[-1]


def test_run_to_reports_a_stop_elsewhere(started):
    trail = [started.step_instruction().address for _ in range(4)]
    started.resume("starti")
    started.break_at(f"*{trail[1]:#x}")
    with pytest.raises(GdbFailure, match="stopped elsewhere"):
        started.run_to(f"*{trail[3]:#x}")


def test_the_end_of_the_program_is_a_stop(started):
    assert started.cont().reason == "exited-normally"


def test_registers_agree_with_the_console(started):
    registers = started.registers()
    assert registers["rip"] == started.register("rip")
    assert registers["cs"] == 0x33
    assert f"{registers['rsp']:#x}" in started.console("info registers rsp")


def test_console_output_is_that_of_the_command(gdb):
    assert gdb.console("echo one\\n") == "one\n"
    assert gdb.console('printf "%d \\"%c\\"\\n", 2, 65') == '2 "A"\n'


def test_values_are_unsigned_64_bit(gdb):
    assert gdb.value("1 + 2") == 3
    assert gdb.value("-1") == 2**64 - 1
    assert gdb.value("'A'") == 65


def test_an_error_carries_the_transcript(gdb):
    with pytest.raises(GdbFailure, match=r"(?s)No symbol.*transcript.*data-evaluate-expression"):
        gdb.value("no_such_symbol")
    assert gdb.value("7") == 7, "the session goes on"


def test_refusal_wants_an_error(gdb):
    assert "not being run" in gdb.refusal("stepi")
    with pytest.raises(GdbFailure, match="should have been refused"):
        gdb.refusal("echo hello")


def test_a_resumption_that_fails_raises_at_once(gdb):
    with pytest.raises(GdbFailure, match="not being run"):
        gdb.step_instruction()


def test_the_deadline_holds_while_the_target_runs():
    with Gdb("--args", SLEEP, "60", seconds=2) as gdb:
        gdb.resume("starti")
        with pytest.raises(GdbFailure, match="no answer within 2 s"):
            gdb.cont()


def test_interrupt_stops_a_running_program():
    with Gdb("--args", SLEEP, "60", seconds=30) as gdb:
        gdb.resume("starti")
        gdb.start("-exec-continue")
        stop = gdb.interrupt()
        assert (stop.reason, stop.payload["signal-name"]) == ("signal-received", "SIGINT")


def test_a_gdb_that_leaves_is_reported(gdb):
    with pytest.raises(GdbFailure, match=r"went away|is gone"):
        for _ in range(3):
            gdb.command("-gdb-exit")


def test_connecting_to_nobody_fails(gdb, tmp_path):
    with pytest.raises(GdbFailure, match="No such file"):
        gdb.connect(tmp_path / "socket")


def test_batch_returns_what_gdb_printed():
    output = gdb_batch("starti", "info registers cs", "kill", file=TRUE)
    assert "cs             0x33" in output


def test_batch_does_not_wait_for_ever():
    with pytest.raises(GdbFailure, match="not done after"):
        gdb_batch("shell sleep 60", seconds=1)


def test_quoted_is_an_mi_string():
    assert quoted('x/s "a\\b"') == '"x/s \\"a\\\\b\\""'
