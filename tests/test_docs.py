"""The documentation: links lead somewhere, and the commands and files it names exist."""

import importlib.util
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from kernel.image import find_image
from kernel.symbols import Symbols
from ringscope.options import build_parser

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")
CODE = re.compile(r"^( {4}|```).*?$|^```.*?^```", re.MULTILINE | re.DOTALL)
WORD = re.compile(r"\./run ([a-z]+)")
FILES = ("--kernel", "--initrd")
PLACEHOLDERS = ("--help",)
NAMED = re.compile(r"`((?:machine|gdbstub|kernel|ringscope|gdb-scripts|tests|benchmarks|docs)/[\w./-]*\w)/?`")


def pages():
    below = [path for name in ("docs", "examples") for path in sorted((ROOT / name).rglob("*.md"))]
    return [*sorted(ROOT.glob("*.md")), *below]


def code_lines(text):
    """The lines of code blocks, indented by at least four blanks or between fences, without their indent."""
    fenced = False
    for line in text.split("\n"):
        if line.startswith("```"):
            fenced = not fenced
        elif fenced or line.startswith("    "):
            yield line.strip()


def command_lines(text):
    """The words of every `ringscope` command that a reader may type: in code blocks and in inline code."""
    inline = re.findall(r"`(ringscope [^`]*)`", CODE.sub("", text))
    for line in (*code_lines(text), *inline):
        typed = re.sub(r"\s{3,}.*|\s+#.*", "", line.removeprefix("$ ").removeprefix("*").strip())
        if re.match(r"ringscope( |$)", typed) and "[" not in typed:
            yield shlex.split(typed.partition(" < ")[0])[1:]


def broken_commands(text):
    """Commands that the command line refuses; files in them are only placeholders."""
    for words in command_lines(text):
        if not words:
            continue
        files = [re.sub(r"^(?!-)\S+$", __file__, word) if before in FILES else word
                 for before, word in zip(["", *words], words, strict=False)]  # fmt: skip
        try:
            build_parser().parse_args([word for word in files if word not in PLACEHOLDERS])
        except SystemExit as end:
            if end.code:
                yield words


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


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_are_understood(page):
    assert list(broken_commands(page.read_text())) == []


def test_a_wrong_command_is_found():
    text = (
        "Type this:\n\n    ringscope run --loudly   for effect\n    ringscope demo --no-color\n\nor `ringscope sevre`\n"
    )
    assert list(broken_commands(text)) == [["run", "--loudly"], ["sevre"]]


def test_every_command_is_in_the_readme():
    parser = build_parser()
    (commands,) = (action.choices for action in parser._actions if action.choices)
    assert [name for name in commands if f"`ringscope {name}`" not in (ROOT / "README.md").read_text()] == []


def test_generated_pages_are_fresh():
    done = subprocess.run([sys.executable, ROOT / "docs" / "generate.py", "--check"], capture_output=True, text=True)
    assert done.stderr == ""
    assert done.returncode == 0


def test_what_is_left_out_of_the_protocol_has_a_reason():
    generate = load_generate()
    for row in generate.ROWS:
        assert len(row.peers) == len(generate.PEERS), row.feature
        assert generate.is_answered(row) or row.reason, f"{row.feature}: an answer or a reason"
    assert not [row.feature for row in generate.ROWS if generate.is_answered(row) and row.reason], "yes, and no reason"
    answered = {row.feature for row in generate.ROWS if generate.is_answered(row)}
    assert {"x, binary-upload", "qXfer:osdata", "qCRC", "Z2, Z3, Z4"} <= answered


def load_generate():
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    return generate


NAMED_TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def test_the_functions_and_tests_that_mechanisms_name_are_there():
    lines = (ROOT / "docs" / "mechanisms.md").read_text().splitlines()
    rows = [line.split("|") for line in lines if re.match(r"\| \d", line)]
    image = find_image()
    known = [Symbols.load(part) for part in (image.vmlinux, image.compressed, image.setup)]
    assert rows and all(len(row) == 7 for row in rows)
    for row in rows:
        for name in re.findall(r"`([a-z_]\w*)`", row[3]):
            assert any(symbols.lookup(name) for symbols in known), name
        assert all((ROOT / name).exists() for name in re.findall(r"`([^`:]+)(?:::\w+)?`", row[5]))
    assert [int(row[1]) for row in rows] == sorted(int(row[1]) for row in rows)


def test_the_tests_that_complaints_name_are_there():
    rows = [line for line in (ROOT / "docs" / "complaints.md").read_text().splitlines() if line.startswith("| ")][1:]
    assert len(rows) == 45
    for row in rows:
        for file, name in NAMED_TEST.findall(row):
            assert f"def {name}(" in (ROOT / file).read_text(), f"{file}::{name}"
        assert NAMED_TEST.search(row) or re.search(r"\b(no|not|nothing)\b", row.split("|")[2]), row


def test_a_stale_page_is_named(tmp_path, capsys):
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    generate.DOCS = tmp_path
    assert generate.main(["--check"]) == 1
    assert "docs/protocol.md is stale" in capsys.readouterr().err
    assert generate.main([]) == 0
    assert generate.main(["--check"]) == 0


def test_figures_of_the_kernel_are_true():
    text = (ROOT / "docs" / "kernel.md").read_text()
    (lines,) = re.findall(r"About ([0-9,]+) lines of C and assembly", text)
    sources = [path for path in (ROOT / "kernel" / "guest").rglob("*") if path.suffix in {".c", ".h", ".S"}]
    assert int(lines.replace(",", "")) == pytest.approx(sum(path.read_text().count("\n") for path in sources), rel=0.1)
    (size,) = re.findall(r"The bzImage has (\d+) KB", text)
    assert int(size) * 1000 == pytest.approx(find_image().bzimage.stat().st_size, rel=0.05)


def test_pictures_are_small_and_there():
    pictures = re.findall(r"!\[[^\]]+\]\((\S+)\)", (ROOT / "README.md").read_text())
    assert pictures
    for picture in pictures:
        assert 0 < (ROOT / picture).stat().st_size < 100_000


def test_every_page_is_in_the_table_of_contents():
    contents = (ROOT / "docs" / "README.md").read_text()
    pages_of_docs = {str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md")} - {"README.md"}
    assert pages_of_docs <= set(LINK.findall(contents))


def test_an_unknown_word_of_run_is_one_sentence():
    done = subprocess.run([ROOT / "run", "nonsense"], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == "ringscope: there is no word 'nonsense'; ./run lists them\n"


def test_a_broken_link_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# A heading\n[a](page.md#a-heading) [b](#nowhere) [c](absent.md) [d](https://example.org)\n")
    assert list(broken_links(page)) == ["#nowhere", "absent.md"]
