"""The MI driver against gdb on a local program without symbols."""

import shutil

import pytest

from ringscope.gdbmi import Gdb, Gone, NoAnswer, Refused

pytestmark = pytest.mark.gdb


@pytest.fixture
def gdb():
    with Gdb("gdb", shutil.which("sleep"), seconds=30) as session:
        yield session


def test_an_answer_is_what_gdb_prints(gdb):
    assert gdb.execute("print 6 * 7") == "$1 = 42\n"
    assert gdb.execute('echo "a\\\\b"') == '"a\\b"'


def test_an_answer_is_of_its_own_command(gdb):
    assert [gdb.execute(f"output {number}") for number in range(50)] == [str(number) for number in range(50)]


def test_a_command_of_several_lines_is_answered_once(gdb):
    gdb.execute("define twice\noutput 1\noutput 1\nend")
    assert gdb.execute("twice") == "11"


def test_a_running_program_is_interrupted(gdb):
    gdb.start("run 1000")
    assert "SIGINT" in gdb.interrupt()
    assert gdb.execute("output 1") == "1"


def test_a_refusal_is_gdbs_sentence_and_no_end(gdb):
    with pytest.raises(Refused, match=r"^Undefined command: \"nosuch\""):
        gdb.execute("nosuch")
    assert gdb.execute("output 1") == "1"


def test_a_command_that_resumes_ends_with_the_stop(gdb):
    assert "Program stopped" in gdb.execute("starti")
    before = gdb.execute("output/x $pc")
    gdb.execute("stepi 5")
    assert gdb.execute("output/x $pc") != before


def test_the_end_of_the_program_is_a_stop(gdb):
    assert "exited normally" in gdb.execute("run 0")


def test_mi_commands_give_their_payload(gdb):
    assert gdb.command("-data-evaluate-expression 1+1") == {"value": "2"}


def test_a_stop_that_does_not_come_has_a_deadline():
    with (
        Gdb("gdb", shutil.which("sleep"), seconds=1) as session,
        pytest.raises(NoAnswer, match="`run 1000` within 1 s"),
    ):
        session.execute("run 1000")


def test_a_gdb_that_ends_is_reported(gdb):
    with pytest.raises(Gone, match="gdb ended with status 0"):
        gdb.command("-gdb-exit")
        gdb.execute("output 1")
