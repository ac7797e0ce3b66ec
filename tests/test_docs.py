"""The documentation: links lead somewhere, and the commands and files it names exist."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")
CODE = re.compile(r"^( {4}|```).*?$|^```.*?^```", re.MULTILINE | re.DOTALL)
WORD = re.compile(r"\./run ([a-z]+)")
NAMED = re.compile(r"`((?:machine|gdbstub|kernel|ringscope|gdb-scripts|tests|benchmarks|docs)/[\w./-]*\w)/?`")


def pages():
    return [path for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")) if path.is_file()]


def anchors(text):
    """The anchors that a forge makes of headings."""
    headings = re.findall(r"^#+\s+(.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def broken_links(page):
    for target in LINK.findall(CODE.sub("", page.read_text())):
        place, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", place):
            continue
        linked = (page.parent / place) if place else page
        if not linked.exists() or (anchor and anchor not in anchors(linked.read_text())):
            yield target


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    assert list(broken_links(page)) == []


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_named_files_exist(page):
    assert [name for name in NAMED.findall(page.read_text()) if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_words_of_run_exist(page):
    usage = subprocess.run([ROOT / "run"], capture_output=True, text=True, check=True).stdout
    known = set(re.findall(r"^  ([a-z]+) ", usage, re.MULTILINE))
    assert set(WORD.findall(page.read_text())) <= known


def test_an_unknown_word_of_run_is_one_sentence():
    done = subprocess.run([ROOT / "run", "nonsense"], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == "ringscope: there is no word 'nonsense'; ./run lists them\n"


def test_a_broken_link_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# A heading\n[a](page.md#a-heading) [b](#nowhere) [c](absent.md) [d](https://example.org)\n")
    assert list(broken_links(page)) == ["#nowhere", "absent.md"]
