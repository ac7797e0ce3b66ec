"""The demo's claims, its facts, and how it prints, without gdb."""

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.text import Text

from kernel.errors import ImageError
from kernel.image import find_image
from kernel.program import Program
from machine.x86.descriptors import decode
from ringscope.demo.claims import Claim, Finding, judge, normal, show_pair
from ringscope.demo.facts import Facts
from ringscope.demo.scenes import EXEC_CALLS, FRAME_FUNCTION, claims, scenes
from ringscope.demo.transcript import Transcript, fit, make_console
from ringscope.serve import gdb_word

CS = Claim("CS", r"^cs\s+(\w+)", "0x33")
FRAMES = Claim("frames", FRAME_FUNCTION, ("inner", "outer"))


@pytest.fixture
def facts(tmp_path):
    program = Program(tmp_path / "init", 0x401000, "_start", 0x1234, "r-x")
    return Facts(0xFFFFFFFF81000000, program, program)


@pytest.mark.parametrize(
    ("answer", "observed", "holds"),
    [
        ("ss 0x2b\ncs   0x33\n", "0x33", True),
        ("cs 0x0000000000000033", "0x33", True),
        ("cs 0x10", "0x10", False),
        ("cs 0x330", "0x330", False),
        ("xcs 0x33", None, False),
        ("", None, False),
    ],
)
def test_a_value_is_judged(answer, observed, holds):
    finding = judge(CS, answer, {})
    assert (finding.observed, finding.holds) == (observed, holds)


def test_groups_are_joined_and_marked():
    finding = judge(Claim("old, new", r"Old = (\S+)\s+New = (\S+)", "0x10 0x33"), "Old = 0x10\nNew = 0x0033", {})
    assert finding.holds
    assert finding.spans == ((6, 10), (17, 23))


def test_a_learned_value_is_what_is_expected():
    claim = Claim("RSP", r"rsp (\S+)", "{rsp}")
    assert judge(claim, "rsp 0x7f", {"rsp": "0x000000000000007f"}).holds
    assert not judge(claim, "rsp 0x7f", {"rsp": "0x80"}).holds
    assert not judge(claim, "rsp 0x7f", {}).holds


@pytest.mark.parametrize(
    ("answer", "holds"),
    [
        ("#0  inner (x=1) at a.c:1\n#1  0x12 in outer () at b.c:2", True),
        ("#0  inner () at a.c:1\n#1  0x12 in between () at b.c:2\n#2  0x13 in outer ()", True),
        ("#0  outer () at a.c:1\n#1  0x12 in inner () at b.c:2", False),
        ("#0  inner () at a.c:1", False),
    ],
)
def test_frames_are_wanted_in_order(answer, holds):
    assert judge(FRAMES, answer, {}).holds is holds


def test_missing_frames_are_shown_in_full():
    finding = judge(FRAMES, "#0  inner () at a.c:1\n#1  0x12 in between ()", {})
    assert show_pair(finding) == ("inner between", "inner outer")


@given(st.integers(0, 2**64 - 1))
def test_numbers_are_compared_by_value(number):
    assert normal(f" {number:#018x}\t{number:#x} ") == f"{number:#x} {number:#x}"


def test_descriptors_are_what_they_are_called(facts):
    for name, dpl, is_code in (("__KERNEL_CS", 0, True), ("__USER_CS", 3, True), ("__USER_DS", 3, False)):
        found = decode(facts.descriptor(name))
        assert (found.present, found.s, found.dpl, found.is_code, bool(found.long)) == (1, 1, dpl, is_code, is_code)
        assert (found.base, found.limit) == (0, 0xFFFFFFFF)


def test_numbers_are_linuxs(facts):
    assert (facts.execve, facts.write, facts.user_flags) == (11, 1, 0x200)
    assert [facts.selector(name) for name in ("__KERNEL_CS", "__KERNEL_DS", "__USER_DS", "__USER_CS")] == [
        0x10,
        0x18,
        0x2B,
        0x33,
    ]


def test_a_program_is_described_by_its_headers():
    try:
        image = find_image()
    except ImageError as error:
        pytest.skip(str(error))
    program = Program.load(image.program("init"))
    assert (program.entry_symbol, program.rights) == ("_start", "r-x")
    assert program.entry >= 0x400000


def test_claims_are_all_different(facts):
    play = list(claims(scenes(facts, ["target remote /nowhere"])))
    assert len(play) == len(set(play)) > 30
    assert any(claim.expected == EXEC_CALLS for claim in play)


def verdict(findings, trouble=None):
    output = io.StringIO()
    Transcript(Console(file=output, width=120, soft_wrap=True)).verdict(findings, trouble)
    return output.getvalue()


def test_the_verdict_names_what_failed():
    text = verdict([judge(CS, "cs 0x33", {}), judge(CS, "cs 0x10", {}), Finding(CS, "0x33")], "gdb left")
    rows = [line.split() for line in text.splitlines()]
    assert ["ok", "CS", "0x33", "0x33"] in rows
    assert ["NO", "CS", "0x10", "0x33"] in rows
    assert ["NO", "CS", "not", "observed", "0x33"] in rows
    assert text.endswith("The demo ended early: gdb left.\n1 of 3 claims observed.\n")


def test_long_frames_stay_one_line_and_keep_their_place():
    frame = '#4  0xffffffff81005c2d in do_execve (filename=0xffff88800010bd40 "/sbin/init", argv=0x12, envp=0x13)'
    (line,) = fit(Text(frame + " at exec.c:304"), 100)
    assert line.plain.endswith('"/sbin/init", …) at exec.c:304')
    assert len(line) <= 100


def test_other_long_lines_go_on_indented():
    pieces = [piece.plain for piece in fit(Text("$1 = {" + "r15 = 0x0, " * 20 + "r14 = 0x0}"), 60)]
    assert all(len(piece) <= 61 for piece in pieces)
    assert "".join(piece.removeprefix("      ") for piece in pieces).count("r15") == 20


def test_no_color_is_honoured(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    assert make_console(None).color_system is None
    assert make_console(False).color_system is None


@pytest.mark.parametrize(
    ("path", "word"),
    [("/a/b", "/a/b"), ("/a b/c", '"/a b/c"'), ('/a"b', '"/a\\"b"'), ("/a\\b c", '"/a\\\\b c"')],
)
def test_a_path_is_one_word_for_gdb(path, word):
    assert gdb_word(Path(path)) == word
