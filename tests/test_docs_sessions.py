"""The sessions of gdb and the REPL that the documentation shows: each command is typed again, each line must come."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "docs"))
from sessions import (
    MANUALS,
    PROMPT,
    REPLS,
    ROOT,
    STORIES,
    answers,
    exchanges,
    renewed,
    repl_answers,
    sessions,
    unanswered,
)


@pytest.mark.gdb
@pytest.mark.parametrize("session", [pytest.param(one, id=f"{one.page} {one.heading}".strip()) for one in sessions()])
def test_session(session):
    for exchange, answer in answers(session):
        assert unanswered(exchange.shown, answer) == [], f"to {exchange.command!r} gdb said:\n{answer}"


def test_every_prompt_of_a_page_is_in_a_session():
    for page in (*STORIES, *MANUALS):
        prompts = (ROOT / page).read_text().count(f"\n    {PROMPT}")
        assert sum(len(session.play) for session in sessions() if session.page == page) == prompts >= 5


@pytest.mark.parametrize("page", REPLS)
def test_repl_session(page):
    play, said = repl_answers(page)
    assert len(play) >= 3
    assert [line for exchange in play for line in unanswered(exchange.shown, said)] == []


def test_what_is_not_said_is_found():
    answer = "Breakpoint 3, f (a=0xffffffff81000000) at /a/b.c:17\n17\treturn;\n$5 = 0x10\n"
    assert unanswered(["Breakpoint 1, f (a=0xffffffff82222222) at …/b.c:17", "$1 = 0x10"], answer) == []
    assert unanswered(["Breakpoint 1, g (a=…) at …/b.c:17", "$1 = 0x33"], answer) != []


def test_exchanges_are_taken_apart():
    lines = "    (gdb) actions\n    > while-stepping 2\n      > collect $rip\n      > end\n    > end\n    shown\n"
    assert [*exchanges(lines)] == [("actions\nwhile-stepping 2\ncollect $rip\nend\nend", ["shown"])]
    text = "Words\n\n    (gdb) one\n    first\n\n    second\n    (gdb) two\n\nmore `(gdb) no`\n\n    $ not gdb\n"
    assert [*exchanges(text)] == [("one", ["first", "second"]), ("two", [])]


@pytest.mark.parametrize(
    ("line", "answer", "new"),
    [
        ("Breakpoint 1, f (a=0x82222222) at …/b.c:17", "Breakpoint 3, f (a=0x81000000)\n at /a/b.c:9",
         "Breakpoint 1, f (a=0x81000000) at …/b.c:9"),
        ("$1 = 0x82222222", "$7 = 0x81000000", "$1 = 0x81000000"),
        ("rip  0x401322  0x401322 <…>", "rip 0x4018f4   0x4018f4 <open+132>", "rip  0x4018f4  0x4018f4 <…>"),
        ("PTE  0x123456789  x", "PTE 0x12345 x", "PTE  0x12345      x"),
        ("PTE  0x12345  x", "PTE 0x123456789 x", "PTE  0x123456789  x"),
        ("16 words", "17 words", "16 words"),
        ("is 0x123456", "was 0x234567", "is 0x123456"),
    ],
)  # fmt: skip
def test_numbers_are_renewed(line, answer, new):
    assert renewed(line, answer) == new
